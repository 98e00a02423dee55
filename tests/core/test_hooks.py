"""Every hook is documented, called and tested; plugins hear of what is deprecated."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field
from small_runs import SMALL

import pluglm
from pluglm import events, hookspecs
from pluglm.cli.dispatch import run_verb
from pluglm.cli.hook_reference import Hook, as_markdown, attributes, hooks
from pluglm.config.compose import compose
from pluglm.families import FAMILIES
from pluglm.lifecycle.run import run

show_hooks = partial(run_verb, "hooks")
show_plugins = partial(run_verb, "plugins")

ROOT = Path(__file__).parents[2]
HOOKS = {hook.name: hook for hook in hooks()}
FAMILY_HOOKS = {spec.hook: family for family, spec in FAMILIES.items()}
WORDS = [*SMALL, "source.generated_reviews.documents=60", "preprocessor=[]"]
WORDS += ["train.steps=2", "train.eval_every=0", "train.log_every=1"]


def names_in(node: ast.AST) -> Iterator[str]:
    """What code mentions: names, attributes, and words that are text of their own; docstrings are not."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def implemented_in(path: Path) -> set[str]:
    """The functions that a file of tests defines, in itself or in the code of a plugin that it holds as text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    code = [tree]
    for part in ast.walk(tree):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and "hookimpl" in part.value:
            try:
                code.append(ast.parse(part.value))
            except SyntaxError:
                continue
    return {part.name for one in code for part in ast.walk(one) if isinstance(part, ast.FunctionDef)}


def test_the_reference_is_up_to_date() -> None:
    written = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
    assert written == as_markdown(hooks()) + "\n", "write it anew: pluglm hooks --markdown > docs/hooks.md"


@pytest.mark.parametrize("hook", HOOKS.values(), ids=list(HOOKS))
def test_every_hook_is_documented(hook: Hook) -> None:
    assert len(hook.about) > 15 and hook.about.endswith(".")
    assert re.fullmatch(r"\d+\.\d+", hook.since)
    assert tuple(map(int, hook.since.split("."))) <= tuple(map(int, pluglm.__version__.split(".")[:2]))
    for structure in hook.structures:
        assert structure.about and structure.fields and structure.name in pluglm.__all__
        assert all(field.about for field in structure.fields), structure
    assert f"### `{hook.name}`" in (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_called_by_the_core(hook: str) -> None:
    core = [path for path in (ROOT / "core").rglob("*.py") if path.name != "hookspecs.py"]
    users = [path for path in core if hook in set(names_in(ast.parse(path.read_text(encoding="utf-8"))))]
    assert users, "nothing calls it"


def test_every_hook_is_tested() -> None:
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "examples").rglob("tests/*.py")]
    implemented = {name for path in files for name in implemented_in(path)}
    # Those of families are tested by the tests below that have a family for a parameter.
    untested = set(HOOKS) - set(FAMILY_HOOKS) - implemented
    assert not untested, f"no test has a plugin that implements {sorted(untested)}"
    assert set(FAMILY_HOOKS) < set(HOOKS)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_takes_what_its_hook_registers(family: str, plug_in) -> None:
    from pluglm.catalog import installed_catalog

    known = installed_catalog()
    kind = known.find(family, known.names(family)[0])
    assert kind is not None
    another = type("Another", (kind,), {"__doc__": "Another one.", "name": "another_one", "__module__": __name__})

    def register() -> list[Any]:
        return [another]

    register.__name__ = FAMILIES[family].hook
    plugin = plug_in("another", register)
    assert plugin.error is None and installed_catalog().find(family, "another_one") is another


def test_a_docstring_gives_the_fields() -> None:
    docs = "Something.\n\nAttributes:\n    one, two: are\n        both.\n    three: is not.\n\nRaises:\n    four: no."
    assert attributes(docs) == {"one": "are both.", "two": "are both.", "three": "is not."}


def test_hooks_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_hooks(["run_ended"]) == 0
    shown = capsys.readouterr().out
    assert "run_ended(event: RunEnded) -> None" in shown and "since 0.1" in shown and "error: BaseException" in shown
    assert show_hooks(["--json"]) == 0
    assert [hook["name"] for hook in json.loads(capsys.readouterr().out)] == list(HOOKS)
    with pytest.raises(pluglm.ConfigError, match="did you mean 'run_ended'"):
        show_hooks(["run_end"])


def test_observers_are_told_and_those_that_fail_cost_nothing(tmp_path: Path, plug_in) -> None:
    told: list[tuple[str, Any]] = []

    def run_started(event: Any) -> None:
        assert (event.folder / "config.yaml").is_file()
        told.append(("run_started", event.config["train"]["steps"]))

    def metrics_logged(event: Any) -> None:
        told.append((event.metrics["kind"], event.step))

    def checkpoint_written(event: Any) -> None:
        assert event.checkpoint.is_dir()
        told.append(("checkpoint_written", event.step))

    def run_ended(event: Any) -> None:
        assert (event.folder / "report.html").is_file()
        told.append(("run_ended", event.error))

    def failing(event: Any) -> None:
        raise RuntimeError("on\nstrike")

    failing.__name__ = "metrics_logged"
    plug_in("a_failing", failing)
    plug_in("good", run_started, metrics_logged, checkpoint_written, run_ended)
    plug_in("z_failing", failing)
    folder = run(compose(WORDS), tmp_path / "run", quiet=True)
    assert told[0] == ("run_started", 2) and told[-1] == ("run_ended", None)
    assert ("train", 1) in told and ("train", 2) in told and ("checkpoint_written", 2) in told
    lines = (folder / "observer_errors.txt").read_text().splitlines()
    said = "metrics_logged: RuntimeError: on strike"
    assert lines == [f"pluglm-{name} ({name}): {said}" for name in ("a_failing", "z_failing")]


def test_who_implements_a_deprecated_hook_works_and_is_told(
    tmp_path: Path, plug_in, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def old(event: events.RunEnded) -> None:
        """The run is over."""

    old.__name__ = "run_ended"
    monkeypatch.setattr(hookspecs, "run_ended", hookspecs.since("0.1", instead="implement run_finished")(old))
    told = []

    def run_ended(event: Any) -> None:
        told.append(event.error)

    said = "hook run_ended is deprecated: implement run_finished"
    assert plug_in("old", run_ended).deprecated == (said,)
    folder = run(compose(WORDS), tmp_path / "run", quiet=True)
    assert told == [None]
    notes = json.loads((folder / "results.json").read_text())["notes"]
    assert [note for note in notes if "deprecated" in note] == [f"plugin pluglm-old (old): {said}"]
    assert show_plugins([]) == 0
    assert f"old (pluglm-old 1.0): run_ended\n  {said}\n" in capsys.readouterr().out
    assert "**Deprecated**: implement run_finished." in as_markdown(hooks())


def test_a_deprecated_parameter_is_told_where_it_is_set(tmp_path: Path, plug_in) -> None:
    from pluglm.catalog import installed_catalog
    from pluglm.deprecation import deprecations

    class OldWays(pluglm.Preprocessor):
        """Does nothing, with a parameter of old."""

        most: Annotated[int, Field(description="Of old", deprecated="use fields")] = 3

        def process(self, document: pluglm.Document) -> pluglm.Document:
            return document

    def register_preprocessors() -> list[type[pluglm.Preprocessor]]:
        return [OldWays]

    assert plug_in("old", register_preprocessors).error is None
    words = [*WORDS, "preprocessor=[old_ways]"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(deprecations(compose(words), installed_catalog())) == []
        config = compose([*words, "preprocessor.old_ways.most=4"])
        (line,) = deprecations(config, installed_catalog())
    assert line == "preprocessor.old_ways.most is deprecated: use fields"


def test_a_deprecated_technique_is_told_where_it_is_used(plug_in, capsys: pytest.CaptureFixture[str]) -> None:
    from pluglm.catalog import installed_catalog
    from pluglm.cli import list as listing
    from pluglm.cli import show
    from pluglm.deprecation import deprecations

    class OldHat(pluglm.Preprocessor):
        """Does nothing, and will be gone."""

        deprecated = "use normalize"

        def process(self, document: pluglm.Document) -> pluglm.Document:
            return document

    def register_preprocessors() -> list[type[pluglm.Preprocessor]]:
        return [OldHat]

    assert plug_in("old", register_preprocessors).error is None
    (line,) = deprecations(compose([*SMALL, "preprocessor=[old_hat]"]), installed_catalog())
    assert line == "preprocessor=old_hat is deprecated: use normalize"
    assert not list(deprecations(compose([*SMALL, "preprocessor=[normalize]"]), installed_catalog()))
    assert listing.run(pluglm.Arguments(words=["preprocessor"])) == 0
    assert "Deprecated: use normalize. Does nothing, and will be gone." in capsys.readouterr().out
    assert show.run(pluglm.Arguments(words=["old_hat"])) == 0
    assert "Deprecated: use normalize" in capsys.readouterr().out.splitlines()
    assert show.run(pluglm.Arguments(words=["normalize"])) == 0
    assert "Deprecated" not in capsys.readouterr().out
