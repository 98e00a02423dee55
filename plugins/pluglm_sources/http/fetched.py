"""What was fetched and what could not be: one object, one error, and the record of them on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pluglm import Dropped, Unreadable

# What may be otherwise at the next try; everything else is an answer.
PASSING = """timeout truncated unreachable retry_later protocol_error robots_unreachable
http_408 http_425 http_429""".split()


@dataclass(frozen=True, slots=True)
class Fetched:
    """One resource in the store.

    Attributes:
        url: what was asked for, without secrets.
        final_url: where redirects led.
        path: the body, unpacked from the transfer's Content-Encoding.
        status: of the last answer (200).
        content_type: the header as it came, or "".
        headers: all others, names in lower case.
        retrieved: when the body came, ISO 8601 UTC.
        extra: what the fetching source wants to remember of it; plain JSON.
    """

    url: str
    final_url: str
    path: Path
    status: int
    content_type: str
    headers: Mapping[str, str]
    retrieved: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def media_type(self) -> str:
        """`text/html` of `text/html; charset=utf-8`."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """`utf-8` of `text/html; charset=utf-8`."""
        for parameter in self.content_type.split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                return value.strip().strip("\"'").lower() or None
        return None


class FetchError(Exception):
    """Something could not be fetched.

    Attributes:
        reason: a short code: too_large, timeout, truncated, decompression_bomb, redirect_loop, too_many_redirects,
            private_host, unreachable, http_404, retry_later ...
        detail: one line for a person, without secrets.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail

    def unreadable(self, url: str) -> Unreadable:
        """The line of it in the quarantine."""
        return Unreadable(url, self.reason, self.detail)


def is_passing(reason: str) -> bool:
    """Whether a failure may be otherwise at the next try."""
    return reason in PASSING or reason.startswith("http_5")


def write_record(path: Path, items: Iterable[Fetched | Unreadable | Dropped]) -> Path:
    """Write in JSON lines what a fetch brought, in its order, whole or not at all; bodies by their place beside
    the record's folder, so that the store can be moved."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with new.open("w", encoding="utf-8") as file:
        for item in items:
            line = asdict(item)
            if isinstance(item, Fetched):
                line["path"] = os.path.relpath(item.path, path.parent)
            file.write(json.dumps({type(item).__name__.lower(): line}, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    return path


def read_record(path: Path) -> Iterator[Fetched | Unreadable | Dropped]:
    """What `write_record` wrote.

    Raises:
        OSError: where there is no such record.
        ValueError: where it is none.
    """
    with path.open(encoding="utf-8") as file:
        for line in file:
            ((kind, values),) = json.loads(line).items()
            if kind == "fetched":
                yield Fetched(**(values | {"path": Path(os.path.normpath(path.parent / values["path"]))}))
            else:
                yield Unreadable(**values) if kind == "unreadable" else Dropped(**values)


def record_inputs(path: Path) -> list[Path]:
    """The record and the bodies it names, each once."""
    return [path, *dict.fromkeys(item.path for item in read_record(path) if isinstance(item, Fetched))]


def is_settled(path: Path) -> bool:
    """Whether a record is there, with all its bodies, and has no failure that another try might mend."""
    if not path.exists():
        return False
    return all(
        item.path.exists() if isinstance(item, Fetched) else isinstance(item, Dropped) or not is_passing(item.reason)
        for item in read_record(path)
    )
