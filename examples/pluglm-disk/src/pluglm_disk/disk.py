"""What `pluglm disk` does."""

from __future__ import annotations

import json
from pathlib import Path

from pluglm import Arguments, ConfigError, Flag, Problem
from pluglm_disk.runs import Run, runs_below

FLAGS = {
    "--at-least": Flag("leave out runs that are smaller (0)", "MB"),
    "--json": Flag("print JSON"),
}
DEFAULT = ("outputs", "multirun")


def run(given: Arguments) -> int:
    """Lists the runs below each FOLDER (outputs and multirun) with their sizes, the largest first.

    The checkpoints of a run that has finished serve nothing but `pluglm resume`: they are what could be removed.
    Nothing is removed.
    """
    least = given.number("at-least", 0, least=0) * 1e6
    missing = [word for word in given.words if not Path(word).is_dir()]
    if missing:
        raise ConfigError([Problem("disk", "is not a folder", word) for word in missing])
    folders = [Path(word) for word in given.words] or [Path(name) for name in DEFAULT if Path(name).is_dir()]
    found = {run.folder.resolve(): run for folder in folders for run in runs_below(folder)}
    runs = sorted((run for run in found.values() if run.bytes >= least), key=lambda run: (-run.bytes, run.folder))
    print(as_json(runs) if "json" in given.flags else as_text(runs))
    return 0


def as_json(runs: list[Run]) -> str:
    """For programs."""
    rows = [
        {"folder": str(run.folder), "status": run.status, "bytes": run.bytes, "removable": run.removable}
        for run in runs
    ]
    return json.dumps(rows, indent=1)


def as_text(runs: list[Run]) -> str:
    """A run a line, and the sums."""
    lines = [f"{'size':>12} {'removable':>12}  {'status':<12}  folder"]
    for run in runs:
        lines.append(f"{megabytes(run.bytes)} {megabytes(run.removable)}  {run.status:<12}  {run.folder}")
    total, removable = sum(run.bytes for run in runs), sum(run.removable for run in runs)
    return "\n".join([*lines, f"{megabytes(total)} {megabytes(removable)}  {len(runs)} runs"])


def megabytes(count: int) -> str:
    """As in the columns."""
    return f"{count / 1e6:9.1f} MB"
