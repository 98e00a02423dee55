"""What is said and written when a sweep is over."""

from __future__ import annotations

import sys

from pluglm.sweeping import record
from pluglm.sweeping.record import Entry, Record


def say_end(sweep: Record, quiet: bool) -> int:
    """Compare the members that have ended, and name those that have not. Returns the exit code."""
    out = sweep.folder / "comparison.html"
    compared = len(sweep.with_status(record.FINISHED)) > 1
    if compared:
        from pluglm.comparing.comparison import compare
        from pluglm.comparing.page import write_page
        from pluglm.comparing.tables import terminal_text

        found = compare([sweep.folder])
        write_page(found, out)
        print(terminal_text(found))
    for entry in sweep.with_status(record.PRUNED):
        print(f"{_name(entry)}: {entry.reason}")
    for entry in sweep.with_status(record.INVALID):
        print(f"left out: {_name(entry)}: {entry.reason}")
    counts = {status: len(sweep.with_status(status)) for status in (*record.ENDED, record.FAILED, record.WAITING)}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    print(f"{len(sweep.members)} members: {said or 'none could run'}")
    if compared:
        print(f"Comparison: {out}")
    failed = sweep.with_status(record.FAILED)
    for entry in failed:
        log = sweep.folder / str(entry.folder) / "log.txt"
        print(f"pluglm: failed: {_name(entry)}: {entry.reason}; see {log}", file=sys.stderr)
    if failed and sweep.with_status(record.WAITING):
        print("pluglm: the sweep ended at the first failure (sweep.fail_fast)", file=sys.stderr)
    return 1 if failed else 0


def _name(entry: Entry) -> str:
    return f"{entry.number:03} {entry.label}"
