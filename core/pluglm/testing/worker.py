"""Another process, in which a technique must do the same as here."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from pluglm import Technique
from pluglm.testing.outcomes import outcome


class Worker:
    """One process, spawned when it is first needed. Its hashes of texts are others than here, so that what depends on
    the order of a set shows."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def outcome(self, technique: Technique) -> Any:
        """What `technique` makes there."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
            before = os.environ.get("PYTHONHASHSEED")
            os.environ["PYTHONHASHSEED"] = "2" if before == "1" else "1"
            try:
                self._pool.submit(os.getpid).result()
            finally:
                del os.environ["PYTHONHASHSEED"]
                os.environ |= {} if before is None else {"PYTHONHASHSEED": before}
        return self._pool.submit(outcome_alone, technique).result()

    def close(self) -> None:
        """End it."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def outcome_alone(technique: Technique) -> Any:
    """What it makes, in a folder that is gone afterwards, with one thread, so that sums have one order."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return outcome(technique, Path(folder))
    finally:
        torch.set_num_threads(threads)
