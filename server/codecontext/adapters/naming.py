"""What saved weights call a module, and what the base model calls it.

Adapters are trained inside of something: PEFT's own wrapper, sentence-transformers, a compiled or distributed module,
a language model with a head. Each puts its own parts into the names that are saved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from codecontext.core.errors import AdapterError

# PEFT saves every tensor under the path of its module in the wrapped model, behind this prefix.
PEFT_PREFIX = "base_model.model."

# PEFT keeps an adapted module under this name inside its own; trained biases are saved so.
WRAPPED = ".base_layer"

# torch.compile, FSDP and activation checkpointing wrap any module in one of their own.
_FILLERS = frozenset({"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})

# What stands around the encoder: DistributedDataParallel, sentence-transformers (the first of its modules, and the
# transformer in it), and models with a head, which name their encoder so (``base_model_prefix`` in transformers).
_AROUND = frozenset(
    {
        *("module", "0", "auto_model", "base_model", "model", "transformer", "encoder", "language_model"),
        *("albert", "bert", "deberta", "distilbert", "electra", "ernie", "esm", "gpt_neox", "gte", "longformer"),
        *("mpnet", "nomic_bert", "rembert", "roberta", "roformer"),
    }
)
_MAX_AROUND = 5

# No vector depends on these parts of such models, which the encoder alone does not have.
_HEADS = frozenset({"classifier", "cls", "embed_out", "lm_head", "qa_outputs", "score", "vocab_projector"})


@dataclass(frozen=True, slots=True)
class Naming:
    """How the names of one adapter's weights translate."""

    in_base: Mapping[str, str]
    """Module as it was saved → the base model's name for it, where it has one."""
    prefixes: tuple[str, ...]
    """What may have stood before the base's names in training, most likely first; the last is empty."""
    heads: tuple[str, ...]
    """Saved modules that only models with a head have."""


def plain_name(tensor: str) -> str:
    """The name of a saved tensor without the parts that PEFT, compilers and distributors put in."""
    parts = [part for part in tensor.split(".") if part not in _FILLERS]
    name = ".".join(parts)
    wrapped, found, inner = name.rpartition(PEFT_PREFIX)
    if found and (not wrapped or wrapped.endswith(".")):
        name = inner
    # Written without PEFT's save_pretrained, matrices carry the name that the adapter has in the model.
    for matrix in ("lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B", "lora_magnitude_vector"):
        name = name.replace(f".{matrix}.default", f".{matrix}")
    return name


def module_of(name: str) -> str:
    """The module that a tensor with this plain name belongs to."""
    module, found, _ = name.partition(".lora_")
    return module if found else name.rpartition(".")[0].removesuffix(WRAPPED)


def names_in_base(
    path: Path, layers: Collection[str], others: Collection[str], modules: Mapping[str, object] | Collection[str]
) -> Naming:
    """How the adapter in ``path`` names the ``modules`` of a base model; ``layers`` have matrices, ``others`` have not.

    Names that the base does not have either way stay as they are. Raises ``AdapterError`` where a name fits the base in
    more than one way.
    """
    heads = [name for name in (*layers, *others) if name not in modules and name.partition(".")[0] in _HEADS]
    encoder = [name for name in layers if name not in heads]
    fitting = [
        prefix for prefix in _common_prefixes(encoder) if all(name.removeprefix(prefix) in modules for name in encoder)
    ]
    if len(fitting) > 1 and fitting[0]:
        raise AdapterError(
            f"The weights of the adapter {path} fit the base model in more than one way: {encoder[0]} may be "
            f"{' or '.join(encoder[0].removeprefix(prefix) for prefix in fitting)}.",
            "Save them under the names that the base model's modules have.",
        )
    prefix = fitting[0] if fitting else ""
    renamed = {name: name.removeprefix(prefix) for name in (*layers, *others) if name not in heads}
    return Naming(renamed, tuple(_endings(prefix)), tuple(sorted(heads)))


def _common_prefixes(names: Collection[str]) -> Iterator[str]:
    """Nothing, and each start of the paths that all have in common and that only wraps."""
    yield ""
    prefix = ""
    for part in next(iter(names), "").split(".")[:_MAX_AROUND]:
        prefix += f"{part}."
        if part not in _AROUND or not all(name.startswith(prefix) for name in names):
            return
        yield prefix


def _endings(prefix: str) -> Iterator[str]:
    """The prefix, the prefix without its first part, …, nothing."""
    while prefix:
        yield prefix
        prefix = prefix.partition(".")[2]
    yield ""
