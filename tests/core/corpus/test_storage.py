from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from pluglm.files.digests import digest
from pluglm.files.seal import SEAL, damaged_file, write_seal
from pluglm.files.storage import make_once


def test_digest_does_not_depend_on_order() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 2, "b": 1})


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        make_once(tmp_path / "whole", fail)
    assert not (tmp_path / "whole").exists() and not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("file", ["data/large", "small", SEAL])
@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
def test_what_is_damaged_is_made_again(tmp_path: Path, file: str, how: str) -> None:
    def make(folder: Path) -> None:
        (folder / "data").mkdir()
        (folder / "data" / "large").write_bytes(b"x" * 1000)
        (folder / "small").write_text("y")

    folder, said = make_once(tmp_path / "whole", make), list[str]()
    path = folder / file
    whole = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:-1] if how == "cut" else bytes([whole[0] ^ 1]) + whole[1:])
    make_once(folder, make, damaged=said.append)
    assert path.read_bytes() == whole and said == [file] and not list(tmp_path.glob("*.tmp"))
    make_once(folder, make, damaged=said.append)
    assert said == [file]


def test_opening_reads_little_of_what_is_large(tmp_path: Path) -> None:
    for name in ("tokens.bin", "about"):
        (tmp_path / name).write_bytes(b"1")
    with (tmp_path / "tokens.bin").open("r+b") as file:
        file.truncate(10**12)
    write_seal(tmp_path)
    began = time.monotonic()
    assert damaged_file(tmp_path, everything=True) is None
    assert time.monotonic() - began < 0.5
    os.truncate(tmp_path / "tokens.bin", 10**12 - 1)
    assert damaged_file(tmp_path) == "tokens.bin"


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError) as caught:
        make_once(tmp_path / "cache" / "whole", fail)
    assert caught.value.filename == str(tmp_path / "cache")


def _slowly(folder: Path) -> None:
    time.sleep(0.3)
    with (folder.parent.parent / "count").open("a") as file:
        file.write("x")


def _make(folder: Path) -> None:
    make_once(folder, _slowly)


def test_two_processes_make_it_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_make, args=(tmp_path / "cache" / "k",)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert (tmp_path / "count").read_text() == "x"
