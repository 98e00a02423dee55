"""`pluglm compare DIR|RUN...`: what differed between runs, what came of it, and whether that is more than chance."""

from __future__ import annotations

from pathlib import Path

from pluglm import Arguments, ConfigError, Flag, PluglmError, Problem

FLAGS = {
    "--out": Flag("where to write the page (comparison.html), its .csv and .json beside it", "FILE"),
    "--metric": Flag("what to rank by: a score such as bits_per_byte, or validation_loss", "NAME"),
    "--json": Flag("print JSON"),
}


def run(given: Arguments) -> int:
    """Compares finished runs; runs alike in all but the seed are one configuration."""
    if not given.words:
        raise ConfigError([Problem("compare", "takes run folders, or a folder with runs")])
    out = Path(given.flags.get("out", "comparison.html"))
    if out.suffix in (".csv", ".json") or out.is_dir():
        raise ConfigError([Problem("--out", "names the page; its .csv and .json are written beside it", out)])
    from pluglm_comparing.comparison import compare, too_few
    from pluglm_comparing.page import write_page
    from pluglm_comparing.tables import json_text, terminal_text

    found = compare([Path(word) for word in given.words], given.flags.get("metric"))
    if len(found.members) < 2:
        raise ConfigError([too_few(len(found.members), found.left_out)])
    try:
        page = write_page(found, out)
    except OSError as error:
        raise PluglmError(f"{out} cannot be written: {error.strerror}") from error
    print(json_text(found) if "json" in given.flags else f"{terminal_text(found)}\nComparison: {page}\n", end="")
    return 0
