"""What a technique did to a text, word by word: for the report and for the terminal."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

Pieces = list[tuple[bool, str]]
"""A text cut into (changed, piece)."""


def changes(before: str, after: str) -> tuple[Pieces, Pieces]:
    """Both texts, with the pieces marked that the other does not have."""
    a, b = (re.findall(r"\w+|\s|[^\w\s]", text) for text in (before, after))
    old: Pieces = []
    new: Pieces = []
    for kind, a0, a1, b0, b1 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if a1 > a0:
            old.append((kind != "equal", "".join(a[a0:a1])))
        if b1 > b0:
            new.append((kind != "equal", "".join(b[b0:b1])))
    return old, new


def samples_of(station: Mapping[str, Any]) -> list[dict[str, str]]:
    """Before and after, of what a station changed and then of what it only noted."""
    return [*(station.get("samples") or []), *(station.get("noted_samples") or [])]


def shown_samples(stations: Iterable[Mapping[str, Any]]) -> Iterable[RenderableType]:
    """For a Rich console: each station's samples before and after, and of what it dropped."""
    from rich.table import Table
    from rich.text import Text

    for station in stations:
        samples = samples_of(station)
        dropped = station.get("dropped_samples") or []
        yield Text(f"\n{station['station']}", style="bold")
        yield Text(
            f"read {station.get('read', 0):,}, kept {station.get('kept', 0):,}, changed {station.get('changed', 0):,}"
            + (f", noted {station['noted']:,}" if station.get("noted") else "")
        )
        if samples:
            table = Table("before", "after", expand=True, show_lines=True)
            for sample in samples:
                old, new = changes(sample["before"], sample["after"])
                table.add_row(_marked(old, "red"), _marked(new, "green"))
            yield table
        for sample in dropped:
            first = " ".join(sample["text"].split())[:200]
            detail = f" ({sample['detail']})" if sample.get("detail") else ""
            yield Text.assemble((f"dropped, {sample['reason']}{detail}: ", "yellow"), first)


def _marked(pieces: Pieces, colour: str) -> Text:
    from rich.text import Text

    # Changes must be seen without colour too.
    text = Text()
    for changed, piece in pieces:
        text.append(
            piece.replace("\n", "\u21b5\n") if changed else piece, style=f"{colour} underline" if changed else ""
        )
    return text
