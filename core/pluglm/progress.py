"""What a run says while it goes on: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Live
    from rich.progress import TaskID

LIVE_SECONDS = 0.1
PLAIN_SECONDS = 10.0
LOST: list[OSError] = []
"""Why something that the command in this process printed could not be written."""


class Task:
    """Counts one piece of work. `advance` may be called for every document: most calls only add."""

    def __init__(self, progress: Progress, description: str, total: int | None, unit: str) -> None:
        self.description, self.total, self.unit = description, total, unit
        self.done = 0
        self.fields: dict[str, Any] = {}
        self._progress = progress
        self._started = self._counted_since = time.monotonic()
        self._counted_from: int | None = None
        self._interval = LIVE_SECONDS if progress.is_live else PLAIN_SECONDS
        self._next = self._started + self._interval
        self._line: TaskID | None = None

    def advance(self, n: int = 1, **fields: Any) -> None:
        """Count `n` more, and show `fields` (`loss=2.3, tokens_per_second=900.0`) from now on."""
        self.done += n
        if fields:
            self.fields |= fields
        now = time.monotonic()
        if self._counted_from is None:
            # The first advance may stand for work done before this process (a resumed run): it tells no speed.
            self._counted_from, self._counted_since = self.done, now
        if now >= self._next:
            self._next = now + self._interval
            self._progress._show(self)

    def status(self) -> str:
        """How far it is: `1,200 of 5,000 steps · loss 2.34 · 1:20 left`."""
        of = "" if self.total is None else f" of {self.total:,}"
        parts = [f"{self.done:,}{of} {self.unit}".rstrip()]
        parts += [_field(name, value) for name, value in self.fields.items()]
        left = self.seconds_left()
        return " · ".join(parts + ([] if left is None else [f"{_clock(left)} left"]))

    def seconds_left(self) -> float | None:
        """How long the rest takes at the mean speed so far; None where the total or the speed is not known."""
        if self.total is None or self._counted_from is None or self.done <= self._counted_from:
            return None
        speed = (self.done - self._counted_from) / max(1e-9, time.monotonic() - self._counted_since)
        return max(0, self.total - self.done) / speed

    def ending(self, finished: bool) -> str:
        """The line that stays when the task is over."""
        seconds = time.monotonic() - self._started
        word = "" if finished else "stopped after "
        spent = f"{seconds:.1f} s" if seconds < 60 else _clock(seconds)
        count = f"{self.done:,} {self.unit}".rstrip()
        fields = "".join(f" · {_field(name, value)}" for name, value in self.fields.items())
        return f"{self.description}: {word}{count} in {spent}{fields}"


class Progress:
    """Shows tasks and lines on standard output.

    On a terminal there is a live line for each open task; elsewhere a plain line at most every ten seconds, and one at
    the end of each task. `quiet` shows nothing: processes other than the main one are made with it.

    Where standard output can no longer be written (its disk is full, its terminal or reader is gone), nothing more is
    shown, and the run goes on.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        terminal = sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.is_live = terminal and not quiet
        self._live: Live | None = None
        self._open = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @contextmanager
    def task(self, description: str, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """A piece of work of `total` (if known) `unit`s."""
        task = Task(self, description, total, unit)
        self._open += 1
        if self.is_live:
            task._line = self._start().add_task(description, total=total, status=task.status())
        finished = False
        try:
            yield task
            finished = True
        finally:
            self._open -= 1
            if self._live is not None and task._line is not None:
                self._live.remove_task(task._line)
            self.say(task.ending(finished))
            if self._open == 0:
                self._stop()

    def say(self, text: str) -> None:
        """Print a line, above the live ones."""
        if self.quiet:
            return
        with self._unseen():
            if self._live is not None:
                self._live.console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)
            else:
                print(text, flush=True)

    @contextmanager
    def _unseen(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.quiet = True
            drop_output(error)

    def _show(self, task: Task) -> None:
        if self._live is not None and task._line is not None:
            with self._unseen():
                self._live.update(task._line, completed=task.done, status=task.status())
        elif not self.quiet:
            self.say(f"{task.description}: {task.status()}")

    def _start(self) -> Live:
        if self._live is None:
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Live

            self._live = Live(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[status]}", markup=False),
                TimeElapsedColumn(),
                transient=True,
            )
            self._live.start()
        return self._live

    def _stop(self) -> None:
        if self._live is not None:
            with self._unseen():
                self._live.stop()
            self._live = None


def _field(name: str, value: Any) -> str:
    shown = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if isinstance(value, float) else str(value)
    if name.endswith("_per_second"):
        shown = f"{value:,.0f}" if isinstance(value, int | float) else shown
        return f"{shown} {name.removesuffix('_per_second').replace('_', ' ')}/s"
    return f"{name.replace('_', ' ')} {shown}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def drop_output(error: OSError) -> None:
    """Say, unless its reader is gone on purpose, that standard output cannot be written, and drop what is still to be
    printed: else the interpreter would try again as it ends, with a traceback."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError) and not LOST:
        LOST.append(error)
        with suppress(OSError):
            print(f"pluglm: standard output cannot be written: {error.strerror}", file=sys.stderr)


def quiet_libraries() -> None:
    """Keep the libraries' own progress bars and hints out of ours."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
