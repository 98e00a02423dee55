"""What holds for a technique of any family."""

from __future__ import annotations

import inspect
import json
import pickle
import re
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from pluglm import Technique
from pluglm.catalog import Plugin, installed_catalog
from pluglm.families import FAMILIES

HEAVY = ("torch", "transformers", "tensorflow", "jax", "numpy", "scipy", "pandas", "sklearn", "datasets", "matplotlib")


def test_plugin_loads(plugin: Plugin) -> None:
    assert plugin.error is None


def test_import_is_light(plugin: Plugin) -> None:
    code = f"import sys, {plugin.module.partition(':')[0]}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]", "imported at module level; import it inside the method that needs it"


def test_name(kind: type[Technique]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", kind.name), "must be snake_case"
    assert installed_catalog().find(kind.family, kind.name) is kind


def test_is_documented(kind: type[Technique]) -> None:
    own = inspect.cleandoc(kind.__dict__.get("__doc__") or "")
    assert len(own) >= 10, "the class has no docstring, which is its help text"
    assert own != inspect.cleandoc(FAMILIES[kind.family].base.__doc__ or "")


def test_parameters_are_described(kind: type[Technique]) -> None:
    silent = [name for name, field in kind.model_fields.items() if not (field.description or "").strip()]
    assert not silent, "parameters without a description"


def test_suggestions_exist(kind: type[Technique]) -> None:
    missing = [
        f"{family}={name}" for family, name in kind.suggests.items() if not installed_catalog().find(family, name)
    ]
    assert not missing


def test_defaults_are_valid_and_survive_config_yaml(kind: type[Technique], values: dict[str, Any]) -> None:
    technique = kind.model_validate(values)
    plain = json.loads(json.dumps(technique.model_dump(mode="json")))
    assert kind.model_validate(plain) == technique


def test_unknown_key_is_refused(kind: type[Technique], values: dict[str, Any]) -> None:
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
    assert not taken


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


def test_is_frozen(technique: Technique) -> None:
    for name in type(technique).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(technique, name, getattr(technique, name))


def test_crosses_to_another_process(technique: Technique) -> None:
    assert pickle.loads(pickle.dumps(technique)) == technique
