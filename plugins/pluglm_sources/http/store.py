"""Bodies and headers of what was fetched, on disk: whole or not at all, by a hash of their URL."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from pluglm_sources.http.fetched import Fetched, FetchError

BLOCK = 1 << 16
# Kept in the body's name, because readers of packed files go by it.
PACKED = (".gz", ".bz2", ".zst", ".xz", ".zip", ".tgz")


def is_packed(url: str) -> bool:
    """Whether the resource itself, not its transfer, is packed, by its name."""
    return PurePosixPath(urlsplit(url).path).suffix.lower() in PACKED


class Entry:
    """The place of one URL in a store."""

    def __init__(self, store: Path, url: str) -> None:
        key = hashlib.sha256(url.encode()).hexdigest()[:32]
        suffix = PurePosixPath(urlsplit(url).path).suffix.lower() if is_packed(url) else ""
        self.url, self.folder = url, store / key[:2]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.body, self.about = self.folder / (key + suffix), self.folder / f"{key}.json"
        self.part, self.part_about = self.folder / f"{key}.part", self.folder / f"{key}.part.json"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Held by one process at a time, so that two runs do not fetch the same thing into one file."""
        from filelock import FileLock

        with FileLock(self.folder / ".lock"):
            yield

    def kept(self) -> Fetched | FetchError | None:
        """What is known of the URL: its body, that there is none, or nothing. Never half a body."""
        about = _json_of(self.about)
        if "reason" in about:
            return FetchError(about["reason"], about["detail"])
        if not about or not self.body.exists() or self.body.stat().st_size != about.pop("size"):
            return None
        return Fetched(**about, path=self.body)

    def keep_failure(self, error: FetchError) -> None:
        """Remember that there is nothing, so that the next run need not ask."""
        self.body.unlink(missing_ok=True)
        _write_json(self.about, {"reason": error.reason, "detail": error.detail})

    def begun(self) -> tuple[int, Mapping[str, str]]:
        """Bytes of a transfer that broke off, and the headers it had; (0, {}) where it cannot be gone on with, because
        nothing tells whether the rest would be of the same version (RFC 9110, 13.1.5)."""
        headers = _json_of(self.part_about)
        if not self.part.exists() or not validator(headers):
            return 0, {}
        return self.part.stat().st_size, headers

    def begin(self, headers: Mapping[str, str]) -> None:
        """A transfer starts from its first byte."""
        self.part.unlink(missing_ok=True)
        _write_json(self.part_about, headers, sync=False)

    def forget_part(self) -> None:
        """Drop what a transfer left."""
        self.part.unlink(missing_ok=True)
        self.part_about.unlink(missing_ok=True)

    def finish(self, about: Mapping[str, Any], encoding: str, most: int) -> Fetched:
        """Make the transferred bytes the body, unpacked from their Content-Encoding.

        Raises:
            FetchError: truncated, decompression_bomb, unknown_encoding.
        """
        new = self.part
        try:
            if encoding not in ("", "identity"):
                new = self.folder / f"{self.part.name}.unpacked"
                _unpack(self.part, new, encoding, most)
            # Between the two renames there is a body that nothing speaks for, never a wrong one that something does.
            self.about.unlink(missing_ok=True)
            size = new.stat().st_size
            new.replace(self.body)
        finally:
            self.forget_part()
            if new != self.part:
                new.unlink(missing_ok=True)
        _write_json(self.about, {**about, "size": size})
        return Fetched(**about, path=self.body)


def validator(headers: Mapping[str, str]) -> str | None:
    """What tells two versions apart byte for byte: a strong ETag, or else the date of the last change."""
    etag = headers.get("etag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("last-modified")


def _unpack(packed: Path, new: Path, encoding: str, most: int) -> None:
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise FetchError("unknown_encoding", f"Content-Encoding {encoding[:40]!r} was not asked for")
    size, member = 0, None
    with packed.open("rb") as source, new.open("wb") as target:
        try:
            while block := source.read(BLOCK):
                while block:
                    if member is None:
                        # Some servers send deflate without zlib's header; its low nibble is always 8.
                        raw = encoding == "deflate" and block[0] & 15 != 8
                        member = zlib.decompressobj(-15 if raw else 47)
                    target.write(piece := member.decompress(block, BLOCK))
                    size += len(piece)
                    if size > most:
                        raise FetchError("decompression_bomb", f"more than {most} bytes unpacked")
                    block = member.unconsumed_tail
                    if member.eof:
                        block, member = member.unused_data, None
            while member is not None and (piece := member.decompress(b"", BLOCK)):
                target.write(piece)
                member = None if member.eof else member
        except zlib.error as error:
            raise FetchError("damaged_encoding", f"Content-Encoding {encoding}: {error}") from None
        target.flush()
        os.fsync(target.fileno())
    if member is not None:
        raise FetchError("truncated", f"Content-Encoding {encoding} breaks off")


def _json_of(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _write_json(path: Path, value: Mapping[str, Any], sync: bool = True) -> None:
    new = path.with_name(f"{path.name}.tmp")
    with new.open("w", encoding="utf-8") as file:
        json.dump(dict(value), file)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    new.replace(path)
