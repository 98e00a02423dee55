"""The elements of a JSON array too large for memory, one at a time, also from behind what is damaged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from pluglm import Unreadable
from pluglm_sources.files.values import DECODER, json_value

BLOCK = 1 << 18
BETWEEN = re.compile(r"[\s,]*")
# Behind the end of an array there is no further element, so that this one is a damaged brace.
GOES_ON = re.compile(r"\]\s*,\s*\{")
LEAST_LOOK = 64


def elements(
    read: Callable[[int], bytes], base: int, most: int, path: str, known: Callable[[Any], bool]
) -> Iterator[tuple[int, Any]]:
    """(offset in bytes, value) for each element of an array whose inside `read` gives, from offset `base` on, and
    `Unreadable` for what is none. Behind damage it goes on at the next object that is `known` to be an element.

    An element of more than `most` bytes is taken for damage. Nothing larger is held in memory.
    """
    # Latin-1, because then a character is a byte, and all that JSON is made of is the same in UTF-8.
    held, ended, at = "", False, 0
    lost: tuple[int, Unreadable] | None = None

    def more() -> bool:
        nonlocal held, base, at, ended
        block = b"" if ended else read(BLOCK)
        ended = not block
        held, base, at = held[at:] + block.decode("latin-1"), base + at, 0
        return bool(block)

    while True:
        at = BETWEEN.match(held, at).end() if lost is None else _next_object(held, at)  # type: ignore[union-attr]
        if at >= len(held):
            if more():
                continue
            if lost is None:
                yield base + at, Unreadable(f"{path}@{base + at}", "truncated_or_damaged", "the array has no end")
                return
            yield lost
            return
        if lost is None and held[at] == "]":
            while len(held) - at < LEAST_LOOK and more():
                pass
            if not GOES_ON.match(held, at):
                return
        found = _decoded(held, at)
        while isinstance(found, ValueError) and len(held) - at < most and _may_go_on(found, held) and more():
            found = _decoded(held, at)
        if isinstance(found, tuple):
            value = _exact(held[at : found[1]])
            if lost is None or (not isinstance(value, ValueError) and known(value)):
                if lost is not None:
                    yield lost
                    lost = None
                offset, at = base + at, found[1]
                yield offset, Unreadable(f"{path}@{offset}", *_wrong(value)) if isinstance(value, ValueError) else value
                continue
            found = ValueError("no element")
        if lost is None:
            lost = (base + at, Unreadable(f"{path}@{base + at}", "invalid_json", str(found)))
        at += 1


def _next_object(held: str, at: int) -> int:
    place = held.find("{", at)
    return place if place >= 0 else len(held)


def _decoded(held: str, at: int) -> tuple[Any, int] | ValueError:
    try:
        return DECODER.raw_decode(held, at)
    except RecursionError as error:
        return ValueError(str(error))
    except ValueError as error:
        return error


def _may_go_on(error: ValueError, held: str) -> bool:
    """Whether an error may come from the end of what is held: it is there, or in a string without an end."""
    place = error.pos if isinstance(error, json.JSONDecodeError) else 0
    return "Unterminated" in str(error) or len(held) - place < LEAST_LOOK


def _exact(element: str) -> Any:
    """The value with its characters; an error where they are none."""
    try:
        value = json_value(element.encode("latin-1").decode("utf-8"))
        if "\\ud" in element or "\\uD" in element:
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        return error if isinstance(error, ValueError) else ValueError(str(error))


def _wrong(error: ValueError) -> tuple[str, str]:
    if isinstance(error, UnicodeDecodeError):
        return "invalid_utf8", f"at byte {error.start}: {error.reason}"
    return "lone_surrogate" if isinstance(error, UnicodeEncodeError) else "invalid_json", str(error)
