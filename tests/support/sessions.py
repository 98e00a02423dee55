"""Whole runs in several processes that are started once for all of them, and what is compared of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import SMALL

from pluglm.config.compose import compose, from_resolved
from pluglm.lifecycle.run import run

WORDS = [
    *SMALL,
    "model.hidden_size=32",
    "model.num_layers=4",
    "evaluator=[perplexity]",
    # Where a gradient is 0 but for rounding, as that of the keys' biases is, Adam would make large steps of it.
    "optimizer.eps=1e-6",
    "train.steps=20",
    "train.batch_size=8",
    "train.gradient_accumulation=2",
    "train.max_grad_norm=0.5",
    "train.eval_every=5",
    "train.eval_batches=2",
    "train.save_every=10",
    "train.log_every=1",
    "data.workers=1",
]
Tree = dict[str, Any]


def config_tree(*words: str) -> Tree:
    """The whole config of a run in one process."""
    return dict(compose([*WORDS, *words]).resolved)


def alone(folder: Path, tree: Tree) -> Path:
    """A run in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pluglm.lifecycle.run_stages._report", lambda *_: None)
        return run(from_resolved(tree), folder, quiet=True)


def together(processes: int, jobs: Mapping[Path, Tree], home: Path) -> None:
    """Runs by their folders, one after the other, each in all of `processes` processes."""
    if not jobs:
        return
    order = home / f"jobs-{processes}.json"
    order.write_text(json.dumps({str(folder): tree for folder, tree in jobs.items()}))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    done = subprocess.run(
        [*command, __file__, str(order)], env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-6000:]


def work(order: Path) -> None:
    """What each process does."""
    from accelerate import Accelerator

    # The processes go on with the next run.
    Accelerator.end_training = Accelerator.wait_for_everyone
    for folder, tree in json.loads(order.read_text()).items():
        alone(Path(folder), tree)
    torch.distributed.barrier()
    os._exit(0)


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The lines of that kind in metrics.jsonl."""
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line for line in found if line["kind"] == kind]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of the run's model."""
    from safetensors.torch import load_file

    return load_file(folder / "model" / "model.safetensors")


def assert_same(ours: Path, theirs: Path) -> None:
    """Curves to 1e-5, final weights to 1e-5, and scores."""
    for kind in ("train", "validation"):
        found, expected = lines(ours, kind), lines(theirs, kind)
        assert [line["step"] for line in found] == [line["step"] for line in expected]
        for one, other in zip(found, expected, strict=True):
            for name in one.keys() & {"loss", "grad_norm", "update_ratio", "learning_rate"}:
                limit = 1e-5 if name == "loss" else 1e-4
                assert abs(one[name] - other[name]) <= limit * max(1.0, abs(other[name])), (one, other)
    before, after = weights(theirs), weights(ours)
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, rtol=1e-5, atol=1e-5, msg=partial("{} {}".format, name))
    results = [json.loads((folder / "results.json").read_text()) for folder in (ours, theirs)]
    for one, other in zip(*(each["evaluations"] for each in results), strict=True):
        assert one["parameters"] == other["parameters"] and one["stage"] == other["stage"]
        for score, expected in zip(one["scores"], other["scores"], strict=True):
            assert abs(score["value"] - expected["value"]) <= 1e-5 * abs(expected["value"])


if __name__ == "__main__":
    work(Path(sys.argv[1]))
