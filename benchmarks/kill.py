"""Runs that are killed at random moments and resumed, beside runs that nothing happens to: how many end otherwise.

    python benchmarks/kill.py --kills 50

Each kind of run below is done once to its end. Then it is started again, and its processes get SIGKILL at random
moments: as it starts, between steps, while a checkpoint is being written, while the finished model is. `pluglm resume`
goes on and is killed in turn, until the kills of that kind are used up and it may end. Its model, metrics and ledger
must be those of the run that nothing happened to, to the byte (metrics without what a clock says). Nothing is repaired
by hand in between.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STEPS = 60
SMALL = [
    "source=[generated_reviews]",
    "source.generated_reviews.documents=300",
    "preprocessor=[normalize,exact_dedup]",
    "tokenizer=byte",
    "model.size=nano",
    "evaluator=[]",
    f"train.steps={STEPS}",
    "train.batch_size=4",
    "train.eval_every=10",
    "train.eval_batches=1",
    "train.save_every=3",
    "train.log_every=2",
    "train.threads=1",
    "data.sequence_length=64",
    "data.validation_fraction=0.1",
]
KINDS: dict[str, list[str]] = {
    "clm, dropout": ["objective=clm", "regularizer=[dropout]"],
    "clm, packing off, accumulation": ["data.packing=false", "train.gradient_accumulation=3"],
    "clm, mixture": [
        "source=[generated_reviews,python_library]",
        "source.python_library.max_megabytes=0.2",
        "data.mixture.weights={generated_reviews: 3, python_library: 1}",
    ],
    "mlm, augmentation, batches made ahead": [
        "objective=mlm",
        "augmenter=[random_swap,random_deletion]",
        "train.loader_workers=2",
    ],
    "mlm, dropout, bf16, warm-ups": [
        "objective=mlm",
        "regularizer=[dropout]",
        "train.precision=bf16",
        "train.batch_size=8",
        "train.batch_size_warmup=20",
        "train.sequence_length_warmup=20",
    ],
    "mlm, two processes, dropout": ["objective=mlm", "regularizer=[dropout]", "parallelism=data"],
    "nsp, dropout": ["objective=nsp", "regularizer=[dropout]"],
    "mlm_nsp, accumulation": ["objective=mlm_nsp", "train.gradient_accumulation=2"],
    "span corruption": ["objective=span_corruption"],
    "classification, early stopping": [
        "objective=classification",
        "regularizer=[dropout,early_stopping]",
        "regularizer.early_stopping.patience=2",
        "optimizer.lr=2e-2",
    ],
    "clm, moving average, muon": ["optimizer=muon", "regularizer=[ema,dropout]"],
    "clm, fp16": ["train.precision=fp16", "train.loss_scale=1e9"],
}


@dataclass(slots=True)
class Outcome:
    """What became of one kind of run."""

    kills: int = 0
    during_saves: int = 0
    differences: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "pluglm", *words]


def digests(folder: Path) -> dict[str, str]:
    """What must be the same: weights, tokenizer, metrics without times, and the ledger."""
    found = {}
    for path in sorted((folder / "model").iterdir()):
        if path.name != "README.md":  # the model card says how long it took
            found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    timed = ("seconds", "tokens_per_second")
    found["metrics"] = json.dumps([{k: v for k, v in line.items() if k not in timed} for line in lines])
    found["ledger"] = (folder / "ledger.json").read_text(encoding="utf-8")
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    found["steps"] = f"{results['steps_done']} of {results['steps_planned']}, {results['stopped']}"
    return found


def kill_group(process: subprocess.Popen[Any]) -> None:
    """SIGKILL for the process and, where a launcher started others in sessions of their own, for these too."""
    import psutil

    try:
        every = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        every = []
    for one in every:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.send_signal(signal.SIGKILL)
    process.wait()


def last_step(folder: Path) -> int:
    """The last step that was logged."""
    try:
        lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        return int(json.loads(lines[-1])["step"]) if lines else 0
    except (OSError, ValueError):
        return 0


def moments(kills: int, chance: random.Random) -> list[tuple[str, int]]:
    """When to kill, in order: at the start of a process, after a step, during the save after a step, or when training
    is done and the model is being written."""
    steps = sorted(chance.randrange(STEPS - 4) for _ in range(kills))
    kinds = [chance.choices(["start", "step", "save"], [1, 3, 3])[0] for _ in steps[:-1]]
    return list(zip([*kinds, "finish"], steps, strict=True))


def reached(moment: str, step: int, folder: Path) -> bool:
    """Whether a run has come to where it is to be killed."""
    if moment == "finish":
        return last_step(folder) >= STEPS
    saving = any((folder / "checkpoints").glob("*.tmp"))
    return last_step(folder) >= step and (saving or moment == "step")


def disturb(words: list[str], folder: Path, kills: int, chance: random.Random) -> Outcome:
    """One run of a kind, with so many kills."""
    outcome = Outcome()
    start = command("train", *words, f"output.folder={folder}", "--quiet")
    planned = moments(kills, chance)
    while True:
        arguments = command("resume", str(folder), "--quiet") if (folder / "config.yaml").exists() else start
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if planned:
            moment, step = planned.pop(0)
            if moment == "start":
                time.sleep(chance.uniform(0.5, 8))
            while process.poll() is None and moment != "start" and not reached(moment, step, folder):
                time.sleep(0.001)
            if moment in ("step", "finish"):
                time.sleep(chance.uniform(0, 0.1))
            if process.poll() is None:
                kill_group(process)
                outcome.kills += 1
                outcome.during_saves += any((folder / "checkpoints").glob("*.tmp"))
                continue
        _, said = process.communicate()
        if process.returncode:
            outcome.failures.append(said.strip().splitlines()[-1] if said.strip() else str(process.returncode))
        return outcome


def main() -> None:
    """Kill, resume, compare, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="how many in all")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    given = parser.parse_args()
    kinds = {name: words for name, words in KINDS.items() if given.only in name}
    chance, outcomes = random.Random(given.seed), {}
    with tempfile.TemporaryDirectory() as home:
        os.environ["PLUGLM_CACHE"] = str(Path(home) / "cache")
        for number, (name, words) in enumerate(kinds.items()):
            kills = given.kills // len(kinds) + (number < given.kills % len(kinds))
            whole, other = Path(home) / f"{number}-whole", Path(home) / f"{number}-killed"
            train = command("train", *SMALL, *words, f"output.folder={whole}", "--quiet")
            subprocess.run(train, check=True, stdout=subprocess.DEVNULL)
            outcome = disturb([*SMALL, *words], other, kills, chance)
            if not outcome.failures:
                wanted, found = digests(whole), digests(other)
                outcome.differences = [key for key in wanted if wanted[key] != found.get(key)]
            outcomes[name] = outcome
            print(
                f"| {name} | {outcome.kills} | {outcome.during_saves} | {len(outcome.differences)} "
                f"{' '.join(outcome.differences)} | {' '.join(outcome.failures)} |",
                flush=True,
            )
    kills = sum(outcome.kills for outcome in outcomes.values())
    during = sum(outcome.during_saves for outcome in outcomes.values())
    wrong = sum(bool(outcome.differences or outcome.failures) for outcome in outcomes.values())
    print(f"{kills} kills, {during} while a checkpoint was written; {wrong} of {len(outcomes)} runs ended otherwise")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
