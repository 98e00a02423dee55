"""What is said and written when a sweep is over."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from pluglm.catalog import installed_catalog
from pluglm.events import SweepEnded
from pluglm.runs.folder import OBSERVER_ERRORS, write_observer_error
from pluglm.sweeping import record
from pluglm.sweeping.record import Entry, Record


def say_end(sweep: Record, quiet: bool) -> int:
    """Say what plugins have to say of the members that have ended, and name those that have not. Returns the exit
    code."""
    texts, files = _contributions(sweep)
    for text in texts:
        print(text)
    for entry in sweep.with_status(record.PRUNED):
        print(f"{_name(entry)}: {entry.reason}")
    for entry in sweep.with_status(record.INVALID):
        print(f"left out: {_name(entry)}: {entry.reason}")
    counts = {status: len(sweep.with_status(status)) for status in (*record.ENDED, record.FAILED, record.WAITING)}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    print(f"{len(sweep.members)} members: {said or 'none could run'}")
    for path in files:
        print(f"{path.stem.replace('_', ' ').capitalize()}: {path}")
    failed = sweep.with_status(record.FAILED)
    for entry in failed:
        log = sweep.folder / str(entry.folder) / "log.txt"
        print(f"pluglm: failed: {_name(entry)}: {entry.reason}; see {log}", file=sys.stderr)
    if failed and sweep.with_status(record.WAITING):
        print("pluglm: the sweep ended at the first failure (sweep.fail_fast)", file=sys.stderr)
    return 1 if failed else 0


def _contributions(sweep: Record) -> tuple[list[str], list[Path]]:
    """Text and files of plugins. One that fails adds nothing, and leaves a line here and in observer_errors.txt."""
    texts: list[str] = []
    files: list[Path] = []
    event = SweepEnded(sweep.folder, [asdict(entry) for entry in sweep.members])
    for plugin, answer in installed_catalog().ask("sweep_ended", event=event):
        try:
            parts = _checked(answer)
        except Exception as error:
            write_observer_error(sweep.folder, f"{plugin}: sweep_ended", error)
            said = " ".join(f"{type(error).__name__}: {error}".split())
            place = sweep.folder / OBSERVER_ERRORS
            print(f"pluglm: plugin {plugin} failed at the end of the sweep: {said}; see {place}", file=sys.stderr)
            continue
        texts += [part for part in parts if isinstance(part, str)]
        files += [part for part in parts if isinstance(part, Path)]
    return texts, files


def _checked(answer: Exception | Iterable[str | Path]) -> list[str | Path]:
    """All that a plugin answered. It may be a generator, which fails only while it is read."""
    if isinstance(answer, Exception):
        raise answer
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        raise TypeError(f"{answer!r} is not a list of texts and paths")
    parts = [*answer]
    for part in parts:
        if not isinstance(part, str | Path):
            raise TypeError(f"{part!r} is neither text nor a Path")
    return parts


def _name(entry: Entry) -> str:
    return f"{entry.number:03} {entry.label}"
