"""The thread that looks at the members while they run: it keeps sweep.json up to date, shows what happens, and passes
on that the sweep is to stop."""

from __future__ import annotations

import os
import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pluglm.sweeping import record, table
from pluglm.sweeping.member_progress import Watched
from pluglm.sweeping.record import Entry, Record
from pluglm.training.signals import StopSignal

if TYPE_CHECKING:
    from rich.live import Live

LOOK_SECONDS = 0.25
LINE_SECONDS = 10.0


class Monitor:
    """While active, watches the members of `sweep`. `comparable`: whether their losses can be compared."""

    def __init__(self, sweep: Record, stop: StopSignal, quiet: bool, comparable: bool) -> None:
        self.record, self.lock = sweep, threading.Lock()
        self._stop, self._quiet, self._comparable = stop, quiet, comparable
        self._watched: dict[int, Watched] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._next_line = time.monotonic() + LINE_SECONDS
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if not self._quiet and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
            from rich.live import Live

            self._live = Live(auto_refresh=False, transient=True)
            self._live.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self.look()
        if self._live is not None:
            self._live.stop()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """See what is new, write it down and show it."""
        if self._stop.received:
            (self.record.folder / record.STOP).touch()
        with self.lock:
            changed = [entry for entry in self.record.members if record.refresh(self.record.folder, entry)]
            for entry in self.record.members:
                if entry.folder is not None and (entry in changed or entry.status == record.RUNNING):
                    self._seen(entry).look()
            if changed:
                self.record.write()
            self._show(changed)

    def _seen(self, entry: Entry) -> Watched:
        if entry.number not in self._watched:
            self._watched[entry.number] = Watched(self.record.folder / str(entry.folder))
        return self._watched[entry.number]

    def _show(self, changed: list[Entry]) -> None:
        members = self.record.members
        if self._live is not None:
            title = f"Sweep {self.record.name}: {self.record.folder}"
            height = self._live.console.size.height
            shown = table.table(title, members, self._watched, height, self._comparable, self.record.at_once)
            self._live.update(shown, refresh=True)
        elif not self._quiet:
            lines = [table.event(entry, self._watched.get(entry.number)) for entry in changed]
            if time.monotonic() >= self._next_line:
                running = [entry for entry in members if entry.status == record.RUNNING and entry not in changed]
                lines += [table.progress_line(entry, self._seen(entry)) for entry in running]
                if running:
                    lines.append(table.status(members, self._watched, self._comparable, self.record.at_once))
            if lines:
                self._next_line = time.monotonic() + LINE_SECONDS
                print("\n".join(lines), flush=True)
