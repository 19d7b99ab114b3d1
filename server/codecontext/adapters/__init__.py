"""LoRA adapters as files: what they are, whether they are sound, whether they fit a base model."""

from typing import TYPE_CHECKING

from codecontext.core.lazy import lazy_exports

if TYPE_CHECKING:
    from codecontext.adapters.compatibility import BaseArchitecture, check_compatible, check_fingerprint
    from codecontext.adapters.discover import InvalidAdapter, discover_adapters
    from codecontext.adapters.files import AdapterSide
    from codecontext.adapters.fingerprint import adapter_fingerprint
    from codecontext.adapters.inspect import AdapterInfo, LoraLayer, inspect_adapter, is_unchanged, require_unchanged
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "AdapterInfo": "codecontext.adapters.inspect",
            "AdapterSide": "codecontext.adapters.files",
            "BaseArchitecture": "codecontext.adapters.compatibility",
            "InvalidAdapter": "codecontext.adapters.discover",
            "LoraLayer": "codecontext.adapters.inspect",
            "adapter_fingerprint": "codecontext.adapters.fingerprint",
            "check_compatible": "codecontext.adapters.compatibility",
            "check_fingerprint": "codecontext.adapters.compatibility",
            "discover_adapters": "codecontext.adapters.discover",
            "inspect_adapter": "codecontext.adapters.inspect",
            "is_unchanged": "codecontext.adapters.inspect",
            "require_unchanged": "codecontext.adapters.inspect",
        },
    )

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
