"""Words of a sweep, and the members they make."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from pluglm.cli.dispatch import run_verb
from pluglm.config.compose import compose
from pluglm.config.identity import config_digest
from pluglm.errors import ConfigError
from pluglm.sweeping.line import read_line
from pluglm.sweeping.members import folder_name, grid, invalid_lines, swept_keys
from pluglm.sweeping.sweep import sweep

train = partial(run_verb, "train")


def said(*words: str, config_dir: Path | None = None) -> str:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ConfigError) as raised:
        patch.setattr("pluglm.sweeping.sweep.SweepRun", None)
        sweep(list(words), config_dir, quiet=True)
    assert raised.value.exit_code == 2
    assert not Path("outputs").exists(), "something has run"
    return str(raised.value)


def test_members_are_the_product_of_all_values_in_their_order() -> None:
    line = read_line(["train.steps=5", "optimizer=adamw,sgd", "seed=range(2)", "preprocessor=[normalize],[]"])
    members = grid(line)
    first = "optimizer=adamw seed=0 preprocessor=[normalize]"
    assert [member.label for member in members][:2] == [first, "optimizer=adamw seed=0 preprocessor=[]"]
    assert len(members) == 8 and swept_keys(line, members) == ["optimizer", "seed", "preprocessor"]
    config = members[-1].config
    assert config is not None and (config.optimizer.name, config.seed, config.train.steps) == ("sgd", 1, 5)
    assert members[-1].words[0] == "train.steps=5" and dict(config.preprocessor) == {}


def test_members_that_compute_the_same_are_one() -> None:
    assert len(grid(read_line(["optimizer.lr=1e-3,0.001,0.01"]))) == 2


def test_where_a_run_is_kept_says_nothing_about_it() -> None:
    words = [["optimizer=sgd"], ["optimizer=sgd", "output.dir=x", "sweep.fail_fast=true", "data.cache_dir=y"]]
    same = {config_digest(compose(each).resolved) for each in words}
    assert len(same) == 1
    assert config_digest(compose(["optimizer=sgd", "seed=1"]).resolved) not in same


def test_everything_that_is_wrong_is_told_before_anything_runs() -> None:
    # A parameter of one technique over several, and what is wrong with every member, once.
    told = said("optimizer=adamw,sgd", "optimizer.momentum=0,0.9", "train.step=4").splitlines()
    assert told[0] == "train.step=4: train has no such key; did you mean 'steps'?"
    assert len(told) == 3 and all("has no such key; momentum is a parameter of" in line for line in told[1:])
    assert told[1].startswith("optimizer=adamw optimizer.momentum=0: ")


def test_a_parameter_of_one_technique_over_several() -> None:
    told = said("optimizer=adamw,sgd", "optimizer.momentum=0,0.9")
    assert told.splitlines()[-1] == "2 of 4 members: cannot run; add sweep.skip_invalid=true to leave them out"
    members = grid(read_line(["parallelism=single,data", "parallelism.processes=2"]))
    assert [member.config is not None for member in members] == [False, True]
    assert len(invalid_lines(members)) == 1


def test_each_technique_of_a_list_is_left_out_once() -> None:
    words = ["sweep=preprocessing_ablation", "preprocessor=[normalize,near_dedup,length]", "seed=0,1"]
    line = read_line([*words, "preprocessor.near_dedup.threshold=0.7"])
    members = grid(line)
    lists = [list(member.config.preprocessor) for member in members if member.config is not None]
    whole = ["normalize", "near_dedup", "length"]
    assert lists == [whole, whole[1:], ["normalize", "length"], whole[:2]] * 2
    assert members[2].label == "seed=0 without near_dedup" and swept_keys(line, members) == ["seed", "preprocessor"]
    assert "optimizer: is no" not in said("sweep.leave_one_out=[optimiser]", "seed=0,1")
    assert "preprocessor is swept over already" in said(
        "sweep.leave_one_out=[preprocessor]", "preprocessor=[],[length]"
    )


def test_names_of_folders() -> None:
    assert folder_name(3, ["optimizer=sgd", "optimizer.lr=0.1", "seed=2"]) == "003-sgd-lr_0.1-seed_2"
    assert (
        folder_name(0, ["preprocessor=[normalize,length]", "model.path=/a/b c"]) == "000-normalize+length-path__a_b_c"
    )
    assert folder_name(1, ["preprocessor=[]", "~source.x"]) == "001-no_preprocessor-without_x"
    assert folder_name(1000, []) == "1000" and len(folder_name(1, ["name=" + "x" * 300])) < 80


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["sweep=optimzers"], "sweep=optimzers: no such sweep; did you mean 'optimizers'?"),
        (["sweep.folders=x", "seed=0,1"], "sweep.folders=x: sweep has no such key; did you mean 'folder'?"),
        (["seed=0,1", "optimizer.lr=interval(0,1)"], "needs a sampler; add hydra/sweeper=optuna"),
        (["output.dir=a,b"], "output.dir: is about the whole sweep and cannot be swept"),
        (["seed=0,1", "hydra.sweep.dir=x"], "hydra.sweep.dir=x: is set by pluglm; write sweep.folder"),
        (["seed=0,1", "hydra/launcher=joblub"], "no such launcher; did you mean 'joblib'?"),
        (["seed=0,1", "hydra.launcher.n_job=1"], "n_job"),
        (
            ["seed=0,1", "sweep.metric=perplexty.x"],
            "no evaluator of this run gives it; known: loss, perplexity.<score>",
        ),
        (["objective=clm,mlm", "sweep.pruning.enabled=true"], "those under another objective cannot be compared"),
        (["seed=0,1", "sweep.pruning.enabled=true", "train.eval_every=0"], "acts at validations, and there are none"),
        (["seed=0,1", "a b"], "a b: is not of the form key=value"),
        (["objective=clm,mlm", "hydra/sweeper=optuna"], "losses under another objective cannot be compared"),
        (["optimizer=sgdd,adamw", "hydra/sweeper=optuna"], "optimizer=sgdd: no such optimizer; did you mean 'sgd'?"),
    ],
)
def test_mistakes(words: list[str], reason: str) -> None:
    assert reason in said(*words)


def test_several_values_without_m() -> None:
    with pytest.raises(ConfigError, match="optimizer=adamw,sgd: names several values; add -m to run them all"):
        train(["optimizer=adamw,sgd"])
    with pytest.raises(ConfigError, match="--dry-run: is for sweeps"):
        train(["--dry-run"])


def test_a_library_that_is_missing_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pluglm.sweeping.line._installed", lambda module: False)
    told = said("seed=0,1", "hydra/launcher=ray", "hydra/sweeper=optuna")
    assert "hydra/launcher=ray: needs hydra-ray-launcher, which is not installed; pip install 'pluglm[ray]'" in told
    assert "needs hydra-optuna-sweeper, which is not installed; pip install 'pluglm[optuna]'" in told


def test_a_recipe_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine" / "sweep").mkdir(parents=True)
    recipe = "# @package _global_\nhydra: {sweeper: {params: {seed: '0,1', optimizer: 'adamw,sgd'}}}\n"
    lr = "optimizer: {lr: '${by:${seed},{0:1e-3,1:2e-3}}'}\n"
    (tmp_path / "mine" / "sweep" / "own.yaml").write_text(recipe + lr)
    # What the line says of a key takes the place of what the recipe says of it.
    members = grid(read_line(["sweep=own", "optimizer=lion,sgd"], tmp_path / "mine"))
    made = [(m.config.optimizer.name, m.config.seed, m.config.optimizer.lr) for m in members if m.config is not None]
    assert made == [("lion", 0, 1e-3), ("sgd", 0, 1e-3), ("lion", 1, 2e-3), ("sgd", 1, 2e-3)]
    assert "did you mean 'own'?" in said("sweep=owm", config_dir=tmp_path / "mine")
    assert "no value goes with 2" in said("sweep=own", "seed=2,3", config_dir=tmp_path / "mine")
