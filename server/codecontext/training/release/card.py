"""The model card of a trained adapter (Mitchell et al., arXiv:1810.03993; Hugging Face's layout)."""

from __future__ import annotations

from codecontext.adapters import AdapterSide
from codecontext.training.evaluation.results import METRIC_NAMES, Comparison
from codecontext.training.release.artifact import TrainingRecord

_USE = {
    AdapterSide.QUERY: (
        "It was trained for **queries only**; embed documents with the base model. Vectors of documents that are "
        "embedded with the adapter differ from those it was trained against."
    ),
    AdapterSide.BOTH: "It was trained for **queries and documents**; embed both with it.",
}


def render_card(record: TrainingRecord) -> str:
    """The card as Markdown."""
    base_name = record.base_model
    settings, data, course = record.settings, record.data, record.course
    lines = [
        "---",
        f"base_model: {base_name}",
        "library_name: peft",
        "pipeline_tag: feature-extraction",
        "tags: [lora, code-search, codecontext]",
        "---",
        "",
        f"# {record.name}",
        "",
        (
            f"A LoRA adapter for `{base_name}` trained by CodeContext on the vocabulary of the repository "
            f"`{record.folder}`: {data.train:,} pairs of a query and the code that answers it."
        ),
        "",
        "## Use",
        "",
        _USE[record.side],
        "",
        "```console",
        f"$ codecontext adapter use {record.name}",
        "```",
        "",
        "```python",
        "from peft import PeftModel",
        "from transformers import AutoModel",
        "",
        f'model = PeftModel.from_pretrained(AutoModel.from_pretrained("{base_name}"), "{record.name}")',
        "```",
        "",
        "## Evaluation",
        "",
        *_metrics(record),
        "",
        "## Training",
        "",
        (
            f"* Pairs: {', '.join(f'{count:,} from {source}' for source, count in data.sources.items())}. "
            f"{data.validation:,} more were used for validation and {data.test:,} for the evaluation above; "
            f"{data.leaked:,} were left out because a held-out pair has the same query. No file has pairs in two "
            "parts; commits are split by time."
        ),
        (
            f"* Rank {settings.rank}, alpha {settings.alpha:g}, strength {course.strength:g}, learning rate "
            f"{settings.learning_rate:g}, batches of {settings.batch_size}, temperature {settings.temperature:g}, "
            f"{course.steps:,} steps, seed {settings.seed}."
        ),
        f"* Base model digest: `{record.base_fingerprint}`.",
        f"* Trained {record.created} with {', '.join(f'{name} {found}' for name, found in record.versions.items())}.",
        "",
        "## Limitations",
        "",
        (
            "The evaluation uses queries mined from this repository. It says little about other repositories, and less "
            "about queries that nobody wrote down. The adapter contains no text of the repository, but its weights "
            "were trained on it: share it only with people who may read the code."
        ),
        "",
    ]
    return "\n".join(lines)


def _metrics(record: TrainingRecord) -> list[str]:
    if record.metrics is None:
        return ["It was not evaluated."]
    rows = [
        "On held-out queries, with the 95 % interval of the change (paired bootstrap):",
        "",
        "| | base | adapter | change |",
        "|---|---|---|---|",
    ]
    for view, comparisons in (("vectors alone", record.metrics.dense), ("whole search", record.metrics.search)):
        rows += [f"| {METRIC_NAMES[name]}, {view} | {_row(found)} |" for name, found in comparisons.items()]
    return rows


def _row(found: Comparison) -> str:
    gain = found.gain
    return f"{found.before.mean:.3f} | {found.after.mean:.3f} | {gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
