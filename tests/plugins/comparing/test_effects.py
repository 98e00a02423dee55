"""Main effects against statsmodels' analysis of variance; and what cannot be told is not."""

from __future__ import annotations

import random
from pathlib import Path

import pandas
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from sweep_folders import grid, member

from pluglm_comparing.comparison import compare
from pluglm_comparing.tables import terminal_text


def test_shares_are_those_of_the_analysis_of_variance(tmp_path: Path) -> None:
    found = compare([grid(tmp_path, optimizers=3, rates=2, sizes=2, seeds=3)])
    assert found.effects is not None and found.effects.balanced
    rows = [
        {"loss": found.figures[run]["validation loss"].value, "seed": str(seed)}
        | {f"f{place}": factor.levels[one] for place, factor in enumerate(found.factors)}
        for one, group in enumerate(found.configurations)
        for run, seed in zip(group.runs, group.seeds, strict=True)
    ]
    model = ols(
        "loss ~ C(f0) + C(f1) + C(f2) + C(seed) + C(f0):C(f1) + C(f0):C(f2) + C(f1):C(f2)", pandas.DataFrame(rows)
    )
    squares = anova_lm(model.fit(), typ=2)["sum_sq"]
    whole = squares.sum()
    names = [factor.name for factor in found.factors]
    assert names == ["model.size", "optimizer", "schedule.warmup"] or set(names) == {
        "model.size",
        "optimizer",
        "schedule.warmup",
    }
    own = {effect.factor.name: effect.share for effect in found.effects.effects}
    for place, name in enumerate(names):
        assert own[name] == pytest.approx(squares[f"C(f{place})"] / whole)
    assert found.effects.seed_share == pytest.approx(squares["C(seed)"] / whole)
    pairs = {(one, other): share for one, other, share in found.effects.interactions}
    for (one, other), share in pairs.items():
        key = f"C(f{names.index(one)}):C(f{names.index(other)})"
        assert share == pytest.approx(squares[key] / whole)
    assert found.effects.rest == pytest.approx(squares["Residual"] / whole)
    assert found.effects.effects[0].factor.name == "optimizer" and found.effects.outweighing is None


def test_levels_are_means_over_all_other_settings(tmp_path: Path) -> None:
    found = compare([grid(tmp_path, optimizers=2, rates=2, seeds=2)])
    assert found.effects is not None
    top = found.effects.effects[0]
    losses = [own["validation loss"].value for own in found.figures]
    assert [level.name for level in top.levels] == ["descent_0", "descent_1"]
    assert [level.mean for level in top.levels] == [
        pytest.approx(sum(losses[:4]) / 4),
        pytest.approx(sum(losses[4:]) / 4),
    ]
    last = top.levels[1].change
    assert last is not None and last.n == 4 and last.value == pytest.approx(top.levels[1].mean - top.levels[0].mean)
    assert last.verdict("lower") == "worse"


def test_an_unbalanced_design_is_judged_where_it_can_be(tmp_path: Path) -> None:
    folder = grid(tmp_path, optimizers=2, rates=3, seeds=1)
    # The worst optimizer with the highest rate failed: its mean must not gain from that.
    (folder / "005-descent_1" / "results.json").unlink()
    found = compare([folder])
    assert found.effects is not None and not found.effects.balanced
    assert all(effect.share is None for effect in found.effects.effects)
    own = {effect.factor.name: effect for effect in found.effects.effects}
    assert own["optimizer"].left_out == 1 and own["optimizer"].levels[0].settings == 2
    losses = {
        member.name: one["validation loss"].value for member, one in zip(found.members, found.figures, strict=True)
    }
    first = (losses["000-descent_0"] + losses["001-descent_0"]) / 2
    assert own["optimizer"].levels[0].mean == pytest.approx(first)
    assert own["schedule.warmup"].levels[0].settings == 1 and own["schedule.warmup"].left_out == 2
    assert "not every combination was run" in terminal_text(found)


def test_settings_that_never_met_tell_nothing(tmp_path: Path) -> None:
    settings = [("a", 0.1), ("b", 0.2), ("c", 0.3), ("a", 0.4)]
    for number, (name, warmup) in enumerate(settings):
        parts = {"optimizer": {"name": name, "lr": 0.1}, "schedule.warmup": warmup}
        member(tmp_path / str(number), parts, loss=3 + number / 10)
    found = compare([tmp_path])
    assert found.effects is not None and [effect.levels for effect in found.effects.effects] == [(), ()]
    assert "mattered" not in terminal_text(found)


def test_an_interaction_that_outweighs_is_told(tmp_path: Path) -> None:
    chance = random.Random(1)
    for number in range(12):
        optimizer, rate, seed = number % 2, number // 2 % 2, number // 4
        loss = 3 + 0.4 * (optimizer == rate) + chance.gauss(0, 0.01)
        parts = {"optimizer": {"name": f"o{optimizer}", "lr": 0.1}, "schedule.warmup": 0.1 * (1 + rate)}
        member(tmp_path / str(number), parts, seed, loss)
    found = compare([tmp_path])
    assert found.effects is not None and found.effects.outweighing is not None
    assert found.effects.outweighing[2] > 0.95
    assert "neither can be judged alone" in terminal_text(found)
