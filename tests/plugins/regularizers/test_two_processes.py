"""Several passes in one step, and an average of the weights, under data parallelism."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from small_runs import SMALL

WORDS = [*SMALL, "preprocessor=[]", "train.steps=6", "train.eval_every=3", "train.eval_batches=2", "data.workers=1"]
WORDS += ["regularizer=[label_smoothing,adversarial,r_drop,ema]", "regularizer.adversarial.method=pgd"]


def trained(folder: Path, *words: str) -> tuple[dict[str, torch.Tensor], list[float]]:
    """The weights of a run in processes of its own, and all of its losses."""
    command = [sys.executable, "-m", "pluglm", "train", *WORDS, *words, f"output.folder={folder}", "--quiet"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return load_file(folder / "model" / "model.safetensors"), [line["loss"] for line in lines]


def test_two_processes_regularize_as_one(tmp_path: Path) -> None:
    """Without dropout, so that nothing is drawn."""
    one, losses = trained(tmp_path / "one")
    two, others = trained(tmp_path / "two", "parallelism=data")
    for loss, other in zip(losses, others, strict=True):
        assert abs(loss - other) < 1e-5
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=2e-5, rtol=1e-4)
