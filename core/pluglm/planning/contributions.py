"""What each source contributes to training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def contributions(account: Mapping[str, Any], epochs: float | None = None) -> dict[str, dict[str, float]]:
    """Of each source, out of the token account of the training split: `documents`, `tokens`, `passes` (how often it is
    seen in a pass over the mixture) and `share` (of the tokens of a pass); with the `epochs` of a run, `trained_tokens`
    and how often each of its documents is seen then (`repeats`)."""
    seen = {source: counts["tokens"] * counts["passes"] for source, counts in account["sources"].items()}
    whole = sum(seen.values()) or 1.0
    found = {}
    for source, counts in account["sources"].items():
        found[source] = {**counts, "share": seen[source] / whole}
        if epochs is not None:
            found[source] |= {"trained_tokens": round(seen[source] * epochs), "repeats": counts["passes"] * epochs}
    return found


def source_lines(sources: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A line for each source, given what `contributions` found; none where one source is seen as it is."""
    if len(sources) < 2 and all(counts["passes"] == 1 for counts in sources.values()):
        return []
    width = max(map(len, sources))
    lines = []
    for source, counts in sources.items():
        line = f"source      {source.ljust(width)}  {counts['share']:6.1%} of a pass: "
        line += f"{counts['documents']:,} documents, {counts['tokens']:,} tokens, seen {counts['passes']:.3g} times"
        if "repeats" in counts:
            line += f"; {counts['trained_tokens']:,} tokens in all, each {counts['repeats']:.3g} times"
        lines.append(line)
    return lines
