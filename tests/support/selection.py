"""Long matrices: some of their cells are tested by a plain `pytest`, the others are marked exhaustive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def matrix(cells: Iterable[Any], sample: Iterable[Any]) -> list[Any]:
    """The cells as parameters of a test, those that are not in the sample marked exhaustive."""
    cells, sample = list(cells), list(sample)
    assert all(cell in cells for cell in sample), sample
    return [cell if cell in sample else _exhaustive(cell) for cell in cells]


def _exhaustive(cell: Any) -> Any:
    values = cell if isinstance(cell, tuple) else (cell,)
    return pytest.param(*values, marks=pytest.mark.exhaustive)


def asked_for(request: pytest.FixtureRequest, *names: str) -> list[Any]:
    """The values of these parameters in the tests of this module that are to run, for a fixture that makes no more
    than they need: a list of values for one name, of tuples for several."""
    found: list[Any] = []
    for item in request.session.items:
        given = _values(item, names) if item.path == request.path else []
        cell = given[0] if len(given) == 1 else tuple(given)
        if given and cell not in found:
            found.append(cell)
    return found


def _values(item: pytest.Item, names: Sequence[str]) -> list[Any]:
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return [parameters[name] for name in names] if all(name in parameters for name in names) else []
