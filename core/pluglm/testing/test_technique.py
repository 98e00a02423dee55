"""What holds for a technique of any family."""

from __future__ import annotations

import inspect
import json
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from pydantic import ValidationError

from pluglm import ConfigError, PluglmError, Technique
from pluglm.catalog import Plugin, installed_catalog
from pluglm.families import FAMILIES
from pluglm.testing.imports import heavy_imports
from pluglm.testing.runs import composed, path_of, words_for
from pluglm.testing.worker import outcome_alone

if TYPE_CHECKING:
    from pluglm.testing.worker import Worker


def test_plugin_loads(plugin: Plugin) -> None:
    assert plugin.error is None


def test_plugin_uses_nothing_deprecated(plugin: Plugin) -> None:
    assert not plugin.deprecated


def test_importing_it_imports_nothing_heavy(plugin: Plugin) -> None:
    found = heavy_imports(plugin.module.partition(":")[0])
    assert not found, f"imports {found} at module level; import it inside the method that needs it"


def test_name_is_snake_case_and_its_own(kind: type[Technique]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", kind.name), "must be snake_case"
    assert installed_catalog().find(kind.family, kind.name) is kind


def test_docstring_is_its_help(kind: type[Technique]) -> None:
    own = inspect.cleandoc(kind.__dict__.get("__doc__") or "")
    assert len(own) >= 10, "the class has no docstring, which is its help text"
    contract = FAMILIES[kind.family].contract(kind)
    assert contract is not None and own != inspect.cleandoc(contract.__doc__ or "")


def test_every_parameter_has_a_description(kind: type[Technique]) -> None:
    silent = [name for name, field in kind.model_fields.items() if not (field.description or "").strip()]
    assert not silent, "parameters without a description"


def test_suggests_only_what_exists(kind: type[Technique]) -> None:
    missing = [
        f"{family}={name}" for family, name in kind.suggests.items() if not installed_catalog().find(family, name)
    ]
    assert not missing, "suggests techniques that are not installed"


def test_defaults_are_valid_and_fit_into_config_yaml(kind: type[Technique], values: dict[str, Any]) -> None:
    technique = kind.model_validate(values)
    plain = json.loads(json.dumps(technique.model_dump(mode="json")))
    assert kind.model_validate(plain) == technique


def test_unknown_parameter_is_refused(kind: type[Technique], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="no_such_parameter"):
        kind.model_validate({**values, "no_such_parameter": 1})


def test_wrong_values_are_refused(kind: type[Technique], values: dict[str, Any]) -> None:
    taken = []
    for name, field in kind.model_fields.items():
        for wrong in _wrong(field):
            try:
                kind.model_validate({**values, name: wrong})
            except ValidationError:
                continue
            taken.append(f"{name}={wrong!r}")
    assert not taken, "values that its own constraints forbid were taken"


def _wrong(field: Any) -> list[Any]:
    found: list[Any] = []
    for limit in field.metadata:
        for bound, beyond in (("ge", -1), ("gt", 0), ("le", 1), ("lt", 0)):
            if getattr(limit, bound, None) is not None:
                found.append(getattr(limit, bound) + beyond)
        if getattr(limit, "min_length", None):
            found.append("" if field.annotation is str else ())
    if field.annotation in (int, float):
        found += ["three", float("nan"), float("inf")]
    if field.annotation is bool:
        found.append("perhaps")
    return found


def test_parameters_cannot_be_changed(technique: Technique) -> None:
    for name in type(technique).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(technique, name, getattr(technique, name))


def test_it_can_be_pickled(technique: Technique) -> None:
    assert pickle.loads(pickle.dumps(technique)) == technique


def test_another_process_makes_the_same(technique: Technique, worker: Worker) -> None:
    """Corpora are prepared, and models trained, by several processes: sent to another one, it must make the same. What
    depends on the order of a set, on `hash` or on a global variable does not."""
    here = outcome_alone(technique)
    assert worker.outcome(technique) == here


def test_its_defaults_compose(kind: type[Technique], values: dict[str, Any], with_samples: None) -> None:
    """Through Hydra, as on the command line, into the same technique; and so does the config that a run writes down."""
    from pluglm.config.compose import from_resolved

    config = composed(kind, values)
    assert dict(config.techniques())[path_of(kind)] == kind.model_validate(values)
    assert from_resolved(json.loads(json.dumps(config.resolved))) == config


def test_a_file_that_is_not_there_is_named(kind: type[Technique], values: dict[str, Any], with_samples: None) -> None:
    """Before a run, as a problem of the config, or by an error that says which file it is."""
    from pluglm.config.compose import compose

    names = [name for name, field in kind.model_fields.items() if _takes_path(field.annotation)]
    if not names:
        pytest.skip("has no parameter that is a path")
    for name in names:
        wrong = {**values, name: Path("no_such_file")}
        try:
            compose(words_for(kind, wrong))
        except ConfigError as error:
            assert "no_such_file" in str(error), f"{name}: the message does not say which file is not there"
            continue
        with pytest.raises((OSError, PluglmError, ValueError)) as told:
            outcome_alone(kind.model_validate(wrong))
        assert "no_such_file" in str(told.value), f"{name}: the message does not say which file is not there"


def _takes_path(annotation: Any) -> bool:
    return annotation is Path or any(_takes_path(part) for part in get_args(annotation))
