"""Trackers: services that show runs beside each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from pluglm.technique import Technique

if TYPE_CHECKING:
    from pluglm.events import CheckpointWritten, MetricsLogged, RunEnded, RunStarted


class Tracking(ABC):
    """A run that is open at a service. It is told every line of metrics.jsonl once, in order, also where the run is
    resumed: lines that were told before it was stopped are not told again (but see `Tracker.from_the_start`). A `log`
    that raises is called again later with the same event; the run goes on meanwhile.

    Methods are called in the thread of training and on the main process alone. They draw nothing from global
    generators, so that a run that is tracked ends with the same bytes as one that is not.
    """

    def remembered(self) -> Mapping[str, str]:
        """What `open` is given back when the run is resumed, such as the service's name for it. It is written into the
        run folder, so it holds no secrets. The default is nothing."""
        return {}

    @abstractmethod
    def log(self, event: MetricsLogged) -> None:
        """Send a line of metrics: `event.values` at `event.step`."""

    def checkpoint(self, event: CheckpointWritten) -> None:  # noqa: B027
        """A checkpoint is whole on disk. The default sends nothing."""

    @abstractmethod
    def end(self, event: RunEnded) -> None:
        """Send `event.scores`, if there are any, and `event.status`, and close all that `open` opened. A run that ends
        as "stopped" or "failed" may be resumed."""


class Tracker(Technique):
    """Sends a run's settings, metrics and scores to a service. It has no part in the run: whatever it does, or fails to
    do, the run is the same. Keys come from the environment, as the service's library reads them."""

    family: ClassVar[str] = "tracker"
    from_the_start: ClassVar[bool] = False
    """Whether a resumed run is told to it from the first line on: because what it sends arrives later, so that lines
    may be lost where a run is killed, and because it passes over lines that it has."""

    tags: Annotated[tuple[str, ...], Field(description="Words by which the run is found at the service")] = ()

    @abstractmethod
    def open(self, event: RunStarted, remembered: Mapping[str, str]) -> Tracking:
        """Begin to track a run, or go on with one: `remembered` is what its `Tracking` gave when it was first opened,
        empty for a new run. `event.settings` are sent once, with the run's `name` among them, the
        tags, and `event.sweep`, which the runs of one sweep have in common."""
