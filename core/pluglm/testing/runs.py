"""Whole runs of a few seconds around one technique."""

from __future__ import annotations

from typing import Any

import pytest

from pluglm import ConfigError, Model, Objective, RunConfig, Source, Technique
from pluglm.catalog import installed_catalog
from pluglm.config.quoting import quoted
from pluglm.families import FAMILIES
from pluglm.testing.samples import PluglmTestingSamples

SMALL = ["train.steps=4", "train.batch_size=4", "train.eval_every=2", "train.eval_batches=1", "train.log_every=1"]
SMALL += ["train.save_every=2", "train.threads=1", "data.sequence_length=32", "data.validation_fraction=0.1"]


def words_for(kind: type[Technique], values: dict[str, Any]) -> list[str]:
    """Command-line words that choose `kind` and what goes with it."""
    many = FAMILIES[kind.family].many
    chosen = {"source": f"[{PluglmTestingSamples.name}]"}
    chosen |= {family: "[]" for family, spec in FAMILIES.items() if spec.many and not spec.needed}
    if issubclass(kind, Model):
        heads = kind.model_validate(values).heads()
        objectives = [t for t in installed_catalog() if issubclass(t, Objective) and t.head in heads]
        if not objectives:
            pytest.skip("no objective is installed for any of its heads")
        chosen["objective"] = objectives[0].name
    if issubclass(kind, Objective) and "model" not in kind.suggests:
        models = [t for t in installed_catalog() if issubclass(t, Model) and _has_defaults(t)]
        fitting = [model.name for model in models if kind.head in model().heads()]
        if not fitting:
            pytest.skip(f"no model is installed that has its head, {kind.head}")
        chosen["model"] = fitting[0]
    # The example of a source may be too little text for a block: it stands beside the kit's.
    beside = [PluglmTestingSamples.name] if issubclass(kind, Source) else []
    chosen[kind.family] = f"[{','.join([kind.name, *beside])}]" if many else kind.name
    given = [f"{path_of(kind)}.{key}={quoted(value)}" for key, value in values.items()]
    return [f"{family}={choice}" for family, choice in chosen.items()] + given


def _has_defaults(kind: type[Technique]) -> bool:
    return not kind.missing() and not any(field.is_required() for field in kind.model_fields.values())


def path_of(kind: type[Technique]) -> str:
    """Where the config has it."""
    return f"{kind.family}.{kind.name}" if FAMILIES[kind.family].many else kind.family


def composed(kind: type[Technique], values: dict[str, Any], *words: str) -> RunConfig:
    """The config of a run with `kind`, through Hydra. What the technique itself says that it lacks here (a word list, a
    model) skips the test."""
    from pluglm.config.compose import compose

    try:
        return compose([*words_for(kind, values), *words])
    except ConfigError as error:
        path = path_of(kind)
        own = all(problem.path == path or problem.path.startswith(f"{path}.") for problem in error.problems)
        # A default that Hydra takes for a reference is a fault of the technique, and nothing that it lacks.
        if own and not any("${" in str(problem.value) for problem in error.problems):
            pytest.skip(str(error))
        raise AssertionError(f"a run with it and its defaults does not compose: {error}") from None
