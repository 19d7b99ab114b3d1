"""LoRA adapters as files: what they are, whether they are sound, whether they fit a base model."""

from codecontext.adapters.compatibility import BaseArchitecture, check_compatible, check_fingerprint
from codecontext.adapters.discover import InvalidAdapter, discover_adapters
from codecontext.adapters.files import AdapterSide
from codecontext.adapters.fingerprint import adapter_fingerprint
from codecontext.adapters.inspect import AdapterInfo, LoraLayer, inspect_adapter, is_unchanged, require_unchanged

__all__ = [
    "AdapterInfo",
    "AdapterSide",
    "BaseArchitecture",
    "InvalidAdapter",
    "LoraLayer",
    "adapter_fingerprint",
    "check_compatible",
    "check_fingerprint",
    "discover_adapters",
    "inspect_adapter",
    "is_unchanged",
    "require_unchanged",
]
