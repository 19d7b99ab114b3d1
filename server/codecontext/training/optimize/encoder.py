"""The base model with an adapter that is being trained."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from codecontext.core.errors import TrainingError
from codecontext.embeddings.base import InstructionType, Vectors
from codecontext.embeddings.huggingface.config import HuggingFaceSettings
from codecontext.embeddings.model_files import ModelCard, read_model_card, resolve_model
from codecontext.embeddings.prompts import resolve_prompts
from codecontext.embeddings.pytorch.devices import choose_device
from codecontext.embeddings.pytorch.model import TorchModel
from codecontext.embeddings.tokenizer import load_tokenizer
from codecontext.training.config import TrainingConfig
from codecontext.training.optimize.batches import batches_by_length

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter

# The projections of queries and values, as in Hu et al., "LoRA" (arXiv:2106.09685), section 7.1.
TARGETS = {
    "albert": ("query", "value"),
    "bert": ("query", "value"),
    "camembert": ("query", "value"),
    "distilbert": ("q_lin", "v_lin"),
    "gemma": ("q_proj", "v_proj"),
    "gemma2": ("q_proj", "v_proj"),
    "gemma3_text": ("q_proj", "v_proj"),
    "gpt2": ("c_attn",),
    "gpt_neox": ("query_key_value",),
    "llama": ("q_proj", "v_proj"),
    "mistral": ("q_proj", "v_proj"),
    "modernbert": ("Wqkv",),
    "mpnet": ("attn.q", "attn.v"),
    "nomic_bert": ("Wqkv",),
    "phi3": ("qkv_proj",),
    "qwen2": ("q_proj", "v_proj"),
    "qwen3": ("q_proj", "v_proj"),
    "roberta": ("query", "value"),
    "t5": ("q", "v"),
    "xlm-roberta": ("query", "value"),
}

_EMBED_BATCH = 64


class TrainableEncoder:
    """Texts to vectors, with gradients for the adapter alone.

    Vectors are normalised whatever the model does, since cosines are what is trained. Raises ``ModelUnavailable``,
    ``AdapterError`` and ``TrainingError``.
    """

    def __init__(self, model: HuggingFaceSettings, config: TrainingConfig) -> None:
        import torch
        from peft import LoraConfig

        folder = resolve_model(model.model_name, allow_download=model.allow_download)
        self.card = read_model_card(model.model_name, folder)
        self.device = choose_device(config.device if config.device != "auto" else model.device)
        self._dimension = model.dimension or self.card.dimension
        self._tokenizer = load_tokenizer(self.card, model.max_tokens or self.card.max_tokens)
        self._prompts = resolve_prompts(self.card.name, self.card.prompts, self.card.default_prompt, model.prompts)
        self.lora_config = LoraConfig(
            r=config.rank,
            lora_alpha=_number(config.alpha),
            lora_dropout=config.dropout,
            target_modules=list(config.targets or target_modules(self.card)),
            task_type="FEATURE_EXTRACTION",
        )
        torch.manual_seed(config.seed)
        self._module, self._adapted = TorchModel(self.card, self.device).trainable_encoder(self.lora_config)
        self._module.to(self.device)

    def parameters(self) -> list[Parameter]:
        """The adapter's weights."""
        return [parameter for parameter in self._adapted.parameters() if parameter.requires_grad]

    def tokens(self, texts: Sequence[str], instruction: InstructionType) -> list[list[int]]:
        """Token ids of each text behind the prompt of its kind."""
        return self._tokenizer.encode([self._prompts[instruction] + text for text in texts])

    def train(self) -> None:
        """Let dropout act."""
        self._module.train()

    def forward(self, token_ids: Sequence[Sequence[int]]) -> Tensor:
        """Vectors of a batch, shape (batch, dimension), float32, on the device."""
        import torch

        width = max(map(len, token_ids))
        ids = torch.full((len(token_ids), width), self._tokenizer.pad_id)
        mask = torch.zeros_like(ids)
        for row, tokens in enumerate(token_ids):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
        with self._precision():
            vectors = self._module(ids.to(self.device), mask.to(self.device))
        return torch.nn.functional.normalize(vectors.float()[:, : self._dimension], dim=-1)

    def vectors(self, texts: Sequence[str], instruction: InstructionType) -> Vectors:
        """Vectors of ``texts`` as they are now, shape (n, dimension), without gradients or dropout."""
        import torch

        self._module.eval()
        token_ids = self.tokens(texts, instruction)
        result = np.empty((len(texts), self._dimension), np.float32)
        with torch.no_grad():
            for rows in batches_by_length(token_ids, _EMBED_BATCH):
                result[rows] = self.forward([token_ids[row] for row in rows]).cpu().numpy()
        return result

    def weights(self) -> dict[str, Tensor]:
        """A copy of the adapter's weights by name."""
        named = self._adapted.named_parameters()
        return {name: weight.detach().cpu().clone() for name, weight in named if weight.requires_grad}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Put back what ``weights`` gave."""
        import torch

        with torch.no_grad():
            for name, weight in self._adapted.named_parameters():
                if weight.requires_grad:
                    weight.copy_(weights[name])

    def set_strength(self, strength: float) -> None:
        """Scale the trained adapter by ``strength``; 0 is the base model, 1 is as it was trained.

        Moving between a model and its fine-tuned self is what Wortsman et al., "Robust fine-tuning of zero-shot
        models" (arXiv:2109.01903), do; with LoRA it is one factor.
        """
        from peft.tuners.lora import LoraLayer

        for layer in self._adapted.modules():
            if isinstance(layer, LoraLayer):
                layer.set_scale("default", strength)

    def save(self, folder: Path, strength: float, base_name: str) -> None:
        """Write the adapter in PEFT's format, its strength as part of its alpha."""
        config: Any = self._adapted.peft_config["default"]
        config.base_model_name_or_path = base_name
        alpha = config.lora_alpha
        config.lora_alpha = _number(alpha * strength)
        try:
            # The embedding layer is never adapted; left to itself PEFT checks a model hub whether it was.
            self._adapted.save_pretrained(str(folder), save_embedding_layers=False)
        finally:
            config.lora_alpha = alpha

    def _precision(self) -> AbstractContextManager[Any]:
        """bfloat16 where the device computes in it natively; the adapter's weights stay float32."""
        import torch

        kind = self.device.partition(":")[0]
        if (kind == "cuda" and torch.cuda.is_bf16_supported()) or (kind == "cpu" and _cpu_has_bfloat16()):
            return torch.autocast(kind, torch.bfloat16)
        return nullcontext()


def target_modules(card: ModelCard) -> tuple[str, ...]:
    """Which modules of a model's architecture are adapted. Raises ``TrainingError`` for one that is not known."""
    targets = TARGETS.get(card.model_type)
    if targets is None:
        raise TrainingError(
            f"The modules to adapt in {card.name} are not known for its architecture '{card.model_type}'.",
            "Pass them with --target; they are the linear layers of its attention.",
        )
    return targets


def _cpu_has_bfloat16() -> bool:
    import torch

    is_supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return platform.machine() in {"x86_64", "AMD64"} and is_supported is not None and bool(is_supported())


def _number(value: float) -> float:
    """A whole number as an ``int``, as adapter configurations usually have it."""
    return int(value) if float(value).is_integer() else value
