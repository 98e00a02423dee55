"""The runs to be compared: run folders, and the members of sweeps, finished or not."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluglm import ConfigError, Problem, RunData, format_number, read_run

RUN_FILES = ("config.yaml", "results.json")


@dataclass(frozen=True, slots=True)
class Member:
    """A finished run. `name` is its folder without what all folders begin with."""

    name: str
    run: RunData

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        return self.run.folder


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A member that is not compared: `status` as in sweep.json, or "unfinished" or "broken"; `reason` in words.

    `run` is what there is of it, None where it never began.
    """

    name: str
    status: str
    reason: str
    run: RunData | None = None


def find_members(paths: Sequence[Path]) -> tuple[list[Member], list[LeftOut]]:
    """The finished runs in these run folders, sweep folders, or folders of either, each once; and the others.

    Raises:
        ConfigError: for a path without any run.
    """
    problems, whole, others = [], dict[Path, RunData](), dict[Path | str, LeftOut]()
    for path in paths:
        found = list(_runs(path))
        listed = list(_listed(path))
        if not found and not listed:
            problems.append(Problem(str(path), "holds no run" if path.is_dir() else "is not there"))
        told = {entry["folder"]: entry for entry in listed if entry["folder"] is not None}
        for folder in found:
            run = read_run(folder)
            entry = told.get(folder.absolute(), {})
            if run.results and entry.get("status") != "pruned":
                whole[folder.absolute()] = run
            else:
                status, reason = _unfinished(run)
                status = str(entry.get("status") or status)
                others[folder.absolute()] = LeftOut("", status, str(entry.get("reason") or reason), run)
        for entry in listed:
            if entry["folder"] not in whole and entry["folder"] not in others and entry["status"] != "finished":
                name = " ".join(entry["words"]) or f"member {entry['number']}"
                others[f"{path} {entry['number']}"] = LeftOut(name, entry["status"], entry["reason"])
    if problems:
        raise ConfigError(problems)
    folders = [run.folder for run in (*whole.values(), *(other.run for other in others.values() if other.run))]
    names = dict(zip([folder.absolute() for folder in folders], _names(folders), strict=True))
    left_out = [
        LeftOut(names[other.run.folder.absolute()], other.status, other.reason, other.run) if other.run else other
        for other in others.values()
    ]
    return [Member(names[folder], run) for folder, run in whole.items()], left_out


def _runs(path: Path) -> Iterator[Path]:
    """Run folders at and below `path`, in the order in which a person counts."""
    if any((path / name).is_file() for name in RUN_FILES):
        yield path
        return
    if path.is_dir():
        below = sorted((entry for entry in os.scandir(path) if entry.is_dir()), key=lambda entry: _counted(entry.name))
        for entry in below:
            yield from _runs(Path(path, entry.name))


def _counted(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _listed(path: Path) -> Iterator[dict[str, Any]]:
    """The members in the sweep.json files at and below `path`, their folders absolute; of a member's own folder, what
    its sweep says of it alone."""
    alone = any((path / name).is_file() for name in RUN_FILES)
    files = [path.absolute().parent / "sweep.json"] if alone else sorted(path.rglob("sweep.json"))
    for file in files:
        for entry in _entries(file):
            folder = (file.parent / str(entry["folder"])).absolute() if entry.get("folder") else None
            if not alone or folder == path.absolute():
                yield {
                    "number": entry.get("number", ""),
                    "words": [str(word) for word in entry.get("shown") or entry.get("words") or []],
                    "status": str(entry.get("status") or "waiting"),
                    "reason": str(entry.get("reason") or ""),
                    "folder": folder,
                }


def _entries(file: Path) -> list[dict[str, Any]]:
    """The members in a sweep.json; none where it cannot be read."""
    try:
        sweep = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    members = sweep.get("members") if isinstance(sweep, dict) else None
    return [entry for entry in members if isinstance(entry, dict)] if isinstance(members, list) else []


def _unfinished(run: RunData) -> tuple[str, str]:
    results = run.folder / "results.json"
    if results.exists():
        return "broken", "its results.json cannot be read"
    planned, step = run.plan.get("steps"), max((line["step"] for line in run.train), default=None)
    if step is None:
        return "unfinished", "has not begun to train"
    return "unfinished", f"step {format_number(step)}" + (f" of {format_number(planned)}" if planned else "")


def _names(folders: Sequence[Path]) -> list[str]:
    """The folders without what they all begin with."""
    parts = [folder.absolute().parts for folder in folders]
    common = next((i for i, level in enumerate(zip(*parts, strict=False)) if len(set(level)) > 1), None)
    if common is None:
        common = min((len(own) for own in parts), default=1) - 1
    return ["/".join(own[min(common, len(own) - 1) :]) for own in parts]
