"""Starting the processes of a run on this machine, and saying which of them failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pluglm.errors import Interrupted, PluglmError
from pluglm.files.locks import Lock
from pluglm.runs.in_use import HELD_ABOVE
from pluglm.training.signals import StopSignal

FAILURES = "failures"
"""The folder in a run folder with what processes that failed said."""


def launch(processes: int, restarts: int, arguments: Sequence[str], folder: Path, lock: Lock | None = None) -> None:
    """Run `pluglm <arguments>` in `processes` processes on this machine and wait for them. After one died, all are
    started again, `restarts` times at most. They share the `lock` on the folder, which outlives this process as long
    as they do.

    Raises:
        Interrupted: where the run was asked to stop.
        PluglmError: with what the failing process said.
    """
    for old in (folder / FAILURES).glob("*"):
        old.unlink()
    command = [
        sys.executable,
        "-m",
        "pluglm.training.elastic_agent",
        str(processes),
        str(restarts),
        str(folder / FAILURES),
    ]
    with (folder / "launcher.log").open("ab") as log, StopSignal() as stop:
        held = [] if lock is None or lock.descriptor is None else [lock.descriptor]
        environment = {**os.environ, HELD_ABOVE: str(folder.resolve())}
        child = subprocess.Popen(
            [*command, *arguments], stderr=log, start_new_session=True, pass_fds=held, env=environment
        )
        forwarded = False
        while child.poll() is None:
            try:
                child.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                if stop.received and not forwarded:
                    child.terminate()
                    forwarded = True
    if stop.received:
        raise Interrupted(f"stopped by {stop.received}; go on with: pluglm resume {folder}")
    if child.returncode:
        raise PluglmError(f"{_reason(folder)}; go on with: pluglm resume {folder}")


def restarted() -> int:
    """How often the processes of this run were started again by their launcher."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def leave_failure(folder: Path, error: BaseException) -> None:
    """Write down what ended this process, for whoever started it."""
    kind = "" if isinstance(error, PluglmError) else f"{type(error).__name__}: "
    path = folder / FAILURES / f"start-{restarted()}-rank-{os.environ.get('RANK', '0')}.txt"
    # Where the disk is full, what ended the process is still in the launcher's log.
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{kind}{error}\n", encoding="utf-8")


def _reason(folder: Path) -> str:
    """What failed first: a process that was killed, or the one that was the first to say what happened to it. Others
    then lose their connection to it."""
    see = f"see {folder / 'launcher.log'}"
    try:
        codes = json.loads((folder / FAILURES / "codes.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return f"the processes could not be started; {see}"
    for rank, code in codes.items():
        if code < 0 and -code != signal.SIGTERM:
            return f"rank {rank} was ended by {signal.Signals(-code).name}"
    said = [path for rank in codes for path in (folder / FAILURES).glob(f"start-*-rank-{rank}.txt")]
    last = max((path.name.split("-")[1] for path in said), key=int, default="")
    said = [path for path in said if path.name.split("-")[1] == last]
    if not said:
        logged = (folder / "launcher.log").read_text(encoding="utf-8", errors="replace").splitlines()
        told = [line.removeprefix("pluglm: ") for line in logged if line.startswith("pluglm: ")]
        return told[-1] if told else f"rank {next(iter(codes))} ended with code {next(iter(codes.values()))}; {see}"
    first = min(said, key=lambda path: path.stat().st_mtime_ns)
    lines = first.read_text(encoding="utf-8").strip().splitlines() or [""]
    return f"rank {first.stem.rpartition('-')[2]}: {lines[0]}; {see}"
