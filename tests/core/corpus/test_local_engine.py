from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from pluglm.corpus.local_engine import LocalEngine


def tasks(*said: str) -> list[Any]:
    """Each gives its number, and fails where it is none."""
    return [SimpleNamespace(run=partial(int, one)) for one in said]


@pytest.mark.parametrize("workers", [1, 2])
def test_all_are_done_and_the_first_failure_in_their_order_is_told(workers: int) -> None:
    engine, counted = LocalEngine(workers), list[int]()
    try:
        for _ in range(2):
            engine.run(tasks(*map(str, range(40))), counted.append)
        assert sorted(counted) == sorted([*range(40)] * 2)
        with pytest.raises(ValueError, match="'first'"):
            engine.run(tasks("1", "first", "second", "third", *map(str, range(40))), counted.append)
        engine.run(tasks("41"), counted.append)
        assert counted[-1] == 41
    finally:
        engine.close()
