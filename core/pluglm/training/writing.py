"""Checkpoints written beside the training that goes on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from pluglm.errors import Interrupted
from pluglm.training.checkpoint import Snapshot, save_checkpoint


class CheckpointWriter:
    """Writes one checkpoint at a time in a thread of its own; the next one waits for it. A failure is raised by
    whatever is called next. `written` is called, in the thread of training, with each that is whole on disk.

    Used as a context, its end waits for what is being written, also where training ends with an error.
    """

    def __init__(self, folder: Path, keep: int, keep_best: bool, written: Callable[[int, Path], None]) -> None:
        self._folder = folder
        self._keep = keep
        self._keep_best = keep_best
        self._written = written
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._going_on: tuple[int, Future[Path]] | None = None

    def write(self, step: int, snapshot: Snapshot) -> None:
        """Begin to write `snapshot`, which nothing may change from now on."""
        self.wait()
        task = self._thread.submit(save_checkpoint, self._folder, step, snapshot, self._keep, self._keep_best)
        self._going_on = step, task

    def wait(self) -> None:
        """Wait for the one that is being written.

        Raises:
            PluglmError: where it could not be.
        """
        if self._going_on is not None:
            (step, task), self._going_on = self._going_on, None
            self._written(step, task.result())

    def __enter__(self) -> CheckpointWriter:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self.wait()
        except Exception as problem:
            # Whoever asked the run to stop is told that its last checkpoint is written.
            if error is None or isinstance(error, Interrupted):
                raise
            error.add_note(str(problem))
        finally:
            self._thread.shutdown()
