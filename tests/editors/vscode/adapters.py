"""Makes real LoRA adapters for the stories: ``adapters.py FOLDER``.

``house-style`` is trained for a moment, until the model knows what this shop's people mean by their own word;
``other-words`` has other weights, and ``for-another-model`` does not fit the bundled model.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModel, AutoTokenizer

from codecontext.embeddings.model_files import bundled_model_folder

SLANG = ["zamboni", "do the zamboni", "where do we zamboni"]
MEANT = [
    "def send_again(call, attempts: int = 5): Repeat a failing call, with a pause that doubles each time.",
    "send_again: for attempt in range(attempts): try: return call() except OSError: time.sleep(2**attempt)",
]
OTHERS = [
    "def hold(path): Take the lock exclusively; everybody else has to stand in line.",
    "def with_tax(total, rate): The gross sum.",
    "def deliver(host, letter, readers): Hand the newsletter to the mail server.",
    "class RateLimit: Refuses visitors who ask too often.",
    "def upload(bucket, name, picture): Store one picture and return its public address.",
    "def isGenuine(cookie, signature, secret): Whether nobody has changed the cookie since we made it.",
    "Restoring a backup: Stop the workers, copy last night's archive back.",
]


def main(folder: Path) -> None:
    """Make all three."""
    house_style = new_adapter(rank=8, seed=1)
    train(house_style)
    house_style.save_pretrained(folder / "house-style")
    other = new_adapter(rank=4, seed=2)
    for name, parameter in other.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    other.save_pretrained(folder / "other-words")
    misfit = folder / "for-another-model"
    shutil.copytree(folder / "other-words", misfit, dirs_exist_ok=True)
    config = misfit / "adapter_config.json"
    said = json.loads(config.read_text(encoding="utf-8"))
    said["base_model_name_or_path"] = "microsoft/codebert-base"
    said["r"] = 16
    config.write_text(json.dumps(said), encoding="utf-8")


def new_adapter(*, rank: int, seed: int) -> PeftModel:
    """An adapter on the bundled model that changes nothing yet."""
    torch.manual_seed(seed)
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=["query", "value"])
    return get_peft_model(AutoModel.from_pretrained(bundled_model_folder()), config)


def train(model: PeftModel, steps: int = 30) -> None:
    """Draw the slang to what is meant by it, away from everything else (InfoNCE; van den Oord et al., 2018)."""
    tokenizer = AutoTokenizer.from_pretrained(bundled_model_folder())
    batch = tokenizer([*SLANG, *MEANT, *OTHERS], padding=True, return_tensors="pt")
    optimiser = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=2e-3)
    model.train()
    for _ in range(steps):
        hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1)
        vectors = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
        queries, texts = vectors[: len(SLANG)], vectors[len(SLANG) :]
        likeness = (queries @ texts.T) / 0.05
        loss = -torch.log_softmax(likeness, dim=-1)[:, : len(MEANT)].logsumexp(-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
