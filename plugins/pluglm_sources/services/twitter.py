"""Posts in files of X (Twitter): saved answers of its interface, lines of them, or an account's archive.

A file is never in memory as a whole unless it is one answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pluglm import Dropped, Unreadable
from pluglm_sources.files.json_arrays import elements
from pluglm_sources.files.json_text import parsed
from pluglm_sources.files.paths import shown
from pluglm_sources.files.reading import text_lines_of, text_of
from pluglm_sources.files.values import json_value
from pluglm_sources.packed.opening import beginning_of, damage_errors, open_unpacked, reason_of

HEAD = 1 << 14
ARCHIVE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:window\.YTD\.[\w.]+\s*=\s*)?\[")
DATA = re.compile(rb'"data"\s*:\s*\[')

Post = tuple[str, Mapping[str, Any] | Unreadable | Dropped]
"""(locator, post or why there is none)"""


def posts_of(path: Path, most: int) -> Iterator[Post]:
    """The posts of a file in its order; a line, an answer or a post of more than `most` bytes is not read."""
    try:
        head = beginning_of(path, HEAD)
    except OSError:
        head = b""
    array = ARCHIVE.match(head)
    lines = [line for _, line in islice(text_lines_of(path, most), 2)]
    if array is None and not any(_is_answer(line) for line in lines):
        text = text_of(path, most)
        if isinstance(text, str) and _is_answer(text):
            yield from _of_answer(json_value(text), shown(path))
            return
        array = DATA.search(head)
    if array is not None:
        yield from _of_array(path, array.end(), most)
        return
    for locator, line in text_lines_of(path, most):
        answer = line if isinstance(line, Unreadable) else parsed(line, locator)
        yield from [(locator, answer)] if isinstance(answer, Unreadable) else _of_answer(answer, locator)


def _is_answer(text: str | Unreadable) -> bool:
    return isinstance(text, str) and not isinstance(parsed(text, ""), Unreadable)


def _of_array(path: Path, start: int, most: int) -> Iterator[Post]:
    number, name = 0, shown(path)
    try:
        with open_unpacked(path) as file:
            file.read(start)
            for offset, item in elements(file.read1, start, most, name, _is_post):
                number = offset
                if isinstance(item, Unreadable):
                    yield item.locator, item
                else:
                    yield _of_element(item, f"{name}@{offset}")
    except damage_errors() as error:
        yield name, Unreadable(f"{name}@{number}", reason_of(error), str(error))


def _is_post(value: Any) -> bool:
    inner = value.get("tweet", value) if isinstance(value, dict) else None
    return (
        isinstance(inner, dict) and bool(inner.keys() & {"text", "full_text"}) and bool(inner.keys() & {"id", "id_str"})
    )


def _of_element(post: Any, locator: str) -> Post:
    inner = post.get("tweet", post) if isinstance(post, dict) else post
    return locator, inner if isinstance(inner, dict) else Unreadable(locator, "not_a_post", f"a {type(inner).__name__}")


def _of_answer(answer: Any, place: str) -> Iterator[Post]:
    # An answer that found nothing has no data, only what it says of that.
    nothing = isinstance(answer, dict) and ("errors" in answer or isinstance(answer.get("meta"), dict))
    data = answer.get("data", [] if nothing else answer) if isinstance(answer, dict) else answer
    found: Iterable[Any] = data if isinstance(data, list) else [data]
    for position, post in enumerate(found):
        yield _of_element(post, f"{place}#{position}")
    # The interface names each post that it cannot give any more: deleted, protected, suspended.
    errors = answer.get("errors") if isinstance(answer, dict) else None
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict) and error.get("resource_type", "tweet") == "tweet":
            yield place, Dropped("deleted")
