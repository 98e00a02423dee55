"""A run: its processes, its folder, and how it ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pluglm import events
from pluglm.config.run_config import RunConfig
from pluglm.errors import Interrupted, explained
from pluglm.lifecycle.agreed_folder import agreed_folder
from pluglm.lifecycle.observers import Observers
from pluglm.lifecycle.run_stages import run_stages
from pluglm.progress import Progress
from pluglm.runs import folder as files
from pluglm.runs.run_data import read_json
from pluglm.training.distribution import check_world_size, launched_processes
from pluglm.training.external_stop import GoOn
from pluglm.training.launching import launch, leave_failure, restarted

if TYPE_CHECKING:
    pass


def run(
    config: RunConfig,
    folder: Path | None = None,
    quiet: bool = False,
    resume: bool = False,
    go_on: GoOn | None = None,
) -> Path:
    """Run `config` from documents to report, or go on with the run in `folder`, and return its folder.

    Args:
        go_on: asked by the main process after each validation but the last, with the step and what was measured; a
            reason that it returns ends the training. Where this starts processes, they ask for themselves.

    Raises:
        PluglmError: with a line for the user; what was done so far stays in the folder and can be resumed.
    """
    check_world_size(config)
    main = int(os.environ.get("RANK", "0")) == 0
    processes = config.parallelism.world_size()
    if folder is None:
        folder, resume = agreed_folder(config)
        config = files.read_config(folder) if resume else config
    if main and not resume:
        files.write_config(folder, config)
    if processes > 1 and launched_processes() is None:
        words = ["resume", str(folder)] + (["--quiet"] if quiet else [])
        launch(processes, config.launch.restarts, words, folder)
        return folder
    progress = Progress(quiet=quiet or not main)
    observers = Observers(folder, config, progress.say, main)
    error: BaseException | None = None
    try:
        with progress:
            if main:
                progress.say(f"Run folder: {folder}")
                if restarted():
                    progress.say(f"A process had died: all were started again ({restarted()})")
            run_stages(config, folder, progress, observers, main, go_on)
    except OSError as problem:
        error = explained(problem, folder, f"pluglm resume {folder}")
        raise error from problem
    except KeyboardInterrupt:
        error = Interrupted(f"stopped by Ctrl-C; go on with: pluglm resume {folder}")
        raise error from None
    except Interrupted as stopped:
        error = stopped
        raise Interrupted(f"{stopped}; a checkpoint is written; go on with: pluglm resume {folder}") from None
    except BaseException as problem:
        error = problem
        raise
    finally:
        if error is not None and launched_processes() is not None:
            leave_failure(folder, error)
        results = read_json(folder / "results.json") if error is None else None
        observers("run_ended", events.RunEnded(folder, error, results))
    return folder
