"""Recipes of plugins: found, listed, completed and swept like the built-in ones, and never taken for another's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest

from pluglm.catalog import Plugin, installed_catalog
from pluglm.cli.choices import choices_text
from pluglm.cli.complete import candidates
from pluglm.cli.dispatch import run_verb
from pluglm.config.compose import compose
from pluglm.errors import ConfigError
from pluglm.sweeping.line import read_line

list_verb = partial(run_verb, "list")
show_verb = partial(run_verb, "show")
train = partial(run_verb, "train")

TINY = """# @package _global_
# A very small run, for trying a recipe.
#   pluglm train experiment=very_small
name: very_small
defaults:
  - override /source: [generated_reviews]
  - override /tokenizer: byte
  - override /preprocessor: []
  - override /evaluator: []
  - override /optimizer: sgd
train: {steps: 2, eval_every: 0, eval_batches: 1, threads: 1}
data: {sequence_length: 32, validation_fraction: 0.1}
model: {size: nano}
source: {generated_reviews: {documents: 60}}
"""


def folder_with(parent: Path, *names: str, text: str = TINY) -> Path:
    """A folder of recipes; its name has what would upset a parser of command lines."""
    folder = parent / "it's, my [folder]=1"
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def plug(plug_in, name: str, *places: str | Path) -> Plugin:
    def register_recipes() -> Iterable[str | Path]:
        return places

    return plug_in(name, register_recipes)


def test_a_plugins_recipe_is_chosen_by_name(tmp_path: Path, plug_in) -> None:
    plugin = plug(plug_in, "mine", folder_with(tmp_path, "experiment/very_small.yaml"))
    assert plugin.error is None
    config = compose(["experiment=very_small", "train.steps=3"])
    assert config.name == "very_small" and config.optimizer.name == "sgd" and config.train.steps == 3
    # Beside a folder of the user's own.
    own = tmp_path / "own"
    (own / "experiment").mkdir(parents=True)
    (own / "experiment" / "my_own.yaml").write_text("# @package _global_\nseed: 9\n")
    assert compose(["experiment=my_own"], own).seed == 9
    assert compose(["experiment=very_small"], own).optimizer.name == "sgd"


def test_a_package_is_found_without_being_imported(tmp_path: Path, plug_in, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "recipes_in_a_package"
    (package / "experiment").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (package / "experiment" / "packed.yaml").write_text(TINY)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert plug(plug_in, "packed", "recipes_in_a_package").error is None
    assert compose(["experiment=packed"]).name == "very_small"


def test_it_is_listed_with_its_owner(tmp_path: Path, plug_in, capsys: pytest.CaptureFixture[str]) -> None:
    plug(plug_in, "mine", folder_with(tmp_path, "experiment/very_small.yaml"))
    (line,) = [line for line in choices_text().splitlines() if line.split()[:1] == ["very_small"]]
    assert line.split("  ")[-1] == "[pluglm-mine]" and "A very small run, for trying a recipe" in line
    assert candidates("pluglm train experiment=very") == ["experiment=very_small"]
    assert candidates("pluglm show experiment=very") == ["experiment=very_small"]
    with pytest.raises(ConfigError, match="did you mean 'very_small'"):
        compose(["experiment=very_smal"])
    assert list_verb(["experiment", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["very_small"]["distribution"] == "pluglm-mine" and rows["smoke"]["distribution"] == "pluglm"
    assert show_verb(["experiment=very_small"]) == 0
    shown = capsys.readouterr().out
    assert "override /optimizer: sgd" in shown and "pluglm-mine" in shown and "very_small.yaml" in shown
    assert show_verb(["experiment=very_small", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["owner"] == "pluglm-mine"


def test_it_is_swept(tmp_path: Path, plug_in, capsys: pytest.CaptureFixture[str]) -> None:
    plug(plug_in, "mine", folder_with(tmp_path, "experiment/very_small.yaml"))
    line = read_line(["experiment=very_small", "seed=0,1"])
    assert [compose(words).seed for words in line.combinations()] == [0, 1]
    assert {compose(words).name for words in line.combinations()} == {"very_small"}
    words = ["-m", "--dry-run", "experiment=very_small", "seed=0,1", f"sweep.folder={tmp_path / 'sweep'}"]
    assert train(words) == 0
    assert "seed=0" in (shown := capsys.readouterr().out) and "seed=1" in shown


def test_a_sweep_of_a_plugin_is_one(tmp_path: Path, plug_in) -> None:
    text = TINY + "hydra: {sweeper: {params: {optimizer.lr: '0.1,0.2,0.3'}}}\n"
    plug(plug_in, "mine", folder_with(tmp_path, "sweep/my_rates.yaml", text=text))
    line = read_line(["sweep=my_rates"])
    assert line.swept == {"optimizer.lr": ("optimizer.lr=0.1", "optimizer.lr=0.2", "optimizer.lr=0.3")}
    with pytest.raises(ConfigError, match="did you mean 'my_rates'"):
        read_line(["sweep=my_rate"])


def test_two_of_one_name_are_refused_by_both_names(tmp_path: Path, plug_in) -> None:
    one, two = (folder_with(tmp_path / name, "experiment/very_small.yaml") for name in "ab")
    plug(plug_in, "one", one)
    second = plug(plug_in, "two", two)
    both = "registered by both pluglm-one and pluglm-two (two)"
    assert second.error and both in second.error
    with pytest.raises(ConfigError, match="PLUGLM_PLUGINS=-two") as refused:
        compose(["experiment=very_small"])
    assert f"experiment=very_small: is {both}" in str(refused.value)


def test_a_plugin_cannot_replace_a_built_in_recipe(tmp_path: Path, plug_in) -> None:
    plugin = plug(plug_in, "mine", folder_with(tmp_path, "experiment/smoke.yaml"))
    assert plugin.error and "experiment=smoke is registered by both pluglm and pluglm-mine (mine)" in plugin.error
    with pytest.raises(ConfigError, match="both pluglm and pluglm-mine"):
        compose(["experiment=smoke"])


def test_nor_can_a_folder_of_the_users(tmp_path: Path, plug_in) -> None:
    folder = folder_with(tmp_path, "experiment/smoke.yaml", "experiment/very_small.yaml")
    with pytest.raises(ConfigError, match="rename the first"):
        compose(["experiment=smoke"], folder)
    # A plugin whose folder it is brings the same file.
    plug(plug_in, "mine", folder_with(tmp_path / "plugin", "experiment/very_small.yaml"))
    with pytest.raises(ConfigError, match=r"is both in .* and in pluglm-mine"):
        compose(["experiment=very_small"], folder)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([], "which is no folder"),
        (["notes.txt"], "which has no recipes in experiment/, sweep/, hardware/"),
        (["experiments/a.yaml"], "a.yaml is not a NAME.yaml in one of"),
        (["experiment/a.yml"], "a.yml is not a NAME.yaml in one of"),
        (["experiment/a.yaml", "config.yaml"], "config.yaml is not a NAME.yaml in one of"),
        (["experiment/a.yaml", "experiment/deep/b.yaml"], "b.yaml is not a NAME.yaml in one of"),
    ],
)
def test_a_folder_that_nothing_would_read_is_refused(files: list[str], told: str, tmp_path: Path, plug_in) -> None:
    plugin = plug(plug_in, "mine", folder_with(tmp_path, *files))
    assert plugin.error and told in plugin.error
    with pytest.raises(ConfigError, match="plugin 'mine' did not load"):
        compose(["experiment=a"])


def test_a_word_is_a_package(tmp_path: Path, plug_in) -> None:
    plugin = plug(plug_in, "mine", str(folder_with(tmp_path, "experiment/a.yaml")))
    assert plugin.error and "is no package; a folder is given as a Path" in plugin.error


def test_the_search_path_is_not_the_users_to_set() -> None:
    with pytest.raises(ConfigError, match="--config-dir"):
        compose(["hydra.searchpath=[file:///tmp]"])
    assert installed_catalog().recipes("experiment")["smoke"].owner == "pluglm"
