"""What is written about a sweep: sweep.json, by the sweep alone, and member.json in each member's folder, by whoever
runs it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pluglm.errors import ConfigError, Problem
from pluglm.files.locks import Lock
from pluglm.files.replacing import write_json
from pluglm.runs.folder import write_config
from pluglm.runs.run_data import read_json
from pluglm.sweeping.members import Member, folder_name

WAITING, RUNNING, FINISHED, PRUNED = "waiting", "running", "finished", "pruned"
STOPPED, FAILED, INVALID = "stopped", "failed", "invalid"
ENDED = (FINISHED, PRUNED)
SWEEP, STATE, STOP, LOCKS = "sweep.json", "member.json", "stop", ".locks"
PRUNED_AT = "pruned at step "
"""How the reason begins that a pruned run gives for its end."""


@dataclass(slots=True)
class Entry:
    """A member in sweep.json. `folder`: the name of its folder in that of the sweep; `digest`: what it computes."""

    number: int
    words: list[str]
    shown: list[str]
    label: str
    folder: str | None
    digest: str
    status: str = WAITING
    reason: str | None = None
    plan: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Record:
    """sweep.json in `folder`. `process`: the machine and the number of the process that runs the sweep."""

    folder: Path
    name: str
    digest: str
    words: list[str]
    swept: list[str]
    working_folder: str
    process: tuple[str, int]
    at_once: int = 1
    fail_fast: bool = False
    members: list[Entry] = field(default_factory=list)

    def add(self, member: Member, plan: Mapping[str, Any] | None) -> Entry:
        """The entry of a member: the one that computes the same, or a new one with its folder, where it can run."""
        for entry in self.members:
            if entry.digest == member.digest:
                return entry
        number = len(self.members)
        earlier = _earlier(self.folder, member.digest)
        entry = Entry(number, list(member.words), list(member.shown), member.label, earlier, member.digest, plan=plan)
        if member.config is None:
            entry.status, entry.reason = INVALID, member.reason
        else:
            entry.folder = earlier or _free_name(self.folder, folder_name(number, member.shown))
            place = self.folder / entry.folder
            if earlier is None:
                write_config(place, member.config)
                write_json(place / STATE, {"digest": member.digest, "label": member.label, "status": WAITING})
            refresh(self.folder, entry)
        self.members.append(entry)
        return entry

    def write(self) -> None:
        """Write sweep.json, whole."""
        plain = {key: value for key, value in asdict(self).items() if key != "folder"}
        write_json(self.folder / SWEEP, plain)

    def with_status(self, *statuses: str) -> list[Entry]:
        """The members of which that is true now."""
        return [entry for entry in self.members if entry.status in statuses]


def refresh(sweep: Path, entry: Entry) -> bool:
    """Take a member's status from its folder; whether it has changed."""
    if entry.folder is None:
        return False
    state = read_json(sweep / entry.folder / STATE)
    found = (state.get("status", WAITING), state.get("reason"))
    changed = found != (entry.status, entry.reason)
    entry.status, entry.reason = found
    return changed


def set_state(member: Path, **values: Any) -> None:
    """Change what member.json says."""
    write_json(member / STATE, read_json(member / STATE) | values)


def outcome(member: Path) -> tuple[str, str | None]:
    """How a run came to its end, by its results."""
    stopped = read_json(member / "results.json").get("stopped")
    return (PRUNED, stopped) if str(stopped or "").startswith(PRUNED_AT) else (FINISHED, None)


@contextmanager
def only_sweep_in(folder: Path) -> Iterator[None]:
    """Hold the sweep's folder. A lock of the system's, which ends with its process however that ends.

    Raises:
        ConfigError: where another process runs this sweep.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LOCKS).mkdir(exist_ok=True)
    lock = Lock(folder / LOCKS / "sweep")
    try:
        lock.acquire(timeout=0)
    except TimeoutError:
        hint = "wait for it, or stop it and give the same line again"
        raise ConfigError([Problem(str(folder), "this sweep is being run by another process", hint=hint)]) from None
    with lock:
        (folder / STOP).unlink(missing_ok=True)
        yield


def member_lock(member: Path) -> Lock:
    """Held by the process that runs a member."""
    return Lock(member.parent / LOCKS / member.name)


def forget_unended(folder: Path, entries: Sequence[Entry]) -> None:
    """Members that a killed sweep left as running, that were stopped, or that failed, wait again."""
    for entry in entries:
        if entry.folder is not None and entry.status not in (*ENDED, INVALID, WAITING):
            set_state(folder / entry.folder, status=WAITING, reason=None)
            refresh(folder, entry)


def _earlier(sweep: Path, digest: str) -> str | None:
    """The folder of a member that computes this and was begun before."""
    for path in sorted(sweep.glob(f"*/{STATE}")):
        if read_json(path).get("digest") == digest:
            return path.parent.name
    return None


def _free_name(sweep: Path, wanted: str) -> str:
    name, count = wanted, 1
    while (sweep / name).exists():
        count += 1
        name = f"{wanted}-{count}"
    return name


def plans_of_ended(folder: Path) -> dict[str, Mapping[str, Any]]:
    """The plans of the members in `folder` that have ended, by what they compute."""
    members = read_record(folder).get("members") or []
    return {member["digest"]: member["plan"] or {} for member in members if member["status"] in ENDED}


def read_record(folder: Path) -> dict[str, Any]:
    """sweep.json as it is on disk; empty where there is none."""
    try:
        value = json.loads((folder / SWEEP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
