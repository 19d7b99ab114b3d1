"""Small random encoders made by transformers, run by torch and as graphs."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from codecontext.embeddings.openvino.architecture import parse
from codecontext.embeddings.openvino.backend import OpenVinoBackend
from codecontext.embeddings.openvino.graph import EncoderGraph
from codecontext.embeddings.openvino.models import ARCHITECTURES
from codecontext.embeddings.openvino.weights import MappedWeights, weight_files
from codecontext.embeddings.pooling import POOLERS, Pooling

LONGEST = 70
VOCABULARY = 400
BERT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": LONGEST + 2,
    # Larger than in training, so that a mistake in any part shows.
    "initializer_range": 0.3,
}
QWEN2 = BERT | {"num_key_value_heads": 2, "max_position_embeddings": 128}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "bert": BERT,
    "roberta": BERT | {"type_vocab_size": 1},
    "xlm-roberta": BERT | {"layer_norm_eps": 1e-5},
    "mpnet": BERT,
    "qwen2": QWEN2,
}


def save_encoder(folder: Path, kind: str, **changes: Any) -> Path:
    """A model whose biases and norms are random as well."""
    import torch
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(0)
    model = AutoModel.from_config(AutoConfig.for_model(kind, **(CONFIGURATIONS[kind] | changes)))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter += 0.2 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    return folder


def torch_vectors(model: Any, ids: np.ndarray, mask: np.ndarray, pooling: Pooling) -> np.ndarray:
    """Normalised vectors of one batch."""
    import torch

    with torch.inference_mode():
        tokens, real = torch.from_numpy(ids), torch.from_numpy(mask)
        hidden = model(input_ids=tokens, attention_mask=real).last_hidden_state
        return torch.nn.functional.normalize(POOLERS[pooling](hidden, real), dim=-1).numpy()


def loaded(folder: Path) -> Any:
    """The model in torch."""
    from transformers import AutoModel

    return AutoModel.from_pretrained(folder).eval()


def graph_of(
    folder: Path, pooling: Pooling, precision: str = "f32", changed: Mapping[str, np.ndarray] | None = None
) -> OpenVinoBackend:
    """The model as a graph, with ``changed`` in place of the weights of these names."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    architecture = parse(ARCHITECTURES[config["model_type"]], config)
    weights = MappedWeights(weight_files(folder)).replaced(changed or {})
    graph = EncoderGraph(weights, LONGEST)
    model = graph.finish(architecture.hidden_states(graph), pooling, normalize=True)
    return OpenVinoBackend(model, precision=precision, threads=1, pad_id=0, batch_tokens=1024, weights=weights)


def batch(lengths: list[int], *, side: str, pad_id: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random token ids of these lengths, padded on one side, and their mask."""
    numbers = np.random.default_rng(seed)
    longest = max(lengths)
    ids = np.full((len(lengths), longest), pad_id, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, length in enumerate(lengths):
        place = slice(longest - length, None) if side == "left" else slice(length)
        ids[row, place] = numbers.integers(3, VOCABULARY, length)
        mask[row, place] = 1
    return ids, mask


def lowest_cosine(left: np.ndarray, right: np.ndarray) -> float:
    """Of pairs of rows."""
    cosines = (left * right).sum(axis=1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    return float(cosines.min())


def save_adapter(folder: Path, model: Path, **settings: Any) -> Path:
    """An adapter of the model, made by PEFT, all of whose tensors are random."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    config = LoraConfig(**({"r": 4, "lora_alpha": 8} | settings))
    adapted = get_peft_model(loaded(model), config)
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.data += 0.1 * torch.randn_like(parameter)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT takes biases of matrices for damaged matrices
        adapted.save_pretrained(folder)
    return folder


def merged_by_peft(model: Path, adapter: Path) -> Any:
    """The model in torch with the adapter, as PEFT merges it."""
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # likewise
        return PeftModel.from_pretrained(loaded(model), adapter).merge_and_unload().eval()
