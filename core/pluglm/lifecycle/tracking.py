"""The trackers of a run, each brought up to what metrics.jsonl holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pluglm.events import CheckpointWritten, MetricsLogged, RunEnded, RunStarted
from pluglm.families import Tracker, Tracking
from pluglm.files.replacing import write_json
from pluglm.runs.run_data import read_json

NOTES = "trackers.json"
MOST_FAILURES = 3
"""After how many failures in a row a tracker is left alone until the run ends."""


class Follower:
    """One tracker, and how many lines of metrics.jsonl it was told.

    A line that could not be sent is sent before the next one. A resumed run writes the lines after its checkpoint once
    more, the same as before, so that those that were told are passed over.
    """

    def __init__(self, tracker: Tracker, remembered: Mapping[str, str], told: int) -> None:
        self.remembered, self.failures = remembered, 0
        self.told = 0 if tracker.from_the_start else told
        self._tracker = tracker
        self._tracking: Tracking | None = None
        self._read = self._offset = 0

    def open(self, event: RunStarted) -> Tracking:
        """The open run, opened where it is not."""
        if self._tracking is None:
            self._tracking = self._tracker.open(event, self.remembered)
            self.remembered = {**self.remembered, **self._tracking.remembered()}
        return self._tracking

    def untold(self, path: Path) -> Iterator[bytes]:
        """Whole lines that were not told yet; each counts as told when the next one is asked for."""
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                if self._read >= self.told:
                    yield line
                    self.told = self._read + 1
                self._read += 1
                self._offset += len(line)


class Trackers:
    """All trackers of a run, which is opened at each as `started` has it. `failed` is told of each failure, by config
    path; none of them reaches the run."""

    def __init__(self, folder: Path, chosen: Mapping[str, Tracker], failed: Callable[[str, Exception], None]) -> None:
        self.started = RunStarted(folder, {})
        self._folder, self._failed = folder, failed
        noted = read_json(folder / NOTES)
        self._followers = {
            label: Follower(tracker, noted.get(label, {}).get("run", {}), noted.get(label, {}).get("told", 0))
            for label, tracker in chosen.items()
        }

    def start(self, event: RunStarted) -> None:
        """Open the run at each service."""
        self.started = event
        self._each(lambda follower: follower.open(event))

    def log(self, event: MetricsLogged) -> None:
        """A line was added to metrics.jsonl."""
        self._each(lambda follower: self._catch_up(follower))

    def checkpoint(self, event: CheckpointWritten) -> None:
        """A checkpoint is whole."""
        self._each(lambda follower: self._catch_up(follower).checkpoint(event))

    def end(self, event: RunEnded) -> None:
        """Send what is left and close. Those that were left alone are tried once more."""
        for follower in self._followers.values():
            follower.failures = 0
        self._each(lambda follower: self._catch_up(follower).end(event))

    def _each(self, act: Callable[[Follower], object]) -> None:
        for label, follower in self._followers.items():
            if follower.failures == MOST_FAILURES:
                continue
            try:
                act(follower)
                self._note()
                follower.failures = 0
            except Exception as error:
                follower.failures += 1
                self._failed(f"tracker.{label}", error)

    def _catch_up(self, follower: Follower) -> Tracking:
        tracking = follower.open(self.started)
        for line in follower.untold(self._folder / "metrics.jsonl"):
            metrics = json.loads(line)
            tracking.log(MetricsLogged(self._folder, metrics["step"], metrics))
        return tracking

    def _note(self) -> None:
        noted = {label: {"run": dict(f.remembered), "told": f.told} for label, f in self._followers.items()}
        write_json(self._folder / NOTES, noted)


def sweep_of(folder: Path) -> str | None:
    """The name of the sweep that the run in `folder` is a member of."""
    path = folder.absolute().parent / "sweep.json"
    return str(read_json(path).get("name") or path.parent.name) if path.is_file() else None
