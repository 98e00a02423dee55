"""One member of a sweep, run in a process of its own by whatever process Hydra's launcher gave it to."""

from __future__ import annotations

import multiprocessing
import os
import platform
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import nullcontext
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import psutil

from pluglm.cores import available_cores
from pluglm.errors import Interrupted, PluglmError
from pluglm.forkserver import ordinary_start, unimportable_main
from pluglm.runs.run_data import read_json
from pluglm.sweeping import record
from pluglm.training.signals import StopSignal

PRELOADED = ["pluglm.sweeping.preloaded"]
POLL_SECONDS = 0.2
LEFT_RUNNING_SECONDS = 300.0
"""How long the process of a killed sweep may take to write its last checkpoint."""


def member_job(config: Any) -> None:
    """What Hydra's launchers call, here or in another process or on another machine."""
    from hydra.core.hydra_config import HydraConfig

    run_member(Path(HydraConfig.get().runtime.output_dir))


def run_member(folder: Path) -> None:
    """Run the member in `folder`, or go on with it, and leave in its member.json how it ended.

    The file `stop` beside it asks for its end: it writes its checkpoint first.
    """
    sweep, stop = record.read_record(folder.parent), folder.parent / record.STOP
    if stop.exists():
        return
    record.set_state(folder, status=record.RUNNING, reason=None, started=time.time())
    environment = dict(os.environ)
    if sweep.get("at_once", 1) > 1:
        environment.setdefault("OMP_NUM_THREADS", str(max(1, available_cores() // sweep["at_once"])))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    working_folder = sweep.get("working_folder", os.getcwd())
    process = context.Process(target=_member_process, args=(folder, working_folder, environment), daemon=False)
    listening = _sweep_listening()
    with StopSignal() if listening is None else nullcontext(listening) as signals:
        with unimportable_main(), ordinary_start():
            process.start()
        asked = False
        try:
            while not wait([process.sentinel], timeout=POLL_SECONDS):
                if not asked and (signals.received or stop.exists() or _sweep_is_gone(sweep)):
                    asked = True
                    process.terminate()
                if listening is not None and signals.received:
                    stop.touch()
        except BaseException:
            process.kill()
            raise
    process.join()
    if read_json(folder / record.STATE).get("status") == record.RUNNING:
        status, reason = _ended_without_a_word(process.exitcode or 0, asked)
        record.set_state(folder, status=status, reason=reason, ended=time.time())
    if read_json(folder / record.STATE).get("status") == record.FAILED and sweep.get("fail_fast"):
        stop.write_text(f"{folder.name} failed, and sweep.fail_fast is set\n", encoding="utf-8")


def _sweep_is_gone(sweep: Mapping[str, Any]) -> bool:
    """Whether the sweep that gave out this member was killed; some launchers' workers live on without it."""
    machine, process = sweep.get("process") or ("", 0)
    return machine == platform.node() and not psutil.pid_exists(process)


def _sweep_listening() -> StopSignal | None:
    """What the sweep itself listens to signals with, where this is its process; they are for all members then."""
    handler = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return handler if isinstance(handler, StopSignal) else None


def _ended_without_a_word(code: int, asked: bool) -> tuple[str, str | None]:
    if asked and code == -signal.SIGTERM:
        # It was preparing or evaluating, which begins anew.
        return record.STOPPED, None
    if code < 0:
        name = signal.Signals(-code).name
        return record.FAILED, f"its process was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return record.FAILED, f"its process ended with code {code}"


def _member_process(folder: Path, working_folder: str, environment: Mapping[str, str]) -> None:
    # What a terminal sends goes to whoever started the sweep, which passes it on once.
    os.setpgid(0, 0)
    os.environ.clear()
    os.environ.update(environment)
    if os.path.isdir(working_folder):
        os.chdir(working_folder)
    with (folder / "log.txt").open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    record.set_state(folder, process=os.getpid())
    status, reason = _run(folder)
    record.set_state(folder, status=status, reason=reason, ended=time.time())
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is written; torch's threads sometimes abort a process while the interpreter is taken down.
    os._exit(0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def _run(folder: Path) -> tuple[str, str | None]:
    from pluglm.lifecycle.run import run
    from pluglm.runs.folder import read_config
    from pluglm.sweeping.pruning import pruner

    try:
        with record.member_lock(folder).acquire(timeout=LEFT_RUNNING_SECONDS):
            # Another process may have finished it while this one waited.
            if not (folder / "results.json").is_file():
                config = read_config(folder)
                run(config, folder, resume=True, go_on=pruner(config, folder))
            return record.outcome(folder)
    except Interrupted as stopped:
        print(f"pluglm: {stopped}", file=sys.stderr)
        return record.STOPPED, None
    except PluglmError as error:
        print(f"pluglm: {error}", file=sys.stderr)
        return record.FAILED, " ".join(str(error).split())
    except TimeoutError:
        return record.FAILED, "an earlier sweep still runs it"
    except BaseException as error:
        traceback.print_exc()
        return record.FAILED, " ".join(f"{type(error).__name__}: {error}".split())
