"""Any part of any recipe can be swapped: what the recipe sets for a part that is gone falls away, and is noted."""

from __future__ import annotations

import pytest
from selection import matrix

from pluglm.catalog import installed_catalog
from pluglm.config.compose import compose
from pluglm.config.recipe_search import recipes
from pluglm.errors import ConfigError
from pluglm.families import FAMILIES

EXPERIMENTS = sorted(recipes("experiment"))
# Sources that read files need paths; with this one every recipe composes.
HERE = ["source=[python_library]"]


def swaps() -> list[tuple[str, str]]:
    one = [family for family, spec in FAMILIES.items() if not spec.many]
    return [(family, name) for family in one for name in installed_catalog().names(family)]


@pytest.mark.parametrize("experiment", matrix(EXPERIMENTS, ["classify_sentiment"]))
def test_no_swap_fails_on_a_key_that_the_user_did_not_write(experiment: str) -> None:
    blamed = []
    for family, name in swaps():
        words = [f"experiment={experiment}", *HERE, f"{family}={name}"]
        try:
            config = compose(words)
        except ConfigError as error:
            # Parts may not fit each other; then the line names the part, and no key that only the recipe set.
            blamed += [(f"{family}={name}", str(p)) for p in error.problems if "has no such key" in p.reason]
        else:
            assert getattr(config, family).name == name
    assert blamed == []


def test_what_falls_away_is_noted() -> None:
    config = compose(["experiment=smoke", "tokenizer=byte"])
    assert config.tokenizer.name == "byte" and any("tokenizer.vocab_size" in note for note in config.notes)
    assert not compose(["experiment=smoke"]).notes


@pytest.mark.parametrize("experiment", matrix(EXPERIMENTS, ["smoke"]))
def test_lists_can_be_swapped(experiment: str) -> None:
    for family in ("preprocessor", "augmenter", "regularizer", "debiaser", "compressor", "evaluator"):
        config = compose([f"experiment={experiment}", *HERE, f"{family}=[]"])
        assert not getattr(config, family)
