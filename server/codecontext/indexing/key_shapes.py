r"""Keys and tokens inside a file, told by the shapes that their issuers gave them to be found by.

Only shapes with a mark of their own count, so that ordinary text matches none: a password that looks like a word is not
found. The shapes are documented by their issuers and collected by GitHub's secret scanning and by gitleaks
(https://github.com/gitleaks/gitleaks). Every expression is a fixed mark and one run of characters, so that the time is
linear in the text.

What stands for a key in documentation and tests hides no file: words such as ``EXAMPLE`` in it, one character over and
over, or a private key without the key.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import re2


class FoundKey(NamedTuple):
    """What a key looks like, and the line that it is in, from 1."""

    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """A kind of key; one of ``marks`` is in every such key, and is looked for first because that is quick."""

    kind: str
    marks: tuple[bytes, ...]
    pattern: re.Pattern[bytes]


def _shape(kind: str, pattern: str, *marks: str) -> _Shape:
    whole_words = rf"(?<![A-Za-z0-9_\-]){pattern}(?![A-Za-z0-9_])"
    return _Shape(kind, tuple(mark.encode() for mark in marks), re.compile(whole_words.encode()))


_SHAPES = (
    _shape("AWS access key", r"(?:AKIA|ASIA)[A-Z2-7]{16}", "AKIA", "ASIA"),
    _shape("GitHub token", r"gh[opsur]_[A-Za-z0-9]{36,255}", "ghp_", "gho_", "ghs_", "ghu_", "ghr_"),
    _shape("GitHub token", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", "github_pat_"),
    _shape("GitLab token", r"gl(?:pat|ptt|rt|dt|soat|cbt)-[A-Za-z0-9_\-]{20,64}", "glpat-", "glptt-", "glrt-", "gldt-"),
    _shape("Slack token", r"xox[abeoprs]-[A-Za-z0-9\-]{20,250}", "xox"),
    _shape("Slack token", r"xapp-\d-[A-Za-z0-9\-]{20,250}", "xapp-"),
    _shape(
        "Slack webhook", r"hooks\.slack\.com/services/T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{20,30}", "hooks.sl"
    ),
    _shape("Google API key", r"AIza[A-Za-z0-9_\-]{35}", "AIza"),
    _shape("Google client secret", r"GOCSPX-[A-Za-z0-9_\-]{28}", "GOCSPX-"),
    _shape("Stripe key", r"[rs]k_live_[A-Za-z0-9]{20,250}", "k_live_"),
    _shape("OpenAI key", r"sk-[A-Za-z0-9_\-]{16,150}T3BlbkFJ[A-Za-z0-9_\-]{16,150}", "T3BlbkFJ"),
    _shape("Anthropic key", r"sk-ant-[a-z]{3,8}\d\d-[A-Za-z0-9_\-]{80,120}", "sk-ant-"),
    _shape("Hugging Face token", r"hf_[A-Za-z]{34}", "hf_"),
    _shape("npm token", r"npm_[A-Za-z0-9]{36}", "npm_"),
    _shape("PyPI token", r"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_\-]{50,250}", "pypi-AgE"),
    _shape("SendGrid key", r"SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}", "SG."),
    _shape("DigitalOcean token", r"do[opr]_v1_[a-f0-9]{64}", "_v1_"),
    _shape("Shopify token", r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}", "shpat_", "shpca_", "shppa_", "shpss_"),
    _shape("Square token", r"sq0[a-z]{3}-[A-Za-z0-9_\-]{22,60}", "sq0"),
    _shape("Telegram bot token", r"\d{8,10}:AA[A-Za-z0-9_\-]{33}", ":AA"),
    _shape("Databricks token", r"dapi[a-f0-9]{32}", "dapi"),
    _shape("Azure storage key", r"AccountKey=[A-Za-z0-9+/]{86}==", "AccountKey="),
    _shape("age key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}", "AGE-SECRET-KEY-1"),
)
_PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_PUTTY_KEY = re.compile(rb"^PuTTY-User-Key-File-\d+: ", re.MULTILINE)
_KEY_BODY = re.compile(rb"[A-Za-z0-9+/=]{40,}")
_KEY_BODY_WITHIN = 600
"""Bytes behind the head of a private key: it may say first how it is encrypted."""
_JWT = re.compile(rb"(?<![A-Za-z0-9_\-])eyJ[A-Za-z0-9_\-]{8,400}\.(eyJ[A-Za-z0-9_\-]{8,4000})\.[A-Za-z0-9_\-]{20,1000}")
_SERVICE = (b"serviceaccount", b"service_account", b"service_role")
"""In the claims of a token that acts for a service and does not end with somebody's session."""

_STANDS_FOR_A_KEY = re.compile(
    rb"example|placeholder|sample|dummy|fake|redacted|changeme|insert|your|test|xxxx|000000|123456|abcdef"
    rb"|Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1",  # the key that every emulator of Azure storage has
    re.IGNORECASE,
)
_MIN_CHARACTERS = 8
"""Different ones in a key; 16 at random of base 32 have less once in ten thousand keys."""

_PRIVATE_KEY_MARK = b" PRIVATE KEY"
_PUTTY_MARK = b"PuTTY-User-Key-File-"
_JWT_MARK = b".eyJ"


def _compiled_marks() -> re2._Regexp:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes as they are
    options.never_capture = True
    marks = [mark for shape in _SHAPES for mark in shape.marks]
    return re2.compile(b"|".join(map(re.escape, [*marks, _PRIVATE_KEY_MARK, _PUTTY_MARK, _JWT_MARK])), options)


_ANY_MARK = _compiled_marks()
"""All marks at once. RE2 goes over the text once for them, which hardly any file gets past."""


def find_key(data: bytes) -> FoundKey | None:
    """A key in ``data``; None if none is known by its shape."""
    found = next(_keys(data), None) if _ANY_MARK.search(data) else None
    return found and FoundKey(found[0], data.count(b"\n", 0, found[1]) + 1)


def _keys(data: bytes) -> Iterator[tuple[str, int]]:
    """Kind and place of every key."""
    if _PRIVATE_KEY_MARK in data:
        for head in _PRIVATE_KEY.finditer(data):
            body = _KEY_BODY.search(data, head.end(), head.end() + _KEY_BODY_WITHIN)
            if body and not _stands_for_a_key(body.group()):
                yield "private key", head.start()
    if _PUTTY_MARK in data and b"Private-Lines:" in data and (key := _PUTTY_KEY.search(data)):
        yield "private key", key.start()
    for shape in _SHAPES:
        if any(mark in data for mark in shape.marks):
            for key in shape.pattern.finditer(data):
                if not _stands_for_a_key(key.group()):
                    yield shape.kind, key.start()
    if _JWT_MARK in data:
        for token in _JWT.finditer(data):
            if any(word in _decoded(token[1]) for word in _SERVICE):
                yield "service account token", token.start()


def _stands_for_a_key(key: bytes) -> bool:
    return len(set(key)) < _MIN_CHARACTERS or _STANDS_FOR_A_KEY.search(key) is not None


def _decoded(claims: bytes) -> bytes:
    try:
        return urlsafe_b64decode(claims + b"=" * (-len(claims) % 4))
    except (binascii.Error, ValueError):
        return b""
