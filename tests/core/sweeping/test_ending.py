"""What plugins say at the end of a sweep, and that one that fails costs a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pluglm.sweeping.ending import say_end
from pluglm.sweeping.record import Entry, Record


def swept(folder: Path, *statuses: str) -> Record:
    """A sweep with a member of each status; none of them has left a folder to compare."""
    members = [
        Entry(
            number, [f"seed={number}"], [f"seed={number}"], f"seed={number}", f"{number:03}", str(number), status, "why"
        )
        for number, status in enumerate(statuses)
    ]
    return Record(folder, "sweep", "digest", [], ["seed"], str(folder), ("here", 1), members=members)


def test_text_stands_above_the_counts_and_files_below(
    tmp_path: Path, plug_in, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[Any] = []

    def sweep_ended(event: Any) -> Iterator[str | Path]:
        told.append(event)
        yield "seeds differ"
        yield event.folder / "seed_table.html"
        yield "by much"

    assert plug_in("teller", sweep_ended).error is None
    assert say_end(swept(tmp_path, "finished", "pruned", "invalid"), quiet=False) == 0
    assert capsys.readouterr().out.splitlines() == [
        "seeds differ",
        "by much",
        "001 seed=1: why",
        "left out: 002 seed=2: why",
        "3 members: 1 finished, 1 pruned",
        f"Seed table: {tmp_path}/seed_table.html",
    ]
    (event,) = told
    assert event.folder == tmp_path
    found = [(one["number"], one["label"], one["folder"], one["status"], one["reason"]) for one in event.members]
    assert found[1] == (1, "seed=1", "001", "pruned", "why") and len(found) == 3


def answers(kind: str) -> Any:
    """A plugin's hook that fails in this way."""

    def raising(event: Any) -> list[str]:
        raise RuntimeError("on\nstrike")

    def late(event: Any) -> Iterator[str]:
        yield "half of it"
        raise RuntimeError("on\nstrike")

    def plain_text(event: Any) -> Any:
        return "text"

    def number(event: Any) -> Any:
        return ["text", 7]

    def seven(event: Any) -> Any:
        return 7

    hook = {"raising": raising, "late": late, "text": plain_text, "number": number, "seven": seven}[kind]
    hook.__name__ = "sweep_ended"
    return hook


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("raising", "RuntimeError: on strike"),
        ("late", "RuntimeError: on strike"),
        ("text", "TypeError: 'text' is not a list of texts and paths"),
        ("number", "TypeError: 7 is neither text nor a Path"),
        ("seven", "TypeError: 7 is not a list of texts and paths"),
    ],
)
def test_a_plugin_that_fails_costs_a_line(
    kind: str, told: str, tmp_path: Path, plug_in, capsys: pytest.CaptureFixture[str]
) -> None:
    def sweep_ended(event: Any) -> list[str]:
        return ["all is well"]

    plug_in("a_failing", answers(kind))
    plug_in("good", sweep_ended)
    assert say_end(swept(tmp_path, "finished", "waiting"), quiet=False) == 0
    shown = capsys.readouterr()
    assert shown.out == "all is well\n2 members: 1 finished, 1 waiting\n"
    place = tmp_path / "observer_errors.txt"
    said = f"pluglm: plugin pluglm-a_failing (a_failing) failed at the end of the sweep: {told}; see {place}\n"
    assert shown.err == said
    assert place.read_text() == f"pluglm-a_failing (a_failing): sweep_ended: {told}\n"
    assert say_end(swept(tmp_path, "finished", "failed"), quiet=False) == 1


def test_what_cannot_be_compared_costs_a_line_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say_end(swept(tmp_path, "finished", "finished"), quiet=False) == 0
    shown = capsys.readouterr()
    assert shown.out == "2 members: 2 finished\n" and not list(tmp_path.glob("comparison.*"))
    (line,) = shown.err.splitlines()
    assert line.startswith("pluglm: plugin pluglm (comparing) failed at the end of the sweep: ConfigError: ")


@pytest.mark.parametrize("statuses", [(), ("finished",), ("pruned", "invalid")])
def test_nothing_is_compared_with_fewer_than_two(
    statuses: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say_end(swept(tmp_path, *statuses), quiet=False) == 0
    shown = capsys.readouterr()
    assert shown.err == "" and "Comparison" not in shown.out
