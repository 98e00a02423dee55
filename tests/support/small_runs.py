"""Whole runs of a few seconds, and what of them must be the same."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pluglm.config.compose import compose
from pluglm.lifecycle.run import run
from pluglm.testing.runs import SMALL as KIT

# What makes a recipe small: the settings of the kit's runs, and the smallest model.
SHRUNK = ["model.size=nano", *KIT]
# The one small run of the tests. Others are this one and what they change of it: the last word about a key counts.
SMALL = ["source=[generated_reviews]", "source.generated_reviews.documents=120"]
SMALL += ["preprocessor=[normalize,exact_dedup]", "tokenizer=byte", "evaluator=[]", *SHRUNK]
SMALL += ["train.steps=12", "train.eval_every=4", "train.save_every=3", "train.log_every=2"]
# Everything that draws: masks, dropout, changed copies, and batches that are cut.
RANDOM = [
    "objective=mlm",
    "regularizer=[dropout]",
    "augmenter=[random_swap,random_deletion]",
    "train.gradient_accumulation=2",
]


def small_without(*parts: str) -> list[str]:
    """The small run without its words about these parts, such as "source", where others take their place."""
    return [word for word in SMALL if not word.startswith(parts)]


def train(folder: Path, *words: str) -> Path:
    """A run in this process."""
    return run(compose([*SMALL, *words]), folder, quiet=True)


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A run in a process of its own."""
    command = [sys.executable, "-m", "pluglm", "train", *SMALL, *words, f"output.folder={folder}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def pluglm(*words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run([sys.executable, "-m", "pluglm", *words], capture_output=True, text=True)


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl without what a clock says."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{k: v for k, v in line.items() if k not in ("seconds", "tokens_per_second")} for line in lines]


def digests(folder: Path) -> dict[str, str]:
    """Every file below `folder`, by its digest."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def weights(folder: Path) -> dict[str, Any]:
    """The tensors of the model in `folder`."""
    from safetensors.torch import load_file

    return load_file(folder / "model" / "model.safetensors")
