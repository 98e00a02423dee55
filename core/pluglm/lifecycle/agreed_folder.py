"""The folder of a run, the same for all of its processes."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

from pluglm.config.run_config import RunConfig
from pluglm.runs.folder import new_folder
from pluglm.training.distribution import join, launched_processes
from pluglm.training.launching import restarted


def agreed_folder(config: RunConfig) -> tuple[Path, bool]:
    """The folder of this run, which the main process names, and whether it is there already: a launcher that starts all
    processes again starts them with the same words."""
    if launched_processes() in (None, 1):
        return new_folder(config), False
    import torch
    from accelerate import PartialState
    from accelerate.utils import broadcast_object_list

    join()
    state = PartialState(cpu=not torch.cuda.is_available())
    named: list[Any] = [_named_folder(config) if state.is_main_process else None]
    broadcast_object_list(named)
    folder, there = named[0]
    return folder, there


def _named_folder(config: RunConfig) -> tuple[Path, bool]:
    # Where a launcher gives its runs no id of their own, its process has one.
    run = os.environ.get("TORCHELASTIC_RUN_ID", "none").replace("/", "_")
    noted = config.output.dir / ".launched" / (run if run != "none" else f"{platform.node()}-{os.getppid()}")
    if restarted() and noted.is_file():
        folder = Path(noted.read_text(encoding="utf-8"))
        if (folder / "config.yaml").is_file():
            return folder, True
    folder = new_folder(config)
    # Read where processes are started again; a run folder elsewhere may be all that can be written.
    with suppress(OSError):
        noted.parent.mkdir(parents=True, exist_ok=True)
        noted.write_text(str(folder.resolve()), encoding="utf-8")
    return folder, False
