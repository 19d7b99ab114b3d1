"""The settings reference, ``docs/settings.md``."""

from __future__ import annotations

import json
from itertools import groupby

from codecontext.config.tree import SettingDoc, describe_settings
from scripts.codegen.markdown import table

_INTRODUCTION = """\
<!-- Written by `make codegen`; edit the descriptions in the code instead. -->

# Settings

Every setting can be given in several places. The first place that has it decides:

1. **Editor settings**, below `codecontext`, spelt as here or in camelCase: in VS Code,
   `embeddings.huggingface.lora_adapter_path` is `codecontext.embeddings.huggingface.loraAdapterPath`.
2. **Environment variables**: `CODECONTEXT_` and the key in capitals, with two underscores for each dot.
   `indexing.max_file_bytes` is `CODECONTEXT_INDEXING__MAX_FILE_BYTES`. Lists and tables are written as JSON
   (`["tests/", "*.sql"]`), `null` stands for unset, and an empty variable counts as absent.
3. **Project file**: `.codecontext.toml` in the folder that is indexed. It may be committed.
4. **User file**: `config.yaml` in `~/.codecontext`, or in the folder that `CODECONTEXT_HOME` names.
5. The **default**.

`codecontext config show` prints every value with the place it came from; `codecontext config validate` checks
the files. An unknown key, a value of the wrong kind or a broken file is an error that says where it is and
what would be right; it never falls back to something else in silence.

A relative path counts from the file that names it, from the folder if the editor names it, and from the
working directory if a variable does; `~` is your home folder. A model is taken for a path only if it begins
with `./`, `../`, `/` or `~`.

A project file comes with the project, so in a folder that you have not trusted it cannot choose what is
loaded or stored: settings marked *needs trust* are ignored there, and that is reported. Settings marked *yours
alone* are never taken from a project, trusted or not: they spend your network or your disk, or keep a record of what
you do. A project file cannot name a place on the network (`\\\\server\\share`) either.

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
