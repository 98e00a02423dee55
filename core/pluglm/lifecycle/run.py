"""A run: its processes, its folder, and how it ended."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

from pluglm import events
from pluglm.config.run_config import RunConfig
from pluglm.errors import Interrupted, PluglmError, Terminated, explained, system_error
from pluglm.files.locks import Lock
from pluglm.lifecycle.agreed_folder import agreed_folder
from pluglm.lifecycle.observers import Observers
from pluglm.lifecycle.run_stages import run_stages
from pluglm.progress import Progress
from pluglm.runs import folder as files
from pluglm.runs.in_use import working_in
from pluglm.runs.run_data import read_json
from pluglm.training.checkpoint import checkpoints
from pluglm.training.distribution import check_world_size, launched_processes
from pluglm.training.external_stop import GoOn
from pluglm.training.launching import launch, leave_failure, restarted


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
    named_by_config = folder is None
    if folder is None:
        folder, resume = agreed_folder(config)
        config = files.read_config(folder) if resume else config
    try:
        with working_in(folder, "resume" if resume else "train") if main else nullcontext() as lock:
            if named_by_config and main and not resume:
                files.check_free(config)
            _run(config, folder, quiet, resume, go_on, main, lock)
    except (PluglmError, KeyboardInterrupt, Terminated):
        raise
    except Exception as problem:
        if (told := _told(problem, folder)) is problem:
            raise
        raise told from problem
    return folder


def _run(
    config: RunConfig, folder: Path, quiet: bool, resume: bool, go_on: GoOn | None, main: bool, lock: Lock | None
) -> None:
    if main and not resume:
        files.write_config(folder, config)
    if config.parallelism.world_size() > 1 and launched_processes() is None:
        words = ["resume", str(folder)] + (["--quiet"] if quiet else [])
        launch(config.parallelism.world_size(), config.launch.restarts, words, folder, lock)
        return
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
    except Interrupted as stopped:
        error = stopped
        raise Interrupted(f"{stopped}; a checkpoint is written; go on with: pluglm resume {folder}") from None
    except (KeyboardInterrupt, Terminated) as stopped:
        error = Interrupted(f"stopped by {_signal(stopped)} {_kept(folder)}; go on with: pluglm resume {folder}")
        raise error from None
    except Exception as problem:
        error = _told(problem, folder)
        if error is problem:
            raise
        raise error from problem
    except BaseException as problem:
        error = problem
        raise
    finally:
        if error is not None and launched_processes() is not None:
            leave_failure(folder, error)
        results = read_json(folder / "results.json") if error is None else None
        observers("run_ended", events.RunEnded(folder, error, results))


def _told(problem: Exception, folder: Path) -> Exception:
    """What the system refused, with the command that goes on; any other error as it is."""
    refused = None if isinstance(problem, PluglmError) else system_error(problem)
    if refused is None:
        return problem
    begun = (folder / "config.yaml").is_file()
    return explained(refused, folder, f"pluglm resume {folder}" if begun else "the same command")


def _signal(stopped: KeyboardInterrupt | Terminated) -> str:
    return stopped.signal_name if isinstance(stopped, Terminated) else "Ctrl-C"


def _kept(folder: Path) -> str:
    """What a run that stops at once leaves."""
    if kept := checkpoints(folder / "checkpoints"):
        return f"at once: training is kept as far as {kept[-1].name}"
    metrics = folder / "metrics.jsonl"
    if metrics.is_file() and metrics.stat().st_size:
        return "before the first checkpoint: training begins anew, with what was prepared"
    return "before the first step: nothing is lost, and what was prepared is kept"
