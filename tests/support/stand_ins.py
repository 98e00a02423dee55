"""What stands in the place of a large object of which a test needs little."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


def stand_in(**values: Any) -> Any:
    """An object with these attributes, of whatever type is asked for."""
    return SimpleNamespace(**values)
