"""Who is told of a run as it goes on: the plugins' notification hooks, and the chosen trackers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pluglm.catalog import installed_catalog
from pluglm.config.run_config import RunConfig
from pluglm.events import CheckpointWritten, MetricsLogged, RunEnded, RunStarted
from pluglm.lifecycle.tracking import Trackers, sweep_of
from pluglm.runs.folder import OBSERVER_ERRORS, write_observer_error


class Observers:
    """Calls hooks and trackers. One that fails must not cost a training run, and must not go unseen: it leaves a line
    in observer_errors.txt, and a tracker one on the terminal too (`say`). Processes other than the main one tell
    nobody."""

    def __init__(self, folder: Path, config: RunConfig, say: Callable[[str], None], main: bool) -> None:
        self._folder, self._say, self._main = folder, say, main
        self._trackers = Trackers(folder, config.tracker if main else {}, self._tracker_failed)
        self._told_of: set[str] = set()
        self.started = self._trackers.started = RunStarted(folder, config.resolved, sweep_of(folder))

    def __call__(self, hook: str, event: Any) -> None:
        """Call the hook of that name, and the trackers where it concerns them."""
        if not self._main:
            return
        for plugin, answer in installed_catalog().ask(hook, event=event):
            if isinstance(answer, Exception):
                write_observer_error(self._folder, f"{plugin}: {hook}", answer)
        if isinstance(event, MetricsLogged):
            self._trackers.log(event)
        elif isinstance(event, CheckpointWritten):
            self._trackers.checkpoint(event)
        elif isinstance(event, RunEnded):
            self._trackers.end(event)

    def track(self, config: RunConfig) -> None:
        """Open the run in its trackers. They take a config but once, so that this waits for what is measured."""
        self.started = RunStarted(self._folder, config.resolved, self.started.sweep)
        self._trackers.start(self.started)

    def _tracker_failed(self, path: str, error: Exception) -> None:
        write_observer_error(self._folder, path, error)
        if path not in self._told_of:
            self._told_of.add(path)
            first = next(iter(str(error).splitlines()), "")
            self._say(f"{path} failed, and the run goes on: {type(error).__name__}: {first} (see {OBSERVER_ERRORS})")
