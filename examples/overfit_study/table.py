"""The table of an overfitting study, in Markdown, out of the folders of its runs.

    pluglm train -m experiment=overfit_study --quiet
    python examples/overfit_study/table.py outputs/sweeps/overfit_study-*

Losses are in nats per byte: of the last ten training steps, of the held-out documents at the end, and the lowest on the
way with its step. Training losses include what a regularizer adds to them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

HEAD = ("regularizer", "share of the text", "train", "validation at the end", "best validation", "at step")


def row_of(folder: Path) -> dict[str, Any]:
    """What the table says of one run."""
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    train = [line for line in lines if line["kind"] == "train"]
    validation = [line for line in lines if line["kind"] == "validation"]
    best = min(validation, key=lambda line: float(line["loss"]))
    stopping = next((one for one in config["regularizer"].values() if one.get("restore_best")), None)
    return {
        "regularizer": " + ".join(config["regularizer"]) or "none",
        "share": config["data"]["train_fraction"],
        "train": train[-1]["loss"],
        # The run ends with the weights of its best validation.
        "end": (best if stopping else validation[-1])["loss"],
        "best": best["loss"],
        "step": best["step"],
    }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line for each run: regularizers in the order in which they were first seen, shares from large to small."""
    order = list(dict.fromkeys(row["regularizer"] for row in rows))
    ordered = sorted(rows, key=lambda row: (-row["share"], order.index(row["regularizer"])))
    lines = [HEAD, ("---",) * 2 + ("---:",) * 4]
    for row in ordered:
        share = str(Fraction(row["share"]).limit_denominator(1000))
        figures = (f"{row[name]:.3f}" for name in ("train", "end", "best"))
        lines.append((row["regularizer"], share, *figures, str(row["step"])))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def finished(sweeps: Iterable[Path]) -> list[Path]:
    """The folders of finished runs, in the order of their numbers."""
    found = [path.parent for sweep in sweeps for path in sweep.glob("*/results.json")]
    return sorted(found, key=lambda path: (path.parent, path.name))


if __name__ == "__main__":
    print(table([row_of(folder) for folder in finished(map(Path, sys.argv[1:]))]))
