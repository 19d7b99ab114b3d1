from __future__ import annotations

from codecontext.store.records import IndexState


def spaces_after(state: IndexState, space_id: str, *, activate: bool = True) -> IndexState:
    return IndexState(spaces=state.with_space(space_id, keep=3, activate=activate))


def test_the_latest_spaces_are_kept() -> None:
    state = IndexState()
    for space in ("a", "b", "c", "a", "d"):
        state = spaces_after(state, space)
    assert state.spaces == ["d", "a", "c"]


def test_a_space_that_is_not_activated_comes_after_the_active_one() -> None:
    state = spaces_after(IndexState(spaces=["active", "older"]), "new", activate=False)
    assert state.spaces == ["active", "new", "older"]
    assert spaces_after(IndexState(), "first", activate=False).spaces == ["first"]
    assert spaces_after(state, "active", activate=False).spaces == ["active", "new", "older"]
