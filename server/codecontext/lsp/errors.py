"""The only place where our errors become those of JSON-RPC, and where parameters are checked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from codecontext.core.errors import CodeContextError, QueryError
from codecontext.core.printable import printable, printable_lines
from codecontext.rpc.transport import REQUEST_FAILED, error_data

logger = logging.getLogger(__name__)

Model = TypeVar("Model", bound=BaseModel)

MAX_PROBLEMS = 10
"""Reported for one message; more of them would tell the sender nothing new."""
_MAX_CHARACTERS = 300


def checked(model: type[Model], method: str, params: Any) -> Model:
    """``params`` as a ``model``. Raises ``JsonRpcInvalidParams`` that names each invalid field.

    An empty array stands for no parameters: Lua, for one, cannot tell it from an empty object.
    """
    try:
        return model.model_validate({} if params is None or params == [] else params)
    except ValidationError as error:
        fields = [
            {"field": short(".".join(map(str, detail["loc"]))), "problem": short(_sentence(detail["msg"]))}
            for detail in error.errors()[:MAX_PROBLEMS]
        ]
        said = "; ".join(
            f"{field['field']}: {field['problem']}" if field["field"] else field["problem"] for field in fields
        )
        raise JsonRpcInvalidParams(f"{method}: {said}", data={"kind": "InvalidParams", "fields": fields}) from error


def invalid_field(method: str, field: str, problem: str) -> JsonRpcInvalidParams:
    """The error for a field that is of the right type and still invalid."""
    fields = [{"field": field, "problem": problem}]
    return JsonRpcInvalidParams(f"{method}: {field}: {problem}", data={"kind": "InvalidParams", "fields": fields})


@contextmanager
def as_responses(method: str) -> Iterator[None]:
    """Turn what is raised inside into an error response.

    An invalid query is InvalidParams with its field, what the engine refuses is RequestFailed with a hint, and anything
    else a short internal error, with its traceback only in the log.
    """
    try:
        yield
    except JsonRpcException:
        raise
    except QueryError as error:
        raise JsonRpcInvalidParams(
            printable_lines(str(error)),
            data=error_data(error) | {"fields": [{"field": "query", "problem": error.message}]},
        ) from error
    except CodeContextError as error:
        raise JsonRpcException(printable_lines(str(error)), REQUEST_FAILED, error_data(error)) from error
    except Exception as error:
        logger.exception("%s failed.", method)
        raise JsonRpcException(f"{method} failed: {type(error).__name__}. See the server log for details.") from error


def short(text: str) -> str:
    """``text`` on one line, cut to a readable length; it may quote what was sent."""
    text = printable(text)
    return text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 1] + "…"


def _sentence(problem: str) -> str:
    return problem[:1].lower() + problem[1:]
