"""``codecontext adapter use``: choose the adapter of a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codecontext.cli.adapter.evaluate import print_evaluation
from codecontext.cli.adapter.options import (
    ProgressFormat,
    ProgressOption,
    ProjectOption,
    QueriesOption,
    open_workbench,
    project_folder,
    project_settings,
    resolve,
)
from codecontext.cli.console import print_facts, print_json, print_label, shown_path, stdout
from codecontext.cli.options import JsonOption
from codecontext.core.printable import printable

if TYPE_CHECKING:
    from codecontext.training.evaluation.results import Evaluation
    from codecontext.training.release.promotion import Promotion


def use(
    adapter: Annotated[
        str,
        typer.Argument(
            metavar="ADAPTER", help="Adapter name or folder, or base for the base model alone.", show_default=False
        ),
    ],
    if_better: Annotated[
        bool,
        typer.Option(
            "--if-better",
            help="First measure it against the one in use; switch only if search improves significantly.",
        ),
    ] = False,
    queries: QueriesOption = None,
    folder: ProjectOption = None,
    progress: ProgressOption = ProgressFormat.TEXT,
    as_json: JsonOption = False,
) -> None:
    """Set the project's adapter in .codecontext.toml (comments are preserved).

    Running editors switch automatically: to a query-side adapter at once, to one for both sides when the code has been
    re-embedded.
    """
    from codecontext.training.release.promotion import promote, require_gain, used_adapter

    place = project_folder(folder)
    settings = project_settings(place)
    path = resolve(adapter, place, settings)
    evaluation: Evaluation | None = None
    if if_better:
        from codecontext.training.evaluator import Evaluator

        with open_workbench(place, settings, progress) as bench:
            evaluation = Evaluator(bench, path, used_adapter(place)).evaluate(queries_file=queries)
        if not as_json:
            print_evaluation(evaluation)
        require_gain(evaluation)
    promotion = promote(place, path).model_copy(update={"evaluation": evaluation})
    if as_json:
        print_json(promotion)
    else:
        _print_promotion(promotion)


def _print_promotion(promotion: Promotion) -> None:
    stdout().print(printable(f"{promotion.folder} now uses {promotion.adapter or 'the base model'}."), style="bold")
    print_facts(
        [("Written to", shown_path(Path(promotion.file))), ("Previously", promotion.before or "the base model")]
    )
    if promotion.overridden_by:
        print_label("Warning", f"{promotion.overridden_by} overrides the project file.")
