"""What pluglm's loop costs per step, beside a bare PyTorch loop over the same model and the same batches.

    python benchmarks/overhead.py

Both train the default model with the default optimizer from the same weights. The bare loop gets its batches ready
made, in a list; pluglm makes them as it goes, logs, and divides by counts. Model, loss and optimizer are the same code
in both, so that only the loops differ. They take turns; a figure is milliseconds per step, over all steps of a repeat
without its first ones.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from pluglm import Objective
from pluglm.batching.examples import prepare_examples
from pluglm.config.compose import compose
from pluglm.config.run_config import RunConfig
from pluglm.corpus.prepared import prepare_corpus
from pluglm.lifecycle.assemble import Assembly, assemble
from pluglm.lifecycle.fit import fit
from pluglm.progress import Progress, quiet_libraries

WARM_UP = 10


def bare_loop(
    model: Any, objective: Objective, batches: list[dict[str, Any]], rates: list[float], lr: float
) -> list[float]:
    """Seconds at which each step was done."""
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=lr, weight_decay=0.1, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rates[min(step, len(rates) - 1)])
    model.train()
    ends = []
    for batch in batches:
        losses = objective.loss(model, batch)
        loss = losses.sums.sum() / losses.counts.sum()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        ends.append(time.perf_counter())
    return ends


def pluglm_loop(assembly: Assembly, folder: Path) -> list[float]:
    """Seconds at which each step was done."""
    fit(assembly, folder, Progress(quiet=True), lambda hook, event: None)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line["seconds"] for line in lines if line["kind"] == "train"]


def prepared(config: RunConfig) -> Assembly:
    """Everything for a run, ready for its first step."""
    quiet_libraries()
    progress = Progress(quiet=True)
    corpus = prepare_corpus(config, progress)
    return assemble(config, corpus, prepare_examples(config, corpus, progress), lambda line: None)


def main() -> None:
    """Print milliseconds per step and their ratio, for each repeat and over all."""
    parser = argparse.ArgumentParser(description="pluglm's loop beside a bare one")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("overrides", nargs="*", help="pluglm overrides, such as train.batch_size=8 model.size=nano")
    given = parser.parse_args()
    still = ["train.eval_every=0", "train.save_every=0", "train.eval_batches=1", "train.log_every=1"]
    config = compose([f"train.steps={given.steps}", *still, *given.overrides])
    assembly = prepared(config)
    model = copy.deepcopy(assembly.model)
    batches = list(itertools.islice(assembly.loader.training_batches(given.steps), given.steps))
    rates = [config.schedule.factor(step, given.steps) for step in range(given.steps)]
    print(
        f"{sum(p.numel() for p in model.parameters()):,} parameters, batches of {tuple(batches[0]['input_ids'].shape)}"
    )
    print(f"{'repeat':<8} {'bare ms':>9} {'pluglm ms':>10} {'ratio':>7}")
    counted = given.steps - WARM_UP
    both: list[tuple[float, float]] = []
    for repeat in range(given.repeats):

        def bare() -> float:
            ends = bare_loop(copy.deepcopy(model), config.objective, batches, rates, config.optimizer.lr)
            return float(1000 * (ends[-1] - ends[WARM_UP - 1]) / counted)

        def ours() -> float:
            with tempfile.TemporaryDirectory() as folder:
                ends = pluglm_loop(prepared(config), Path(folder))
            return float(1000 * (ends[-1] - ends[WARM_UP - 1]) / counted)

        first, second = (bare, ours) if repeat % 2 == 0 else (ours, bare)
        figures = {first: first(), second: second()}
        both.append((figures[bare], figures[ours]))
        print(f"{repeat + 1:<8} {both[-1][0]:9.2f} {both[-1][1]:10.2f} {both[-1][1] / both[-1][0]:7.3f}", flush=True)
    medians = [statistics.median(column) for column in zip(*both, strict=True)]
    ratios = sorted(ours / bare for bare, ours in both)
    print(f"{'median':<8} {medians[0]:9.2f} {medians[1]:10.2f} {statistics.median(ratios):7.3f}")
    print(
        f"overhead per step: {100 * (statistics.median(ratios) - 1):+.1f} % (from {100 * (ratios[0] - 1):+.1f} to "
        f"{100 * (ratios[-1] - 1):+.1f} %)"
    )


if __name__ == "__main__":
    main()
