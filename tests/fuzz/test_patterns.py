"""Regular expressions from outside: any text is a pattern or a reason why not, and answers in time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codecontext.core.patterns import BadPattern, compile_pattern
from fuzz.bounds import FUZZ

PATTERNS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="ab.*+?()[]{}|^$\\-!0123456789,", max_size=60),
    st.lists(st.sampled_from(["(", ")", "a", "[a-z]", "+", "*", "{1,9}", "|", ".", "?"]), max_size=40).map("".join),
)


@FUZZ
@given(PATTERNS, st.text(max_size=200))
def test_any_text_is_a_pattern_or_is_refused(source: str, text: str) -> None:
    try:
        pattern = compile_pattern(source)
    except BadPattern:
        return
    pattern.matches(text)
    pattern.is_in("a" * 10_000 + text)
