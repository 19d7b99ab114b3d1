"""Two servers on the same folder: one writes, both answer, and the one that is left takes over."""

from __future__ import annotations

from pathlib import Path

import psutil

from lsp.client import Json, is_settled, opened, symbols, write


def phase(status: Json) -> str:
    return str(status["folders"][0]["phase"]) if status["folders"] else ""


async def test_the_survivor_takes_over(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "shared",
        {
            f"module_{n}.py": "".join(f"def deed_{n}_{i}(x):\n    return x.field_{i} * {n}\n\n\n" for i in range(25))
            for n in range(150)
        },
    )
    async with opened(folder) as writer:
        await writer.status_that(lambda status: phase(status) == "embedding")
        async with opened(folder) as reader:
            await reader.status_that(lambda status: phase(status) == "waiting")
            answer = await reader.finds("deed_149_24", lambda result: symbols(result)[:1] == ["deed_149_24"])
            assert answer["hits"]
            assert symbols(await writer.search("deed_3_4"))[0] == "deed_3_4"

            engine = psutil.Process(writer.statuses[-1]["engine"]["pid"])
            writer.process.kill()
            engine.kill()
            status = await reader.status_that(is_settled)
            assert status["folders"][0]["chunks"] == 150 * 25
            assert status["health"] == "ok"

            reader.save(folder / "late.py", "def written_by_the_survivor():\n    return 1\n")
            await reader.finds(
                "written_by_the_survivor", lambda result: symbols(result)[:1] == ["written_by_the_survivor"]
            )


async def test_what_one_writes_the_other_finds(tmp_path: Path) -> None:
    folder = write(tmp_path / "shared", {"start.py": "def start():\n    return 1\n"})
    async with opened(folder) as one, opened(folder) as other:
        await one.settled()
        await other.settled()
        one.save(folder / "one.py", "def saved_in_one():\n    return 1\n")
        await one.finds("saved_in_one", lambda result: symbols(result)[:1] == ["saved_in_one"])
        await other.finds("saved_in_one", lambda result: symbols(result)[:1] == ["saved_in_one"])
        other.save(folder / "other.py", "def saved_in_other():\n    return 1\n")
        await one.finds("saved_in_other", lambda result: symbols(result)[:1] == ["saved_in_other"])
