"""What came of several runs: what differed, what it did, and whether that is more than chance. A tool plugin: it brings
no technique, but the verb `pluglm compare` and the comparison at the end of a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pluglm import SweepEnded, Verb, hookimpl


@hookimpl
def register_verbs() -> list[Verb]:
    return [Verb("compare", "compare runs", "pluglm_comparing.verb", "DIR|RUN... [--flags]", ("runs",))]


@hookimpl
def sweep_ended(event: SweepEnded) -> Iterator[str | Path]:
    """The members that have ended, side by side, where there are at least two."""
    if sum(member["status"] == "finished" for member in event.members) < 2:
        return
    from pluglm_comparing.comparison import compare
    from pluglm_comparing.page import write_page
    from pluglm_comparing.tables import terminal_text

    found = compare([event.folder])
    page = write_page(found, event.folder / "comparison.html")
    yield terminal_text(found)
    yield page
