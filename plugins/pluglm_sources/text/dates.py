"""Dates as services write them, in one form; what is no date is none."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

# https://www.iso.org/iso-8601-date-and-time-format.html, also a year or a month alone
PART = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2]))?")
# The older interface of X: Wed Oct 10 20:19:24 +0000 2018
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
OF_X = "%a %b %d %H:%M:%S %z %Y"


def is_iso_date(text: object) -> bool:
    """Whether a value is a date of ISO 8601, with or without its time; or a year, or a month of one."""
    if not isinstance(text, str):
        return False
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        return PART.fullmatch(text.strip()) is not None
    return True


def is_date(text: object) -> bool:
    """Whether a value is a date of ISO 8601, of e-mail (RFC 5322), or as the interface of X writes it."""
    if is_iso_date(text):
        return True
    if not isinstance(text, str):
        return False
    try:
        parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        try:
            datetime.strptime(text, OF_X)
        except ValueError:
            return False
    return True


def of_seconds(value: object) -> str | None:
    """Seconds since 1970, as a number or as digits, in ISO 8601; None for anything else."""
    # Ten digits last until the year 2286; some interfaces write seconds as 1.7e9.0.
    found = re.fullmatch(r"([0-9]{1,10})(?:\.0)?", str(value)) if isinstance(value, str | int | float) else None
    return datetime.fromtimestamp(int(found[1]), UTC).isoformat() if found else None


def day_or_less(year: str, month: str | int, day: str | None) -> str:
    """A date of ISO 8601 out of its parts, as far as they are those of one: `2014-02-18`, `2014-02` or `2014`."""
    try:
        whole = date(int(year), int(month), 1)
    except ValueError:
        return year
    try:
        return whole.replace(day=int(day or "")).isoformat()
    except ValueError:
        return whole.isoformat()[:7]
