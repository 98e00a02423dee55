"""`pluglm cache`: what was prepared and is kept between runs."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from pluglm.cli.flags import JSON
from pluglm.errors import ConfigError, PluglmError, Problem
from pluglm.verbs import Arguments, Flag

FLAGS = {
    "--older-than": Flag("for prune: unused for so many days (30)", "DAYS"),
    "--dir": Flag("the cache (that of data.cache_dir, $PLUGLM_CACHE or the user's)", "DIR"),
} | JSON
CENTURY = 36_500  # days


def run(given: Arguments) -> int:
    """Lists or prunes prepared corpora and examples."""
    if given.words not in (["list"], ["prune"]):
        raise ConfigError([Problem("cache", "takes one word: list or prune", " ".join(given.words) or None)])
    if "older-than" in given.flags and given.words == ["list"]:
        raise ConfigError([Problem("--older-than", "is for prune", given.flags["older-than"])])
    from pluglm.corpus.cache import entries, prune
    from pluglm.files.storage import cache_folder
    from pluglm.formatting import format_size

    folder = cache_folder(Path(given.flags["dir"]) if "dir" in given.flags else None)
    days = timedelta(days=min(given.number("older-than", 30, least=0), CENTURY))
    try:
        found = list(entries(folder)) if given.words == ["list"] else prune(folder, days)
    except OSError as error:
        raise PluglmError(f"the cache in {folder}: {error}") from error
    if "json" in given.flags:
        rows = [
            {"kind": e.kind, "path": str(e.path), "bytes": e.bytes, "used": e.used.isoformat(), "about": e.about}
            for e in found
        ]
        print(json.dumps(rows, indent=1))
        return 0
    for entry in found:
        what = f"{entry.kind:<10} {entry.path.name[:12]:<12} {format_size(entry.bytes):>10}"
        print(f"{what}  {entry.used:%Y-%m-%d %H:%M}  {entry.about}".rstrip())
    done = "" if given.words == ["list"] else " removed"
    print(f"{len(found)} entries, {format_size(sum(entry.bytes for entry in found))}{done} in {folder}")
    return 0


def candidates() -> tuple[str, ...]:
    """What can be done with it."""
    return "list", "prune"
