"""What is quoted is read back as it was by Hydra's own parser."""

from __future__ import annotations

from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from pluglm.config.quoting import quoted

# The grammar has no line breaks, and OmegaConf takes ${ for a reference.
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="$"))


@given(st.recursive(TEXTS | st.booleans() | st.integers(), lambda inner: st.lists(inner, max_size=4), max_leaves=6))
def test_read_back(value: Any) -> None:
    override = OverridesParser.create().parse_override(f"key={quoted(value)}")
    assert plain(override.value()) == value


@pytest.mark.parametrize(
    "value", ["a b", "it's", "\\b\\d", "\\", "\\'", "[x,y]", "{a: b}", "a=b", "", {"label": "c'd, e"}]
)
def test_what_upsets_a_parser(value: Any) -> None:
    override = OverridesParser.create().parse_override(f"key={quoted(value)}")
    assert plain(override.value()) == value


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    return value if isinstance(value, bool | int) else str(getattr(value, "text", value))
