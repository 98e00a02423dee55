"""Configs of small runs, and their plans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_runs import small_without

from pluglm.config.compose import compose
from pluglm.config.run_config import RunConfig

WORDS = [*small_without("model."), "source.generated_reviews.documents=60", "preprocessor=[]", "train.steps=5"]
NANO = ["model.size=nano", "model.num_layers=1"]


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., RunConfig]:
    """A config of a small run, with a cache of its own."""

    def made(*words: str) -> RunConfig:
        own = [] if "model=pretrained" in words else NANO
        return compose([*WORDS, f"data.cache_dir={tmp_path / 'cache'}", *own, *words])

    return made


@pytest.fixture
def plan(small: Callable[..., RunConfig]) -> Callable[..., dict[str, Any]]:
    """The plan of a small run."""

    def made(*words: str) -> dict[str, Any]:
        from pluglm.planning.forecast import forecast

        return forecast(small(*words))

    return made
