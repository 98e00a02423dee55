"""TensorBoard: event files in the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pluglm import MetricsLogged, RunEnded, RunStarted, Tracker, Tracking
from pluglm_trackers.accelerate_state import ensure_state

if TYPE_CHECKING:
    from accelerate.tracking import TensorBoardTracker

FOLDER, ENDING = "tensorboard", ".ending"
# No number of TensorBoard's stands for a run that was stopped to go on later.
STATUS = {"finished": "STATUS_SUCCESS", "failed": "STATUS_FAILURE", "stopped": "STATUS_UNKNOWN"}


def writer(folder: Path, suffix: str = "") -> TensorBoardTracker:
    """Accelerate's tracker on a new event file in `folder`/tensorboard, whose name ends in `suffix`."""
    from accelerate.tracking import TensorBoardTracker

    opened = TensorBoardTracker(FOLDER, folder, filename_suffix=suffix)
    opened.start()
    return opened


def session_end(status: str) -> Any:
    """The summary by which the plugin for hyperparameters knows how a run ended. Torch makes those of its beginning,
    and this one for runs that went well alone."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    info = plugin_data_pb2.SessionEndInfo(status=api_pb2.Status.Value(status))
    content = plugin_data_pb2.HParamsPluginData(session_end_info=info, version=metadata.PLUGIN_DATA_VERSION)
    plugin = SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME, content=content.SerializeToString())
    value = Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=SummaryMetadata(plugin_data=plugin))
    return Summary(value=[value])


class EventFiles(Tracking):
    """Metrics in one event file for each time that the run was started, and what came of it in one that the next start
    takes away: TensorBoard keeps the first status that it reads."""

    def __init__(self, event: RunStarted, tags: tuple[str, ...], new: bool) -> None:
        from torch.utils.tensorboard.summary import hparams

        self._folder = event.folder
        for old in (event.folder / FOLDER).glob(f"*{ENDING}"):
            old.unlink()
        self._lines = writer(event.folder)
        if new:
            # Accelerate would put the settings into a run of their own beside this one, a further one at each start.
            for part in hparams(event.settings, {})[:2]:  # type: ignore[no-untyped-call]
                self._lines.tracker.file_writer.add_summary(part)
            self._lines.log({"tags": ", ".join(tags)} if tags else {})

    def remembered(self) -> Mapping[str, str]:
        """That the settings are there."""
        return {"folder": FOLDER}

    def log(self, event: MetricsLogged) -> None:
        """A point in each of the line's curves."""
        self._lines.log(event.values, step=event.step)

    def end(self, event: RunEnded) -> None:
        """The scores, where the last step was, and the status."""
        self._lines.finish()
        ending = writer(self._folder, ENDING)
        ending.log(event.scores | {"status": event.status}, step=(event.results or {}).get("steps_done", 0))
        ending.tracker.file_writer.add_summary(session_end(STATUS[event.status]))
        ending.finish()


class Tensorboard(Tracker):
    """Writes TensorBoard's event files into the run folder: curves, settings and scores, for
    `tensorboard --logdir outputs`. Through Accelerate.

    Source: https://www.tensorflow.org/tensorboard
    """

    requires: ClassVar[dict[str, str]] = {"tensorboard": "pluglm[tensorboard]"}

    def open(self, event: RunStarted, remembered: Mapping[str, str]) -> EventFiles:
        """A new event file."""
        ensure_state()
        return EventFiles(event, self.tags, new=not remembered)
