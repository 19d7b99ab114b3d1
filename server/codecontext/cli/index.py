"""``codecontext index``: create or update the index of a folder."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codecontext.cli import wording
from codecontext.cli.console import print_facts, print_json, print_label, stderr, stdout
from codecontext.cli.errors import INTERRUPTED
from codecontext.cli.options import JsonOption
from codecontext.cli.prune import prune_indexes
from codecontext.core.priority import lower_process_priority

if TYPE_CHECKING:
    from codecontext.indexing.report import IndexReport


def index(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", show_default=False, help="The folder to index. Defaults to the current directory."
        ),
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Rebuild the index from scratch.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove the indexes of deleted folders instead of indexing.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --prune: only show what would be removed.")] = False,
    full_speed: Annotated[
        bool, typer.Option("--full-speed", help="Compete with other programs for the CPU, which otherwise go first.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Index a folder, or update its index.

    Only files that changed are read and embedded. Ctrl-C keeps finished work; run the command again to resume.
    """
    if prune:
        if force or path != Path():
            raise typer.BadParameter(
                "it applies to all indexes and takes neither PATH nor --force.", param_hint="--prune"
            )
        prune_indexes(dry_run=dry_run, as_json=as_json)
        return
    if dry_run:
        raise typer.BadParameter("it requires --prune.", param_hint="--dry-run")
    if not full_speed:
        lower_process_priority()
    from codecontext.cli.progress import stop_on_interrupt, work_progress
    from codecontext.cli.session import open_engine
    from codecontext.engine.folders import existing_folder
    from codecontext.indexing.reader_pool import ReaderPool

    with (
        open_engine(existing_folder(path)) as engine,
        closing(ReaderPool()) as reader,
        stop_on_interrupt(_announce_stop) as cancel,
        work_progress(stderr()) as on_progress,
    ):
        report = engine.index(force=force, on_progress=on_progress, cancel=cancel, reader=reader)
        vectors = engine.settings.indexing.vectors
    if as_json:
        print_json(report)
    else:
        _print_summary(report, vectors=vectors)
    if report.cancelled:
        print_label("Stopped", _what_is_kept(report, vectors=vectors))
        raise typer.Exit(INTERRUPTED)


def _announce_stop() -> None:
    stderr().print("Stopping after this batch… (Press Ctrl-C again to stop immediately.)")


def _print_summary(report: IndexReport, *, vectors: bool) -> None:
    changed = report.files_written or report.files_removed or report.chunks_embedded or report.chunks_reused
    contents = f"{wording.count(report.files, 'file')}, {wording.count(report.chunks, 'chunk')}"
    verb = "Stopped at" if report.cancelled else "Indexed" if changed else "Up to date:"
    stdout().print(f"{verb} {contents} in {wording.duration(report.seconds)}.", style="bold")
    facts = [
        ("Files", f"{report.files_written:,} new or changed, {report.files_removed:,} removed"),
    ]
    if vectors:
        facts.append(("Embeddings", f"{report.chunks_embedded:,} computed, {report.chunks_reused:,} from the cache"))
    if report.skipped:
        skipped = sum(report.skipped.values())
        facts.append(("Skipped", f"{skipped:,} (run 'codecontext status --skipped' to list them)"))
    print_facts(facts)
    for notice in report.notices:
        print_label("Note", notice)


def _what_is_kept(report: IndexReport, *, vectors: bool) -> str:
    semantic = f", semantic search {wording.share(report.coverage)} of it" if vectors else ""
    return (
        f"Finished work is kept: keyword search covers everything read so far{semantic}. "
        "Run 'codecontext index' again to resume."
    )
