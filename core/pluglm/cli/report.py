"""`pluglm report RUN`: write report.html again."""

from __future__ import annotations

from pathlib import Path

from pluglm.errors import ConfigError, PluglmError, Problem
from pluglm.verbs import Arguments


def run(given: Arguments) -> int:
    """Writes RUN/report.html from what the run folder holds."""
    if len(given.words) != 1 or not (Path(given.words[0]) / "config.yaml").is_file():
        raise ConfigError([Problem("report", "takes a run folder", " ".join(given.words) or None)])
    from pluglm.reporting.html import write_report

    folder = Path(given.words[0])
    try:
        print(write_report(folder))
    except (OSError, PluglmError):
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise PluglmError(f"{folder}: no report can be made of it; a file in it may be damaged ({reason})") from error
    return 0
