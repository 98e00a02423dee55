from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from pluglm.corpus.storage import digest, make_once


def test_digest_does_not_depend_on_order() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 2, "b": 1})


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        make_once(tmp_path / "whole", fail)
    assert not (tmp_path / "whole").exists() and not list(tmp_path.glob("*.tmp"))


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
