"""What is in files that are no plain UTF-8 source: found by what an editor shows of it, or left out with the reason."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

SOURCES = {
    "stock.c": (
        "shift_jis",
        "/* 在庫の合計数量を計算する */\nint calc(const Stock *s, int n)\n{\n    return n;\n}\n",
        "在庫の合計",
    ),
    "order.py": (
        "gbk",
        '# coding: gbk\ndef check(order):\n    """检查订单是否已经支付"""\n    return order.paid\n',
        "检查订单",
    ),
    "Cancel.java": (
        "euc_kr",
        "public class Cancel {\n    /** 주문을 취소하고 환불한다 */\n    void run() {}\n}\n",
        "주문을 취소하고",
    ),
    "order.pas": (
        "cp1251",
        "{ Расчёт суммы заказа }\nfunction Total: Double;\nbegin\n  Result := 1;\nend;\n",
        "суммы заказа",
    ),
    "wide.py": ("utf-16", 'def wide():\n    """Ein Test für breite Zeichen."""\n    return 1\n', "breite Zeichen"),
}


@pytest.fixture
def indexed(codecontext: Run, project: Path) -> Path:
    for name, (encoding, text, _) in SOURCES.items():
        (project / name).write_bytes(text.encode(encoding))
    damaged = 'def damaged():\n    """Größe und Maß"""\n    return \'?\'\n'.encode().replace(b"?", b"\xff")
    (project / "damaged.py").write_bytes(damaged)
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'6f' * 32}\nsize 90405214\n"
    (project / "seed.sql").write_text(pointer, encoding="utf-8")
    key = "AKIA" + "Q3WJ7XKZ2MNB4RTV"
    (project / "deploy.py").write_text(f"def deploy():\n    return upload('{key}')\n", encoding="utf-8")
    (project / "example.py").write_text("def example():\n    return 'AKIAIOSFODNN7EXAMPLE'\n", encoding="utf-8")
    (project / "secrets.yml").write_text("password: hunter2\n", encoding="utf-8")
    assert codecontext("index").returncode == 0
    return project


def test_code_in_any_encoding_is_found_and_shown(codecontext: Run, indexed: Path) -> None:
    for name, (_, text, words) in SOURCES.items():
        run = codecontext("search", words, "--json", cwd=indexed)
        hits = {hit["path"]: hit for hit in json.loads(run.stdout)["hits"]}
        assert hits[name]["evidence"]["lexical_rank"] is not None, name
        assert hits[name]["freshness"] == "fresh"
        assert hits[name]["text"] in text
    best = json.loads(codecontext("search", "Größe und Maß", "--json", cwd=indexed).stdout)["hits"][0]
    assert best["path"] == "damaged.py"
    assert "'\N{REPLACEMENT CHARACTER}'" in best["text"]


def test_the_like_of_code_in_another_encoding_can_be_asked_for(codecontext: Run, indexed: Path) -> None:
    for name in SOURCES:
        assert codecontext("similar", f"{name}:2", cwd=indexed).returncode == 0


def test_what_is_left_out_is_listed_with_what_was_found(codecontext: Run, indexed: Path) -> None:
    skipped = codecontext("status", "--skipped", cwd=indexed).stdout.splitlines()
    assert skipped == [
        "secret       deploy.py  (looks like it contains a key: AWS access key on line 2)",
        "secret       secrets.yml",
        "lfs_pointer  seed.sql  (its 90,405,214 bytes are in Git LFS and not fetched)",
    ]
    found = codecontext("search", "deploy upload password hunter2 seed", "--json", cwd=indexed).stdout
    assert {"deploy.py", "secrets.yml", "seed.sql"}.isdisjoint(hit["path"] for hit in json.loads(found)["hits"])
    assert "hunter2" not in found.replace("deploy upload password hunter2 seed", "")
