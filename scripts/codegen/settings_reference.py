"""The settings reference, ``docs/settings.md``."""

from __future__ import annotations

import json
from itertools import groupby

from codecontext.config.tree import SettingDoc, describe_settings
from scripts.codegen.markdown import table

_INTRODUCTION = """\
<!-- Written by `make codegen`; edit the descriptions in the code instead. -->

# Settings

Every setting can be given in several places. In order of precedence:

1. **Editor settings**, below `codecontext`, spelt as here or in camelCase: in VS Code,
   `embeddings.huggingface.lora_adapter_path` is `codecontext.embeddings.huggingface.loraAdapterPath`.
2. **Environment variables**: `CODECONTEXT_` and the key in capitals, with two underscores for each dot.
   `indexing.max_file_bytes` is `CODECONTEXT_INDEXING__MAX_FILE_BYTES`. Lists and tables are written as JSON
   (`["tests/", "*.sql"]`), `null` means unset, and an empty variable is ignored.
3. **Project file**: `.codecontext.toml` in the folder that is indexed. You can commit it.
4. **User file**: `config.yaml` in `~/.codecontext`, or in the folder that `CODECONTEXT_HOME` names.
5. The **default**.

`codecontext config show` prints every value with the place it comes from; `codecontext config validate` checks the
files. An unknown key, a value of the wrong type or a broken file is an error that says where it is and what would be
right; nothing falls back silently.

A relative path in a file is relative to that file, one from the editor to the folder, and one in a variable to the
current directory; `~` is your home folder. A model is taken as a path only if it begins with `./`, `../`, `/` or `~`.

A project file comes with the project, so in a folder that you have not trusted it cannot choose what is loaded or
stored: settings marked *needs trust* are ignored there, with a warning. Settings marked *yours alone* are never taken
from a project, trusted or not: they use your network or your disk, or record what you do. Nor can a project file name a
network location (`\\\\server\\share`).

```toml
# .codecontext.toml
[indexing]
exclude = ["fixtures/", "*.sql"]

[embeddings.huggingface]
lora_adapter_path = "adapters/house-style"
```

```yaml
# ~/.codecontext/config.yaml
embeddings:
  huggingface:
    device: cpu
search:
  limit: 20
```
"""


def render_reference() -> str:
    """The settings reference in Markdown."""
    parts = [_INTRODUCTION]
    for section, settings in groupby(describe_settings(), key=lambda doc: doc.key.rpartition(".")[0]):
        parts.append(f"## {section}\n\n" + table(("Setting", "Type", "Default", "Meaning"), map(_row, settings)))
    return "\n".join(parts)


def _row(doc: SettingDoc) -> tuple[str, str, str, str]:
    name = doc.key.rpartition(".")[2]
    default = "unset" if doc.default is None else f"`{json.dumps(doc.default, ensure_ascii=False)}`"
    trust = " *Yours alone.*" if doc.user_only else " *Needs trust.*" if doc.trusted_only else ""
    return f"`{name}`", doc.type, default, doc.description + trust
