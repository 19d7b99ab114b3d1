"""``$/cancelRequest``: the request is answered with RequestCancelled, and the server goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from codecontext.lsp.protocol import Method
from lsp.client import PATIENCE, Editor, symbols

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def cancelled(editor: Editor, method: str, params: Any, request_id: int | str) -> JsonRpcException:
    """Ask and take it back at once; the error that comes."""
    waiting = editor.protocol.send_request(method, params, msg_id=request_id)
    editor.cancel_request(types.CancelParams(request_id))
    with pytest.raises(JsonRpcException) as answer:
        await asyncio.wait_for(asyncio.wrap_future(waiting), PATIENCE)
    return answer.value


@pytest.mark.parametrize("request_id", [4711, "search-1"])
async def test_a_search_is_cancelled(editor: Editor, request_id: int | str) -> None:
    error = await cancelled(editor, Method.SEARCH, {"query": "mutual exclusion"}, request_id)
    assert error.code == types.LSPErrorCodes.RequestCancelled
    assert symbols(await editor.search("hold_lock"))[0] == "hold_lock"


async def test_a_search_in_two_parts_is_cancelled(editor: Editor) -> None:
    params = {"query": "mutual exclusion", "partialResultToken": "cancelled"}
    error = await cancelled(editor, Method.SEARCH, params, "parts")
    assert error.code == types.LSPErrorCodes.RequestCancelled
    assert len(editor.progress["cancelled"]) <= 1  # the first part may have been on its way


async def test_a_command_is_cancelled(editor: Editor) -> None:
    params = types.ExecuteCommandParams("codecontext.server.search", [{"query": "mutual exclusion"}])
    error = await cancelled(editor, types.WORKSPACE_EXECUTE_COMMAND, params, "command")
    assert error.code == types.LSPErrorCodes.RequestCancelled
    assert symbols(await editor.search("hold_lock"))[0] == "hold_lock"


async def test_a_hundred_searches_of_which_all_but_the_last_are_cancelled(editor: Editor) -> None:
    """As somebody types who asks with every letter."""
    waiting = []
    for number in range(100):
        request = editor.protocol.send_request(Method.SEARCH, {"query": f"lock {number}"}, msg_id=f"letter-{number}")
        waiting.append(asyncio.wrap_future(request))
        if number:
            editor.cancel_request(types.CancelParams(f"letter-{number - 1}"))
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert answers[-1]["query"] == "lock 99"
    for answer in answers[:-1]:
        assert isinstance(answer, JsonRpcException) or answer["complete"]
        assert not isinstance(answer, JsonRpcException) or answer.code == types.LSPErrorCodes.RequestCancelled
    assert any(isinstance(answer, JsonRpcException) for answer in answers)


async def test_cancelling_what_is_unknown_or_answered_changes_nothing(editor: Editor) -> None:
    await asyncio.wait_for(
        editor.protocol.send_request_async(Method.SEARCH, {"query": "lock"}, msg_id="answered"), PATIENCE
    )
    for request_id in ("answered", "never-asked", 0):
        editor.cancel_request(types.CancelParams(request_id))
    assert symbols(await editor.search("hold_lock"))[0] == "hold_lock"
