"""Keys at the wrong place, settings without effect, and files that are not used: each is told where it belongs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pluglm.cli.dispatch import run_verb
from pluglm.config.compose import compose
from pluglm.errors import ConfigError

PLACES = [
    ("train.sequence_length=64", "did you mean data.sequence_length?"),
    ("data.batch_size=4", "did you mean train.batch_size?"),
    ("train.lr=1", "did you mean optimizer.lr?"),
    ("train.seed=1", "did you mean seed?"),
    ("optimizer.steps=3", "did you mean train.steps?"),
    ("optimizer=AdamW", "did you mean 'adamw'?"),
    ("optimizer=аdamw", "CYRILLIC SMALL LETTER A"),
    ("name=${nope}", "refers to nope"),
    ("name=${oc.env:PLUGLM_TEST_UNSET}", "PLUGLM_TEST_UNSET"),
    ("hydra.run.dir=x", "output.folder"),
    ("hydra.nonsense.key=1", "hydra.nonsense.key"),
    ("train.batch_size=1000000000000000000000000000000", "train.batch_size"),
    ("device=cuda", "a device is not set"),
    ("recipe.yaml", "--config-dir DIR experiment=recipe"),
]


def problems(*words: str, config_dir: Path | None = None) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        compose(words, config_dir)
    assert raised.value.exit_code == 2
    return str(raised.value).splitlines()


@pytest.mark.parametrize(("word", "told"), PLACES, ids=[word for word, _ in PLACES])
def test_a_word_at_the_wrong_place_is_one_line_that_says_where_it_belongs(word: str, told: str) -> None:
    (line,) = problems(word)
    assert told in line


def test_several_are_told_at_once() -> None:
    lines = problems(*(word for word, _ in PLACES[:5]))
    assert len(lines) == 5 and all(told in "\n".join(lines) for _, told in PLACES[:5])


def recipe(folder: Path, name: str, text: str) -> Path:
    path = folder / "experiment" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return folder


def test_a_recipe_without_its_first_line_is_refused(tmp_path: Path) -> None:
    own = recipe(tmp_path, "mine", "optimizer:\n  lr: 0.5\n")
    (line,) = problems("experiment=mine", config_dir=own)
    assert "mine.yaml:1" in line and "# @package _global_" in line


def test_a_recipe_that_names_itself_is_refused(tmp_path: Path) -> None:
    own = recipe(tmp_path, "mine", "# @package _global_\ndefaults:\n  - mine\n")
    assert any("mine" in line for line in problems("experiment=mine", config_dir=own))


def test_a_mistake_in_a_recipe_has_its_file_and_line(tmp_path: Path) -> None:
    text = "# @package _global_\ndefaults:\n  - override /preprocessor: [normalise]\ntrain:\n  step: 5\n"
    lines = problems("experiment=mine", config_dir=recipe(tmp_path, "mine", text))
    assert any("mine.yaml:3" in line and "did you mean 'normalize'?" in line for line in lines)
    assert any("mine.yaml:5" in line and "did you mean 'steps'?" in line for line in lines)


def test_a_folder_of_recipes_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--config-dir.*does not exist"):
        run_verb("check", ["--config-dir", str(tmp_path / "nowhere")])
