"""How a sweep looks while it runs: a table of its members on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pluglm.formatting import format_number, format_seconds
from pluglm.sweeping import record
from pluglm.sweeping.member_progress import Watched
from pluglm.sweeping.record import Entry

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

STYLES = {
    record.RUNNING: "bold cyan",
    record.FINISHED: "green",
    record.PRUNED: "yellow",
    record.FAILED: "bold red",
    record.STOPPED: "yellow",
    record.INVALID: "dim",
    record.WAITING: "dim",
}


def table(
    title: str, entries: Sequence[Entry], watched: Mapping[int, Watched], lines: int, comparable: bool, at_once: int
) -> RenderableType:
    """All members and how far they are, in at most `lines` lines: of more, those around the running ones."""
    from rich.box import SIMPLE
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE, pad_edge=False, expand=False)
    for name in ("", "member", "status"):
        grid.add_column(name, no_wrap=True, overflow="ellipsis")
    for name in ("steps", "loss", "validation", "left"):
        grid.add_column(name, justify="right", no_wrap=True)
    best = best_of(entries, watched) if comparable else None
    shown = _around_running(entries, max(3, lines - 7))
    for entry in shown:
        _add(grid, entry, watched.get(entry.number), best is not None and entry.number == best.number)
    hidden = len(entries) - len(shown)
    below = [Text(f"... and {hidden} more", style="dim")] if hidden else []
    heading = Text(title, no_wrap=True, overflow="ellipsis")
    return Group(heading, grid, *below, Text(status(entries, watched, comparable, at_once)))


def status(entries: Sequence[Entry], watched: Mapping[int, Watched], comparable: bool, at_once: int) -> str:
    """`3 of 12 ended · best 003 seed=2: 3.21 · about 2 min 10 s left`."""
    ended = [e for e in entries if e.status in (*record.ENDED, record.FAILED, record.STOPPED)]
    possible = [e for e in entries if e.status != record.INVALID]
    parts = [f"{len(ended)} of {len(possible)} ended"]
    best = best_of(entries, watched) if comparable else None
    if best is not None:
        parts.append(f"best {best.number:03} {best.label}: {format_number(watched[best.number].best)}")
    left = _seconds_left(entries, watched, at_once)
    if left is not None:
        parts.append(f"about {format_seconds(left)} left")
    return " · ".join(parts)


def best_of(entries: Sequence[Entry], watched: Mapping[int, Watched]) -> Entry | None:
    """The member with the least validation loss so far."""
    found = [(w.best, e.number) for e in entries if (w := watched.get(e.number)) is not None and w.best is not None]
    return entries[min(found)[1]] if found else None


def event(entry: Entry, seen: Watched | None) -> str:
    """A line for a member that has started or ended."""
    name = f"{entry.number:03} {entry.label}"
    if entry.status == record.RUNNING:
        return f"{name}: started"
    if entry.reason and entry.status not in record.ENDED:
        return f"{name}: {entry.status}: {entry.reason}"
    parts = [entry.reason or entry.status]
    if seen is not None and seen.best is not None:
        parts.append(f"best validation loss {format_number(seen.best)}")
    if seen is not None and seen.seconds is not None:
        parts.append(format_seconds(seen.seconds))
    return f"{name}: " + " · ".join(parts)


def progress_line(entry: Entry, seen: Watched) -> str:
    """A line for a member that goes on."""
    if seen.doing != "training" or not seen.step:
        return f"{entry.number:03} {entry.label}: {seen.doing}"
    parts = [f"{seen.step:,} of {seen.steps:,} steps", f"loss {format_number(seen.loss)}"]
    left = seen.seconds_left
    parts += [f"{format_seconds(left)} left"] if left else []
    return f"{entry.number:03} {entry.label}: {' · '.join(parts)}"


def _add(grid: Table, entry: Entry, seen: Watched | None, best: bool) -> None:
    from rich.text import Text

    running = entry.status == record.RUNNING
    doing = seen.doing if running and seen is not None else entry.status
    took, left = (seen.seconds, seen.seconds_left) if seen is not None else (None, None)
    best_text = "" if seen is None or seen.best is None else format_number(seen.best) + " *" * best
    time = f"took {format_seconds(took)}" if took is not None else ""
    if running and left is not None:
        time = format_seconds(left)
    grid.add_row(
        f"{entry.number:03}",
        Text(entry.label),
        Text(doing, style=STYLES.get(entry.status, "")),
        "" if seen is None or seen.steps is None else f"{seen.step:,}/{seen.steps:,}",
        "" if seen is None or seen.loss is None else format_number(seen.loss),
        Text(best_text, "bold" * best),
        time,
    )


def _around_running(entries: Sequence[Entry], most: int) -> Sequence[Entry]:
    if len(entries) <= most:
        return entries
    first = next((i for i, entry in enumerate(entries) if entry.status in (record.RUNNING, record.WAITING)), 0)
    begin = min(max(0, first - most // 3), len(entries) - most)
    return entries[begin : begin + most]


def _seconds_left(entries: Sequence[Entry], watched: Mapping[int, Watched], at_once: int) -> float | None:
    """Of what has ended: how long the mean member took; the rest takes as long, some of them side by side."""
    took = [w.seconds for e in entries if e.status in record.ENDED and (w := watched.get(e.number)) and w.seconds]
    going = [e for e in entries if e.status == record.RUNNING]
    waiting = sum(entry.status == record.WAITING for entry in entries)
    if not took or not (going or waiting):
        return None
    mean, now = sum(took) / len(took), time.time()
    begun = [float(watched[e.number].state.get("started") or now) for e in going if e.number in watched]
    return (waiting * mean + sum(max(0.0, mean - (now - start)) for start in begun)) / max(1, at_once)
