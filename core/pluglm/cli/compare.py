"""`pluglm compare RUN RUN...`: what differed, and what came of it."""

from __future__ import annotations

from pathlib import Path

from pluglm.cli.flags import Flag, parse, usage, wants_help
from pluglm.errors import ConfigError, Problem

FLAGS = {"--out": Flag("where to write the page (comparison.html)", "FILE")}


def run(arguments: list[str]) -> int:
    """Compare run folders, or all runs below a folder."""
    if wants_help(arguments):
        print(usage("compare RUN... | DIR", "Compares finished runs.", FLAGS), end="")
        return 0
    given = parse(arguments, FLAGS)
    found = {word: sorted(path.parent for path in Path(word).rglob("results.json")) for word in given.words}
    without = [Problem(word, "holds no finished run") for word, folders in found.items() if not folders]
    folders = list(dict.fromkeys(folder for several in found.values() for folder in several))
    if not without and len(folders) < 2:
        without = [Problem("compare", f"takes two finished runs at least; found {len(folders)}")]
    if without:
        raise ConfigError(without)
    from pluglm.reporting.comparison import compare, write_comparison

    print(compare(folders))
    print(write_comparison(folders, Path(given.flags.get("out", "comparison.html"))))
    return 0
