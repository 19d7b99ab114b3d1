from __future__ import annotations

import pytest
from pygls.exceptions import JsonRpcException

from codecontext.core.errors import AdapterError
from codecontext.core.printable import printable
from codecontext.engine.folder_state import Health, Problem, ProblemKind
from codecontext.lsp.errors import as_responses
from codecontext.lsp.protocol import EngineStatus, FolderStatus, SkippedInFolder, Status
from codecontext.rpc.messages import EngineState
from codecontext.search.results import SearchState

HOSTILE = "\x1b]0;t\x07 \x9bm \u202e \u2066 \U000e0041"


def test_no_sentence_of_the_status_holds_a_raw_control() -> None:
    folder = FolderStatus(
        uri="file:///w",
        name=HOSTILE,
        folder="/w",
        problems=(Problem(kind=ProblemKind.INDEX, message=f"a\n{HOSTILE}", hint=HOSTILE),),
        notices=(HOSTILE,),
        model=HOSTILE,
    )
    engine = EngineStatus(state=EngineState.READY, message=HOSTILE)
    status = Status(health=Health.OK, message=HOSTILE, quiescent=True, version="1", engine=engine, folders=[folder])
    shown = printable(HOSTILE)
    assert [status.message, engine.message, folder.name, folder.model, *folder.notices] == [shown] * 5
    assert folder.message == f"a\n{shown} {shown}"


def test_what_is_compared_with_files_stays_as_it_is_and_what_is_said_of_it_is_printable() -> None:
    skipped = SkippedInFolder(folder="file:///w", path=HOSTILE, reason="secret", detail=HOSTILE)
    assert (skipped.path, skipped.detail) == (HOSTILE, printable(HOSTILE))
    assert SearchState(folder="file:///w", degraded=HOSTILE).degraded == printable(HOSTILE)


def test_errors_are_answered_printable() -> None:
    with pytest.raises(JsonRpcException) as raised, as_responses("codecontext/search"):
        raise AdapterError(f"'{HOSTILE}' is no adapter.")
    assert raised.value.message == f"'{printable(HOSTILE)}' is no adapter."
