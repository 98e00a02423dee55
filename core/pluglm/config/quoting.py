"""Values as Hydra's command-line grammar reads them back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def quoted(value: Any) -> str:
    """`value`, which is plain data or a path, as the right side of an override. Keys are words."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{quoted(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(quoted, value)) + "]"
    if isinstance(value, str | Path):
        # A backslash stands for itself, but before a quote.
        text = re.sub(r"(\\*)'", r"\1\1\\'", str(value))
        text = re.sub(r"(\\+)$", r"\1\1", text)
        return f"'{text}'"
    return json.dumps(value)
