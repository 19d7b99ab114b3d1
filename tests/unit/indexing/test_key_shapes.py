"""Keys are found by their shapes, and what stands for a key is none. All of them are made up here, at random."""

from __future__ import annotations

import random
import string
from base64 import b64encode, urlsafe_b64encode

import pytest

from codecontext.indexing.key_shapes import find_key

RANDOM = random.Random(7)
LETTERS = string.ascii_letters + string.digits
BASE32 = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"


def of(alphabet: str, length: int) -> str:
    return "".join(RANDOM.choices(alphabet, k=length))


def pem(kind: str, size: int = 1_200) -> str:
    body = b64encode(RANDOM.randbytes(size)).decode()
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----"


def token(claims: str) -> str:
    head, body = (urlsafe_b64encode(text.encode()).decode().rstrip("=") for text in ('{"alg":"HS256"}', claims))
    return f"{head}.{body}.{of(LETTERS, 43)}"


KEYS = [
    ("private key", pem("RSA PRIVATE KEY")),
    ("private key", pem("PRIVATE KEY", 48)),
    ("private key", pem("OPENSSH PRIVATE KEY", 300)),
    ("private key", pem("PGP PRIVATE KEY BLOCK")),
    ("private key", pem("PRIVATE KEY").replace("\n", "\\n")),
    (
        "private key",
        pem("EC PRIVATE KEY").replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128\n\n", 1),
    ),
    ("AWS access key", "AKIA" + of(BASE32, 16)),
    ("AWS access key", "ASIA" + of(BASE32, 16)),
    ("GitHub token", "ghp_" + of(LETTERS, 36)),
    ("GitHub token", "ghs_" + of(LETTERS, 36)),
    ("GitHub token", f"github_pat_{of(LETTERS, 22)}_{of(LETTERS, 59)}"),
    ("GitLab token", "glpat-" + of(LETTERS, 20)),
    ("Slack token", f"xoxb-{of(string.digits, 12)}-{of(LETTERS, 24)}"),
    ("Slack webhook", f"https://hooks.slack.com/services/T{of(BASE32, 8)}/B{of(BASE32, 8)}/{of(LETTERS, 24)}"),
    ("Google API key", "AIza" + of(LETTERS, 35)),
    ("Google client secret", "GOCSPX-" + of(LETTERS, 28)),
    ("Stripe key", "sk_live_" + of(LETTERS, 24)),
    ("Stripe key", "rk_live_" + of(LETTERS, 99)),
    ("OpenAI key", f"sk-{of(LETTERS, 20)}T3BlbkFJ{of(LETTERS, 20)}"),
    ("OpenAI key", f"sk-proj-{of(LETTERS, 74)}T3BlbkFJ{of(LETTERS, 74)}"),
    ("Anthropic key", f"sk-ant-api03-{of(LETTERS, 93)}AA"),
    ("Hugging Face token", "hf_" + of(string.ascii_letters, 34)),
    ("npm token", "npm_" + of(LETTERS, 36)),
    ("PyPI token", "pypi-AgEIcHlwaS5vcmc" + of(LETTERS, 100)),
    ("SendGrid key", f"SG.{of(LETTERS, 22)}.{of(LETTERS, 43)}"),
    ("DigitalOcean token", "dop_v1_" + of(HEX, 64)),
    ("Shopify token", "shpat_" + of(HEX, 32)),
    ("Telegram bot token", f"{of('123456789', 10)}:AA{of(LETTERS, 33)}"),
    ("Databricks token", "dapi" + of(HEX, 32)),
    ("Azure storage key", f"AccountKey={of(LETTERS, 86)}=="),
    ("age key", "AGE-SECRET-KEY-1" + of(BASE32, 58)),
    ("service account token", token('{"iss":"kubernetes/serviceaccount","sub":"system:serviceaccount:a:b"}')),
    ("service account token", token('{"role":"service_role","iss":"supabase"}')),
]


@pytest.mark.parametrize(("kind", "key"), KEYS, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(KEYS)])
@pytest.mark.parametrize("frame", ["{}", 'KEY = "{}"\n', "export KEY={} # x", '{{"key": "{}"}}', "<key>{}</key>"])
def test_a_key_is_found_wherever_it_stands(kind: str, key: str, frame: str) -> None:
    text = "def first():\n    return 1\n\n" + frame.format(key)
    assert find_key(text.encode()) == (kind, 4)


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "AKIA" + "X" * 16,
        "AKIA1234567890ABCDEF",
        "ghp_" + "x" * 36,
        "ghp_YourTokenHere" + of(LETTERS, 23),
        "sk_test_" + of(LETTERS, 24),
        "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
        "xoxb-123456789012-abcdefghijklmnop",
        "https://hooks.slack.com/services/T00000000/B00000000/" + "X" * 24,
        "AIzaSyExampleExampleExampleExampleExampl",
        "sk-" + of(LETTERS, 48),
        "task-" + of(LETTERS, 48),
        "npm_config_registry npm_package_version npm_lifecycle_event",
        "hf_hub_download hf_transfer",
        "Rgithub_pat_" + of(LETTERS, 22),
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "if text.startswith('-----BEGIN RSA PRIVATE KEY-----'):",
        "-----BEGIN CERTIFICATE-----\n" + of(LETTERS, 640),
        token('{"sub":"1234567890","name":"John Doe","iat":1516239022}'),
        "sha256:" + of(HEX, 64),
        "integrity sha512-" + of(LETTERS, 86) + "==",
        "The file begins with PuTTY-User-Key-File-2: and holds Private-Lines: later.",
        b64encode(RANDOM.randbytes(50_000)).decode(),
    ],
    ids=lambda text: ascii(text[:24]),
)
def test_what_only_looks_like_one_hides_no_file(text: str) -> None:
    assert find_key(text.encode()) is None
    assert find_key(f'VALUE = "{text}"\n'.encode()) is None


def test_a_putty_key_begins_its_file() -> None:
    key = f"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n{of(LETTERS, 44)}\n"
    assert find_key(key.encode()) == ("private key", 1)


def test_the_first_key_that_is_none_does_not_hide_the_second() -> None:
    key = "AKIA" + of(BASE32, 16)
    assert find_key(f"# as AKIAIOSFODNN7EXAMPLE\n\nKEY = '{key}'\n".encode()) == ("AWS access key", 3)
