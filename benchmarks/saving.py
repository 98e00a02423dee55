"""What a checkpoint costs the training that goes on while it is written.

    python benchmarks/saving.py

Trains a model of 30M parameters with AdamW, by turns with checkpoints every so many steps and without. A figure is
the time by the clock of the same steps; what the saves add to it, divided by their number, is the cost of one, and
that of one save a minute is its share of 60 seconds. How long the loop stood still for the copy in memory stands beside
it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from pluglm.batching.examples import prepare_examples
from pluglm.config.compose import compose
from pluglm.corpus.prepared import prepare_corpus
from pluglm.lifecycle import fit as fitting
from pluglm.lifecycle.assemble import assemble
from pluglm.progress import Progress, quiet_libraries

WORDS = [
    "source.python_library.max_megabytes=3",
    "tokenizer.vocab_size=8192",
    "model.size=small",
    "train.batch_size=2",
    "train.log_every=1000",
    "train.eval_every=0",
    "train.keep_checkpoints=1",
]


def seconds(steps: int, save_every: int) -> tuple[float, list[float], int]:
    """By the clock: all steps, how long the loop stood still for each save, and the bytes of a checkpoint."""
    config = compose([*WORDS, f"train.steps={steps}", f"train.save_every={save_every}"])
    with Progress(quiet=True) as progress, tempfile.TemporaryDirectory() as folder:
        corpus = prepare_corpus(config, progress)
        assembly = assemble(config, corpus, prepare_examples(config, corpus, progress), lambda line: None)
        stood: list[float] = []
        save = fitting._save

        def timed(*arguments: Any) -> None:
            began = time.perf_counter()
            save(*arguments)
            stood.append(time.perf_counter() - began)

        fitting._save = timed
        try:
            done = fitting.fit(assembly, Path(folder), progress, lambda hook, event: None)
        finally:
            fitting._save = save
        size = sum(path.stat().st_size for path in (Path(folder) / "checkpoints").rglob("*") if path.is_file())
    # The last save comes when all steps are done.
    return done.seconds, stood[:-1], size // 2 if save_every else size


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--every", type=int, default=15)
    given = parser.parse_args()
    quiet_libraries()
    costs, stills = [], []
    for repeat in range(given.repeats):
        plain, _, size = seconds(given.steps, 0)
        saving, stood, _ = seconds(given.steps, given.every)
        cost = (saving - plain) / len(stood)
        costs.append(cost)
        stills += stood
        stood_still = statistics.median(stood)
        print(f"| {repeat + 1} | {plain:.1f} | {saving:.1f} | {len(stood)} | {cost:.2f} | {stood_still:.2f} |")
    cost = statistics.median(costs)
    print(f"{size / 1e6:,.0f} MB; a save costs {cost:.2f} s, one a minute {cost / 60:.1%}; ", end="")
    print(f"the loop stands still for {statistics.median(stills):.2f} s ({min(stills):.2f} to {max(stills):.2f})")


if __name__ == "__main__":
    main()
