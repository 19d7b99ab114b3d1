from __future__ import annotations

import pytest
from pydantic import ValidationError

from codecontext.chunking import ChunkingConfig


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"window_lines": 8, "window_overlap": 8}, "window_overlap must be smaller than window_lines"),
        ({"target_lines": 200}, "target_lines must not be larger than max_chunk_lines"),
        ({"target_chars": 5000}, "target_chars must not be larger than max_chunk_chars"),
        ({"max_chunk_lines": 0}, "greater than or equal to 1"),
        ({"max_lines": 10}, "Extra inputs are not permitted"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, int], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ChunkingConfig(**limits)
