"""Values of tables and of JSON, as documents hold them: nothing becomes text that is none."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import uuid
from typing import Any


class NotPlain(ValueError):
    """A value that JSON cannot hold and that is no text."""


# NaN and the infinities are no JSON (RFC 8259), but many programs write NaN for what is missing.
DECODER = json.JSONDecoder(parse_constant=lambda _: None)
json_value = DECODER.decode
"""The value of a JSON text; None for what is no number (NaN, Infinity)."""


def plain(value: Any) -> Any:
    """A value as JSON has it: bytes decoded, dates in ISO 8601, None for what is not a number.

    Raises:
        NotPlain: bytes that are no UTF-8, or an object.
    """
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NotPlain(f"bytes that are no UTF-8 (at byte {error.start}: {error.reason})") from None
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {str(plain(key)): plain(part) for key, part in value.items()}
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return None if value != value else value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value) if value.is_finite() else None
    if isinstance(value, datetime.timedelta | uuid.UUID):
        return str(value)
    raise NotPlain(f"a {type(value).__name__}")


def plain_field(value: Any) -> Any:
    """`plain`, with whole numbers of every type as the same number: they may be names of classes."""
    if isinstance(value, decimal.Decimal) and value.is_finite() and value == value.to_integral_value():
        return int(value)
    return plain(value)


def named(value: Any) -> str | None:
    """An id as text; None where it is none, or no text and no whole number."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None
