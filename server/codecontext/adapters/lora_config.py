"""``adapter_config.json`` of a LoRA adapter, checked field by field before it is used.

The fields are PEFT's: https://huggingface.co/docs/peft/package_reference/lora. PEFT trusts them; here they may come
from anyone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from codecontext.adapters.files import CONFIG_FILE, read_config, shown
from codecontext.core.errors import AdapterError

REQUIRED_FIELDS = ("r", "lora_alpha", "target_modules")
ALL_LINEAR = "all-linear"

UNSUPPORTED_FIELDS = (
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "layer_replication",
    "megatron_config",
    "monteclora_config",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_qalora",
)
"""Settings that make an adapter more than a change of the weights of whole modules, so that it cannot be merged."""

TRAINING_FIELDS = (
    "auto_mapping",
    "corda_config",
    "ensure_weight_tying",
    "eva_config",
    "inference_mode",
    "lora_dropout",
    "lora_ga_config",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "task_type",
    "velora_config",
)
"""Settings without effect once an adapter is trained."""

# How B A begins. Those that are not null at the start are first taken off the base's weights, which PEFT does again
# when it loads the adapter: https://huggingface.co/docs/peft/developer_guides/lora#initialization.
_NULL_AT_THE_START = ("gaussian", "orthogonal", "eva", "mica", "lora_ga")
_TAKEN_OFF = re.compile(r"pissa|pissa_niter_(?P<rounds>[0-9]{1,3})|olora|loftq", re.IGNORECASE)
_MAX_ROUNDS = 128
"""Of PiSSA's fast SVD and of LoftQ; more gain nothing, and each takes a pass over the weights."""

_Rank = Annotated[int, Field(ge=1)]


class LoftQ(BaseModel):
    """How the base's weights are quantised for LoftQ (Li et al. 2023, arXiv:2310.08659)."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True)

    loftq_bits: Literal[2, 4, 8] = 4
    loftq_iter: Annotated[int, Field(ge=1, le=_MAX_ROUNDS)] = 1


class LoraSettings(BaseModel):
    """What decides the effect of a LoRA adapter. Descriptions say what would be right, for messages."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True)

    r: _Rank = Field(description="The rank is a whole number from 1.")
    lora_alpha: FiniteFloat = Field(description="It is a number.")
    target_modules: str | list[str] = Field(description="It is a list of names of modules, or one pattern for them.")
    exclude_modules: str | list[str] | None = Field(
        None, description="It is a list of names of modules, or one pattern for them."
    )
    layers_to_transform: int | list[int] | None = Field(None, description="It is a list of numbers of layers.")
    layers_pattern: str | list[str] | None = Field(None, description="It is a pattern for the name of the layers.")
    rank_pattern: dict[str, _Rank] | None = Field(None, description="It is an object of patterns and ranks from 1.")
    alpha_pattern: dict[str, FiniteFloat] | None = Field(None, description="It is an object of patterns and numbers.")
    modules_to_save: list[str] | None = Field(None, description="It is a list of names of modules.")
    bias: Literal["none", "all", "lora_only"] | None = Field(None, description="It is none, all or lora_only.")
    fan_in_fan_out: bool | None = Field(None, description="It is true or false.")
    use_rslora: bool | None = Field(None, description="It is true or false.")
    use_dora: bool | None = Field(None, description="It is true or false.")
    lora_bias: bool | None = Field(None, description="It is true or false.")
    init_lora_weights: bool | str | None = Field(None, description="It is true, false or a name that PEFT knows.")
    loftq_config: LoftQ | None = Field(None, description="It says loftq_bits (2, 4 or 8) and loftq_iter.")
    base_model_name_or_path: str | None = Field(None, description="It is the name or folder of the base model.")

    @property
    def taken_off_first(self) -> str:
        """The initialisation whose product is taken off the base's weights; empty for the usual ones."""
        start = self.init_lora_weights
        return start.lower() if isinstance(start, str) and start.lower() not in _NULL_AT_THE_START else ""


def read_lora_settings(path: Path) -> LoraSettings:
    """The settings of the adapter in the folder ``path``.

    Raises ``AdapterError`` for another kind of adapter, and for the first field that is missing, malformed or asks for
    what is not supported.
    """
    config = read_config(path)
    file = path / CONFIG_FILE
    _require_lora(path, config)
    unsupported = next((field for field in UNSUPPORTED_FIELDS if config.get(field)), None)
    if unsupported is not None:
        raise AdapterError(
            f"{file} has {unsupported} = {shown(config[unsupported])}, which CodeContext does not support.",
            "It supports LoRA on the weights of whole modules; train an adapter without this setting.",
        )
    missing = [field for field in REQUIRED_FIELDS if config.get(field) is None]
    if missing:
        raise AdapterError(f"{file} lacks {', '.join(missing)}.", "Save the adapter again with PEFT's save_pretrained.")
    try:
        settings = LoraSettings.model_validate(config)
    except ValidationError as error:
        field = str(error.errors(include_url=False)[0]["loc"][0])
        hint = LoraSettings.model_fields[field].description or ""
        raise AdapterError(f"{file} has {field} = {shown(config[field])}.", hint) from error
    _require_known_start(file, settings)
    return settings


def _require_lora(path: Path, config: dict[str, Any]) -> None:
    kind = config.get("peft_type")
    if kind is None:
        raise AdapterError(
            f"{path / CONFIG_FILE} lacks peft_type.", "Save the adapter again with PEFT's save_pretrained."
        )
    if kind != "LORA":
        spelled = kind if isinstance(kind, str) and len(kind) < 40 and kind.isprintable() else shown(kind)
        raise AdapterError(
            f"The adapter in {path} is of PEFT type {spelled}, but only LoRA is supported.",
            "Train a LoRA adapter (peft_type LORA) of the same base model.",
        )


def _require_known_start(file: Path, settings: LoraSettings) -> None:
    start = settings.taken_off_first
    if not start:
        return
    if start == "corda":
        raise AdapterError(
            f"{file} has init_lora_weights = 'corda', which starts from weights that are known only during training.",
            "Save it as plain LoRA: save_pretrained(…, path_initial_model_for_weight_conversion=…).",
        )
    known = _TAKEN_OFF.fullmatch(start)
    if known is None or int(known["rounds"] or 1) not in range(1, _MAX_ROUNDS + 1):
        raise AdapterError(
            f"{file} has init_lora_weights = {shown(settings.init_lora_weights)}.",
            "Known are true, false, gaussian, orthogonal, eva, mica, lora_ga, olora, loftq, pissa and "
            f"pissa_niter_N with N from 1 to {_MAX_ROUNDS}.",
        )
