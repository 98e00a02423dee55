"""A sequence length that the model takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from pluglm.catalog import Catalog
from pluglm.families import Model

KEY = "data.sequence_length"


def fit_sequence_length(tree: Mapping[str, Any], words: Sequence[str], catalog: Catalog) -> dict[str, Any]:
    """The composed `tree` with a sequence length that the model takes, where it takes less than the default or the
    recipe says. A length among the `words` of the command line stays: the model says what is wrong with it."""
    named = {word.lstrip("+").partition("=")[0] for word in words}
    longest, data = _longest(tree.get("model"), catalog), tree.get("data")
    if longest is None or not isinstance(data, Mapping) or named & {KEY, "data"}:
        return dict(tree)
    length = data.get("sequence_length")
    if isinstance(length, bool) or not isinstance(length, int) or length <= longest:
        return dict(tree)
    return {**tree, "data": {**data, "sequence_length": longest}}


def _longest(node: Any, catalog: Catalog) -> int | None:
    if not isinstance(node, Mapping):
        return None
    technique = catalog.find("model", str(node.get("name")))
    if technique is None:
        return None
    values = {key: value for key, value in node.items() if key != "name" and value != "???"}
    try:
        model = technique.model_validate(values)
    except ValidationError:
        return None  # validation says what is wrong
    return model.longest_input() if isinstance(model, Model) else None
