"""What is left at `auto` and suggested is as if it had been chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from pluglm.config.compose import compose
from pluglm.errors import ConfigError


@pytest.mark.parametrize("own_folder", [False, True])
@pytest.mark.parametrize(
    "words",
    [[], ["objective=mlm", "model.size=nano"], ["experiment=smoke", "model.hidden_size=128", "model.num_heads=4"]],
    ids=["default", "one value", "an experiment"],
)
def test_a_suggested_model_is_the_chosen_one(words: list[str], own_folder: bool, tmp_path: Path) -> None:
    left = compose(words, tmp_path if own_folder else None)
    chosen = compose([*words, f"model={left.model.name}"])
    assert left == chosen and left.resolved == chosen.resolved
    for word in words:
        key, _, value = word.partition("=")
        if key.startswith("model."):
            assert str(getattr(left.model, key.partition(".")[2])) == value


def test_mistakes_about_a_suggested_one_are_told() -> None:
    with pytest.raises(ConfigError, match=r"model\.siez.*did you mean 'size'"):
        compose(["model.siez=nano"])
    with pytest.raises(ConfigError, match=r"model\.num_layers"):
        compose(["model.num_layers=0"])
