"""Which number format a model may compute in: the CPU's fastest where vectors stay what they are, else the exact one.

bfloat16 has 8 significant bits, float16 has 11 but overflows at 65,504. Most encoders bear both; some have activations
that do not. So both are compared once, and the verdict is kept below the CodeContext home.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from codecontext.embeddings.backend import EmbeddingBackend
from codecontext.embeddings.base import Vectors
from codecontext.embeddings.batching import embed_tokens
from codecontext.embeddings.openvino.backend import OpenVinoBackend
from codecontext.embeddings.openvino.library import EXACT, native_precisions
from codecontext.embeddings.remembered import recall, remember

logger = logging.getLogger(__name__)

# Promised of all texts is 0.999. The samples are few, so they must agree better.
LOWEST_COSINE = 0.9995

# Different lengths, code and prose, one text of special tokens alone; batched together they need padding.
SAMPLE_TEXTS = (
    "",
    "parse_config",
    "where is the session token compared",
    "SELECT name, price FROM products WHERE id = ?",
    "사용자 이름을 찾는 함수",
    "def add(left: int, right: int) -> int:\n    return left + right",
    "func (s *Server) Close() error {\n\treturn s.listener.Close()\n}",
    "## Installation\n\nRun the installer, then restart the editor.",
    "for row in rows:\n    total += row.price * row.count\n" * 10,
)

_KIND = "precision"

# The long one goes alone; padded to its length, the others would take most of the time.
_SAMPLE_BATCH_TOKENS = 256


class Compile(Protocol):
    """Makes a model in a number format, once for each of ``callers`` threads; unset: for as many as there will be."""

    def __call__(self, precision: str, callers: int | None = None) -> OpenVinoBackend:
        """The compiled model."""


def compile_faithfully(key: str, samples: Sequence[Sequence[int]], compiled: Compile) -> OpenVinoBackend:
    """A model in the fastest number format that gives the vectors of the exact one.

    ``key`` is a digest of everything that decides it, ``samples`` are the tokens of ``SAMPLE_TEXTS``.
    """
    fastest = native_precisions()[0]
    if fastest == EXACT:
        return compiled(EXACT)
    known = recall(_KIND, key)
    if known in (fastest, EXACT):
        return compiled(known)
    with ThreadPoolExecutor(1) as aside:
        expected = aside.submit(lambda: _vectors(compiled(EXACT, callers=1), samples))
        fast = compiled(fastest)
        cosine = lowest_cosine(_vectors(fast, samples), expected.result())
    is_faithful = cosine >= LOWEST_COSINE
    logger.debug("The lowest cosine of vectors in %s to those in %s is %.5f.", fastest, EXACT, cosine)
    remember(_KIND, key, fastest if is_faithful else EXACT)
    return fast if is_faithful else compiled(EXACT)


def lowest_cosine(expected: Vectors, found: Vectors) -> float:
    """Lowest cosine of a pair of rows; 0 if a row is null or not finite."""
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines = (expected * found).sum(axis=1) / norms
    return float(np.nan_to_num(cosines, nan=0.0, posinf=0.0, neginf=0.0).min())


def _vectors(backend: EmbeddingBackend, samples: Sequence[Sequence[int]]) -> Vectors:
    batches = list(embed_tokens(backend, samples, SAMPLE_TEXTS, batch_tokens=_SAMPLE_BATCH_TOKENS))
    order = np.concatenate([rows for rows, _ in batches])
    vectors: Vectors = np.concatenate([vectors for _, vectors in batches])[np.argsort(order)]
    return vectors
