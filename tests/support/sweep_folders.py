"""Folders of many runs as a sweep leaves them, made by hand: what differs and what came of it is given."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from run_folders import config


def member(
    folder: Path,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    loss: float = 3.0,
    *,
    scores: Sequence[Mapping[str, Any]] = (),
    parameters: int = 1_000_000,
    tokens: int = 1_000_000,
    epochs: float = 0.5,
    seconds: float = 60.0,
    latency: float = 5.0,
    cost: float | None = None,
    compressed: Sequence[Mapping[str, Any]] = (),
    finished: bool = True,
    steps: int = 100,
) -> Path:
    """A run whose config differs from the usual one in `settings` ("optimizer.lr" or, for a whole family, "optimizer"),
    and whose loss falls to `loss`."""
    folder.mkdir(parents=True)
    tree = copy.deepcopy(config())
    tree["seed"] = seed
    for key, value in (settings or {}).items():
        *path, last = key.split(".")
        place = tree
        for part in path:
            place = place[part]
        place[last] = value
    (folder / "config.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    flops = 6 * parameters * tokens
    plan: dict[str, Any] = {"parameters": {"all": parameters}, "steps": steps, "tokens": tokens, "flops": flops,
                            "epochs": epochs, "measured": {"training_seconds": seconds}}  # fmt: skip
    if cost is not None:
        plan["cost"] = {"amount": cost, "currency": "USD", "hardware": "h100", "priced": "2026-11-01"}
    (folder / "plan.json").write_text(json.dumps(plan))
    lines = []
    done = steps if finished else steps // 3
    for step in range(5, done + 1, 5):
        at = step / steps
        value = loss + 4 * (math.exp(-6 * at) - math.exp(-6))
        where = {"tokens": tokens * at, "seconds": seconds * at}
        lines.append({"kind": "train", "step": step, "loss": value + 0.02 * math.sin(step + seed), **where})
        if step % 10 == 0:
            lines.append({"kind": "validation", "step": step, "loss": value})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if not finished:
        return folder
    bits = {"evaluator": "fit", "name": "bits_per_byte", "value": loss / 2, "low": loss / 2 - 0.05,
            "high": loss / 2 + 0.05, "n": 100, "better": "lower", "meaning": "bits for a byte of text"}  # fmt: skip
    stages = [{"stage": "trained", "scores": [bits, *scores], "parameters": parameters, "size_bytes": 4 * parameters,
               "latency_ms": latency}, *compressed]  # fmt: skip
    results = {"name": "run", "evaluations": stages, "notes": [], "steps_done": steps, "steps_planned": steps,
               "stopped": None, "tokens": tokens, "training_seconds": seconds, "total_seconds": seconds}  # fmt: skip
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def grid(folder: Path, optimizers: int = 3, rates: int = 2, sizes: int = 1, seeds: int = 3) -> Path:
    """A full factorial sweep: optimizers matter most (0.3 each), then learning rates (0.1 each), then sizes; a seed
    shifts all alike by 0.05 beside the noise."""
    chance, number = random.Random(7), 0
    for optimizer in range(optimizers):
        for rate in range(rates):
            for size in range(sizes):
                for seed in range(seeds):
                    loss = 3 + 0.3 * optimizer + 0.1 * rate - 0.15 * size + 0.05 * seed + chance.gauss(0, 0.02)
                    settings = {
                        "optimizer": {"name": f"descent_{optimizer}", "lr": 0.001},
                        "schedule.warmup": 0.05 * (rate + 1),
                        "model.size": ["nano", "micro", "mini", "small"][size],
                    }
                    n = 1_000_000 * 2**size
                    where = folder / f"{number:03}-descent_{optimizer}"
                    member(where, settings, seed, loss, parameters=n, seconds=40.0 * 1.7**size + optimizer,
                           latency=4.0 * 1.5**size)  # fmt: skip
                    number += 1
    return folder


def sweep_json(folder: Path, members: Sequence[Mapping[str, Any]]) -> None:
    """sweep.json, with what each member does not say left empty."""
    usual: dict[str, Any] = {"words": [], "folder": None, "status": "finished", "reason": None, "plan": None}
    told = [{"number": number, **usual, **one} for number, one in enumerate(members)]
    (folder / "sweep.json").write_text(json.dumps({"name": "sweep", "words": [], "swept": [], "members": told}))
