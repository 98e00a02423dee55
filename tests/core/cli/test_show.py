"""`pluglm show` tells all that the class of a technique says."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from pluglm import Document, Dropped, Preprocessor
from pluglm.catalog import installed_catalog
from pluglm.cli.dispatch import run_verb

run = partial(run_verb, "show")


class ShownExample(Preprocessor):
    """Does nothing at length. It is for the test."""

    requires = {"no_such_module": "pluglm-shown[extra]"}
    suggests = {"optimizer": "sgd"}

    share: Annotated[float, Field(gt=0, le=1, description="A share")] = 0.5
    mode: Annotated[Literal["a", "b"] | None, Field(description="A mode")] = None
    sizes: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(max_length=3, description="Sizes")] = (1,)
    old: Annotated[bool, Field(description="Of old", deprecated="use share")] = False
    folder: Annotated[Path, Field(description="Has no default")]

    def process(self, document: Document) -> Document | Dropped:
        """Nothing."""
        return document


@pytest.fixture
def shown(plug_in: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    def register_preprocessors() -> Iterable[type[Preprocessor]]:
        return [ShownExample]

    assert plug_in("shown", register_preprocessors).error is None

    def show(*words: str) -> str:
        assert run([*words]) == 0
        return capsys.readouterr().out

    return show


def test_text(shown: Any) -> None:
    text = shown("shown_example")
    for line in (
        "preprocessor=shown_example",
        "Does nothing at length. It is for the test.",
        "  share: float = 0.5 (> 0, <= 1)",
        "  mode: 'a' | 'b' | None = None",
        "  sizes: tuple[int (>= 1), ...] = (1,) (length <= 3)",
        "  old: bool = False",
        "      Deprecated: use share",
        "  folder: Path = required",
        "  process(document: Document) -> Document | Dropped",
        "      The document, changed or as it is, or `Dropped(reason)`.",
        "  as its family does: files_read, problems",
        "Suggests optimizer=sgd",
        "Needs no_such_module: pip install 'pluglm-shown[extra]'",
        "Owner:    pluglm-shown 1.0",
        f"Source:   {__file__}:{inspect.getsourcelines(ShownExample)[1]}",
    ):
        assert line in text.splitlines(), line
    (contract,) = [line for line in text.splitlines() if line.startswith("Contract: ")]
    path, _, number = contract.removeprefix("Contract: ").rpartition(":")
    assert Path(path).read_text(encoding="utf-8").splitlines()[int(number) - 1].startswith("class Preprocessor(")


def test_a_technique_shows_the_interface_of_its_own_kind(shown: Any) -> None:
    told = json.loads(shown("preprocessor=near_dedup", "--json"))
    required = {method["name"] for method in told["interface"] if method["required"]}
    assert required == {"key", "decide"} and "process" not in {method["name"] for method in told["interface"]}
    path, _, number = told["contract"].rpartition(":")
    line = Path(path).read_text(encoding="utf-8").splitlines()[int(number) - 1]
    assert line.startswith("class CorpusPreprocessor(")


def test_json(shown: Any) -> None:
    told = json.loads(shown("preprocessor=shown_example", "--json"))
    parameters = {parameter["name"]: parameter for parameter in told["parameters"]}
    assert parameters["share"] == {
        "name": "share",
        "type": "float",
        "default": 0.5,
        "constraints": ["> 0", "<= 1"],
        "description": "A share",
        "deprecated": False,
    }
    methods = {method["name"]: method for method in told["interface"]}
    assert methods["process"]["defined"] and methods["process"]["required"]
    assert not methods["problems"]["defined"] and not methods["problems"]["required"]
    assert told["plugin"] == "shown" and told["dispute"] is None


def test_the_interface_of_each_technique_has_what_its_family_asks_for() -> None:
    from pluglm.cli.description import describe

    for technique in installed_catalog():
        told = describe(technique)
        assert all(method["defined"] for method in told["interface"] if method["required"]), technique
        assert all(method["about"] for method in told["interface"]), technique
        defined = {method["name"] for method in told["interface"] if method["defined"]}
        assert set(told["acts_at"]) <= defined | {"compress"}, technique
