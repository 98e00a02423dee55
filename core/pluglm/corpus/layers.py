"""What each station made of a chunk of documents, kept on disk: a chunk is read once, and only what is new is done.

A chunk is some megabytes of documents in their order. The first layer holds them as they were read; each further
layer holds what one station changed. A station that changes nothing costs nothing but its account.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xxhash

from pluglm.corpus.columns import number_column, text_column
from pluglm.corpus.ledger import Account
from pluglm.corpus.missing import json_able
from pluglm.corpus.record_ids import RecordIds
from pluglm.document import Document
from pluglm.files.replacing import write_bytes
from pluglm.files.seal import sealed, unsealed

if TYPE_CHECKING:
    import pyarrow

GONE, CHANGED, ADDED = 0, 1, 2
UNFINISHED = "unfinished"


@dataclass(slots=True)
class Layer:
    """What became of documents that came in as a list: `rows` are (position in that list, one of GONE, CHANGED and
    ADDED, the document that takes its place or stands behind it), in order. What has no row stays as it is."""

    rows: list[tuple[int, int, Document | None]] = field(default_factory=list)

    def apply(self, documents: Sequence[Document]) -> list[Document]:
        """The documents that leave the station."""
        if not self.rows:
            return list(documents)
        left: list[Document] = []
        reached = 0
        for position, kind, document in self.rows:
            if position >= reached:
                left += documents[reached:position]
                if kind == ADDED and position < len(documents):
                    left.append(documents[position])
                reached = position + 1
            if document is not None:
                left.append(document)
        left += documents[reached:]
        return left


def first_layer(documents: Iterable[Document]) -> Layer:
    """The layer that makes these documents out of none."""
    return Layer([(0, ADDED, document) for document in documents])


class LayerStore:
    """Layers in a folder, by key. Each is whole or absent: its account, written last, holds the digest of the rest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def entry(self, key: str) -> dict[str, Any] | None:
        """What `write_entry` was given, or None where it is absent or damaged, or a file it speaks of is absent or of
        another size."""
        path = self.folder / f"{key}.json"
        try:
            found = unsealed(path.read_bytes())
            whole = all((self.folder / name).stat().st_size == size for name, size in found["files"].items())
            # When it was used last decides how long the cache keeps it; one that others own can be read all the same.
            with suppress(OSError):
                os.utime(path)
        except (OSError, ValueError, KeyError):
            return None
        return found if whole else None

    def read(self, key: str) -> tuple[Layer, Account] | None:
        """The layer and its account, or None where it is absent or damaged."""
        entry = self.entry(key)
        if entry is None:
            return None
        rows = read_rows(self.folder / f"{key}.arrow", entry["digest"]) if entry["digest"] else []
        if rows is None:
            return None
        return Layer(rows), Account.from_dict(entry["station"], entry["records"])

    def write(self, key: str, layer: Layer, account: Account) -> None:
        """Keep a layer and its account."""
        path = self.folder / f"{key}.arrow"
        digest = write_rows(path, layer.rows) if layer.rows else ""
        entry = {"digest": digest, "station": account.as_dict(), "records": account.records}
        self.write_entry(key, entry, [path] if layer.rows else [])

    def write_entry(self, key: str, entry: dict[str, Any], files: Sequence[Path] = ()) -> None:
        """Keep plain data by its key, which is there for as long as these files are."""
        sizes = {path.name: path.stat().st_size for path in files}
        data = sealed({**entry, "files": sizes})
        write_bytes(self.folder / f"{key}.json", data)

    def write_chunks(
        self, key: str, chunks: Iterable[Sequence[Document]], account: Account, ids: RecordIds | None = None
    ) -> None:
        """Keep chunks of documents as first layers `<key>-00000` and so on, and, when all are there, the account of the
        station that they come from, which may go on counting until then, as may `ids`."""
        count = 0
        for count, documents in enumerate(chunks, start=1):
            self.write(f"{key}-{count - 1:05}", first_layer(documents), Account("chunk", read=len(documents)))
        entry = {"chunks": count, "station": account.as_dict(), "records": account.records}
        files = [self.folder / f"{key}.ids"] if ids else []
        if ids:
            write_bytes(files[0], ids.content())
        self.write_entry(key, entry, files)

    def forget(self, key: str) -> None:
        """Let what is kept by a key be absent."""
        (self.folder / f"{key}.json").unlink(missing_ok=True)

    @contextmanager
    def accounted(self, key: str, account: Account) -> Iterator[None]:
        """Keep the account of what is to be kept by `key` also where the work on it is broken off."""
        try:
            yield
        except BaseException:
            known = account.settled()
            with suppress(OSError):
                self.write_entry(f"{key}-{UNFINISHED}", {"station": known.as_dict(), "records": known.records})
            raise

    def known_account(self, key: str) -> Account | None:
        """The account of what is kept by `key`, or else of the work on it that was broken off last, which is then
        forgotten; None where there is neither."""
        unfinished = f"{key}-{UNFINISHED}"
        found = self.entry(key) or self.entry(unfinished)
        self.forget(unfinished)
        return None if found is None else Account.from_dict(found["station"], found["records"])

    def chunks(self, key: str) -> tuple[list[str], Account] | None:
        """The keys of what `write_chunks` kept and its account, or None where not all of it is there."""
        entry = self.entry(key)
        if entry is None:
            return None
        keys = [f"{key}-{number:05}" for number in range(entry["chunks"])]
        if any(self.entry(one) is None for one in keys):
            return None
        return keys, Account.from_dict(entry["station"], entry["records"])


def document_columns(documents: Sequence[Document]) -> dict[str, pyarrow.Array]:
    """Documents as columns: what has structure is JSON, and empty where there is none."""
    parts = {
        "text": [d.text for d in documents],
        "id": [d.id for d in documents],
        "source": [d.source for d in documents],
        "fields": [_packed(d.fields) if d.fields else "" for d in documents],
        "media": [_packed(d.media) if d.media else "" for d in documents],
        "metadata": [_packed(d.metadata) if d.metadata else "" for d in documents],
    }
    columns = {name: text_column(values) for name, values in parts.items()}
    return columns | {"weight": number_column([d.weight for d in documents], "float64")}


def documents_of(columns: Sequence[Sequence[Any]]) -> list[Document]:
    """Documents out of columns in the order of `document_columns`."""
    text, identifier, source, fields, media, metadata, weight = columns
    unpacked = [_unpacked(column) for column in (fields, media, metadata)]
    return list(map(Document, text, identifier, source, *unpacked, weight))


def write_rows(path: Path, rows: Sequence[tuple[int, int, Document | None]]) -> str:
    """Write a layer's rows as Arrow, and return the digest of the file."""
    import pyarrow as pa

    nothing = Document("")
    columns = {
        "position": number_column([row[0] for row in rows], "int32"),
        "kind": number_column([row[1] for row in rows], "int8"),
        **document_columns([document or nothing for _, _, document in rows]),
    }
    batch = pa.record_batch(list(columns.values()), names=list(columns))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_batch(batch)
    data = sink.getvalue()
    write_bytes(path, data)
    return xxhash.xxh3_128_hexdigest(memoryview(data))


def read_rows(path: Path, digest: str) -> list[tuple[int, int, Document | None]] | None:
    """What `write_rows` wrote, or None where the file is not what it was."""
    import pyarrow as pa

    try:
        data = path.read_bytes()
    except OSError:
        return None
    if xxhash.xxh3_128_hexdigest(data) != digest:
        return None
    with pa.ipc.open_file(data) as file:
        batch = file.get_batch(0)
    positions, kinds, *columns = [column.to_pylist() for column in batch.columns]
    documents = documents_of(columns)
    return [
        (position, kind, None if kind == GONE else document)
        for position, kind, document in zip(positions, kinds, documents, strict=True)
    ]


def document_table(documents: Sequence[Document]) -> pyarrow.Table:
    """Documents as a table of Arrow."""
    import pyarrow as pa

    return pa.table(document_columns(documents))


def _encode(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else str(value)


def _decode(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value


_strict = json.JSONEncoder(default=_encode, allow_nan=False).encode


def _packed(value: dict[str, Any]) -> str:
    try:
        return _strict(value)
    except ValueError:
        # NaN is no JSON (RFC 8259).
        return _strict(json_able(value))


def _unpacked(column: Sequence[str]) -> Iterable[dict[str, Any]]:
    if not any(column):
        return ({} for _ in column)
    # All at once: by itself, each of them takes three times as long.
    joined = f"[{','.join(value or '{}' for value in column)}]"
    found: list[dict[str, Any]] = json.loads(joined, object_hook=_decode if '"base64"' in joined else None)
    return found
