"""What changed in a text, word by word."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from run_folders import full_run

from pluglm.reporting.changes import changes, shown_samples


@given(st.text(), st.text())
def test_pieces_are_the_texts(before: str, after: str) -> None:
    old, new = changes(before, after)
    assert "".join(piece for _, piece in old) == before and "".join(piece for _, piece in new) == after
    kept = ["".join(piece for changed, piece in pieces if not changed) for pieces in (old, new)]
    assert kept[0] == kept[1]


def test_only_what_differs_is_marked() -> None:
    old, new = changes("The CAT sat.", "The cat sat.")
    assert [piece for changed, piece in old if changed] == ["CAT"]
    assert [piece for changed, piece in new if changed] == ["cat"]


def test_samples_are_shown_in_the_terminal(tmp_path: Path) -> None:
    stations = json.loads((full_run(tmp_path / "run") / "ledger.json").read_text())["stations"]
    console = Console(width=120, record=True, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
    for part in shown_samples(stations):
        console.print(part)
    shown = console.export_text()
    for told in ("preprocessor.tidy", "changed 4,021", "12 crowns", "dropped, too_short: <script>"):
        assert told in shown, told
