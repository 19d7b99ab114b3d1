"""Settings: one tree of what each room declares, and where each value came from."""

from codecontext.config.load import LoadedSettings, Origin, load_settings, validate_file
from codecontext.config.settings import Settings
from codecontext.config.tree import SettingDoc, describe_settings

__all__ = [
    "LoadedSettings",
    "Origin",
    "SettingDoc",
    "Settings",
    "describe_settings",
    "load_settings",
    "validate_file",
]
