"""Sources."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest

from pluglm import DataError, Document, Dropped, PluglmError, Source, Unreadable
from pluglm.testing.outcomes import MOST

pytestmark = [pytest.mark.family("source"), pytest.mark.usefixtures("untouched_randomness")]

OPENED: list[Path] = []
WATCHED: list[Path] = []


def test_read_gives_the_same_again(technique: Source) -> None:
    first, second = (list(islice(technique.read(), MOST)) for _ in range(2))
    assert first, "nothing was read"
    assert first == second, "another order, or other documents, when it is read again"
    assert all(isinstance(item, Document | Unreadable | Dropped) for item in first)


def test_ids_are_there_and_unique(technique: Source) -> None:
    ids = [item.id for item in islice(technique.read(), MOST) if isinstance(item, Document)]
    assert all(ids), "a document has no id"
    assert len(ids) == len(set(ids)), "two documents have the same id"


def test_inputs_are_files_that_are_there(technique: Source) -> None:
    inputs = list(technique.inputs())
    assert all(isinstance(path, Path) and path.exists() for path in inputs)
    assert inputs == list(technique.inputs()), "another order when it is asked again"


def test_inputs_names_what_read_opens(technique: Source, tmp_path: Path) -> None:
    example = tmp_path / "example"
    if not example.exists():
        pytest.skip("has no example files")
    WATCHED.append(example.resolve())
    OPENED.clear()
    try:
        list(islice(technique.read(), MOST))
    finally:
        WATCHED.clear()
    named = [path.resolve() for path in (*technique.inputs(), *technique.files_read())]
    unnamed = [path for path in OPENED if not any(path == known or known in path.parents for known in named)]
    assert not unnamed, "read() opens files that inputs() does not name: that they changed would go unnoticed"


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if WATCHED and event == "open" and isinstance(arguments[0], str | os.PathLike):
        path = Path(os.fspath(arguments[0])).resolve()
        if WATCHED[0] in path.parents and path.is_file():
            OPENED.append(path)


# There is no taking it off again.
sys.addaudithook(_watch)


def test_shards_give_what_read_gives(technique: Source) -> None:
    shards = pickle.loads(pickle.dumps(list(technique.shards())))
    whole = list(islice(technique.read(), MOST))
    parts = list(islice(chain.from_iterable(shard.read() for shard in shards), MOST))
    assert parts == whole, "the shards give other documents, or another order"
    inputs = [path for shard in shards for path in shard.inputs()]
    assert set(inputs) == set(technique.inputs()), "the inputs of the shards are not those of the source"


def test_damaged_files_are_told_and_break_nothing(kind: type[Source], values: dict[str, Any], tmp_path: Path) -> None:
    """Cut off, empty, or with other bytes in the middle: records that cannot be read are `Unreadable`, and a file that
    cannot be read at all is an OSError or a DataError."""
    example = tmp_path / "example"
    files = [path for path in kind.model_validate(values).inputs() if path.is_file() and example in path.parents]
    if not files:
        pytest.skip("reads no files of its example")
    whole = {path: path.read_bytes() for path in files}
    for damage in (lambda data: data[: len(data) // 2], lambda data: b"", _overwritten):
        for path, data in whole.items():
            path.write_bytes(damage(data))
        for item in _readable(kind.model_validate(values)):
            assert isinstance(item, Document | Unreadable | Dropped)


def _overwritten(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + b"\xff\x00{<\xfe" * 3 + data[middle + 15 :]


def _readable(source: Source) -> Iterator[object]:
    try:
        yield from islice(source.read(), MOST)
    except (OSError, DataError) as error:
        assert str(error).strip(), "an error without a word"
    except PluglmError:
        raise
    except Exception as error:
        raise AssertionError(
            f"a damaged file ended in {type(error).__name__}: {error}; yield Unreadable, or raise OSError or DataError"
        ) from error
