"""The learning-rate finder: its curve by hand, and a run of it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from small_runs import SMALL, metrics, train

from pluglm.cli import main
from pluglm.cli.find_lr import table
from pluglm.config.compose import compose
from pluglm.errors import ConfigError
from pluglm.lifecycle.find_lr import find_lr
from pluglm.lifecycle.find_lr_curve import RateCurve, growing_rates, smoothed
from pluglm.progress import Progress


def test_rates_grow_by_one_factor() -> None:
    rates = growing_rates(1e-6, 1.0, 7)
    assert rates == pytest.approx([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0])


def test_smoothing_is_without_bias() -> None:
    assert smoothed([5.0] * 9) == pytest.approx([5.0] * 9)
    first, second, third = smoothed([1.0, 2.0, 4.0], memory=0.5)
    assert (first, second, third) == pytest.approx((1.0, 2.5 / 1.5, (0.125 + 0.5 + 2.0) / 0.875))


def curve_of(function: object, steps: int = 201) -> RateCurve:
    rates = growing_rates(1e-6, 10.0, steps)
    return RateCurve(rates, [function(math.log10(rate)) for rate in rates])  # type: ignore[operator]


def test_the_steepest_point_of_a_curve_that_is_known() -> None:
    # A loss that falls from 6 to 2 as a logistic function does, steepest at 1e-3; smoothing is late by some nine steps.
    late = 9 * 7 / 200
    curve = curve_of(lambda x: 2 + 4 / (1 + math.exp(4 * (x + 3))))
    steepest = curve.steepest()
    assert steepest is not None and math.log10(steepest) == pytest.approx(-3 + late, abs=0.2)


def test_the_lowest_point_of_a_curve_that_is_known() -> None:
    late = 9 * 7 / 200
    curve = curve_of(lambda x: 3 + 0.1 * (x + 2) ** 2)
    lowest, steepest = curve.lowest(), curve.steepest()
    assert lowest is not None and math.log10(lowest) == pytest.approx(-2 + late, abs=0.1)
    assert steepest is not None and curve.suggested() == min(steepest, lowest / 10)


def test_nothing_is_suggested_where_nothing_is_learned() -> None:
    curve = curve_of(lambda x: 8 + x)
    assert curve.suggested() is None and curve.steepest() is None and curve.lowest() is None
    assert "nothing to suggest" in table(curve)[-1]
    assert RateCurve([1.0, 2.0], [3.0]).suggested() is None


def test_divergence_is_a_loss_that_is_no_number_or_four_times_the_lowest() -> None:
    rates = growing_rates(1e-3, 1.0, 50)
    assert not RateCurve(rates, [2.0] * 20).diverged()
    assert RateCurve(rates, [2.0] * 20 + [math.nan]).diverged()
    # Of one loss x after twenty of 2, (0.1 x + 0.9 * 2 * (1 - 0.9^20)) / (1 - 0.9^21) is the mean: 8 at x = 55.43.
    assert not RateCurve(rates, [2.0] * 20 + [55.4]).diverged()
    assert RateCurve(rates, [2.0] * 20 + [55.5]).diverged()
    broken = RateCurve(rates, [3.0, 2.0, 1.0, math.inf])
    assert broken.lowest() == rates[2] and broken.steepest() == rates[1]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLUGLM_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("words", [["objective=clm"], ["objective=mlm", "optimizer=sgd", "schedule=linear"]])
def test_a_run_of_it(words: list[str], home: Path) -> None:
    def found(name: str) -> tuple[RateCurve, dict[str, object]]:
        config = compose([*SMALL, *words, f"output.folder={home / name}"])
        curve, folder = find_lr(config, 1e-4, 1.0, 16, Progress(quiet=True))
        assert sorted(path.name for path in folder.iterdir()) == ["find_lr.html", "find_lr.json"]
        return curve, json.loads((folder / "find_lr.json").read_text())

    curve, saved = found("one")
    assert saved["losses"] == curve.losses and saved["rates"] == curve.rates[: len(curve.losses)]
    again, _ = found("two")
    assert again.losses == curve.losses
    page = (home / "one" / "find_lr.html").read_text()
    assert "<svg" in page and ("optimizer.lr=" in page) == (saved["suggested"] is not None)


def test_it_is_the_loop_of_the_run(home: Path) -> None:
    """At rates that do not move, its losses are those of a run with that rate."""
    rate = 1e-3
    words = ["schedule=constant", "schedule.warmup=0", f"optimizer.lr={rate}", "train.log_every=1", "train.steps=10"]
    run = train(home / "run", *words)
    config = compose([*SMALL, *words, f"output.folder={home / 'found'}"])
    curve, _ = find_lr(config, rate, rate * (1 + 1e-12), 10, Progress(quiet=True))
    logged = [line["loss"] for line in metrics(run) if line["kind"] == "train"]
    assert curve.losses == pytest.approx(logged, rel=1e-6)


def test_it_stops_where_the_loss_diverges(home: Path) -> None:
    config = compose([*SMALL, "optimizer=sgd", "train.max_grad_norm=null", f"output.folder={home / 'found'}"])
    curve, _ = find_lr(config, 1.0, 1e9, 20, Progress(quiet=True))
    assert curve.ended is not None and len(curve.losses) < 20


def test_mistakes_are_told_before_any_compute(home: Path) -> None:
    config = compose([*SMALL, "parallelism=data", "train.batch_size=8"])
    with pytest.raises(ConfigError) as told:
        find_lr(config, 1.0, 0.1, 3, Progress(quiet=True))
    assert [problem.path for problem in told.value.problems] == ["--max", "--steps", "parallelism"]


def test_the_command(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["pluglm", "find-lr", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    code, shown, _ = command(*SMALL, f"output.folder={home / 'found'}", "--min=1e-5", "--max", "1", "--steps=12")
    assert code == 0 and "1.00e-05" in shown and str(home / "found" / "find_lr.html") in shown
    code, _, said = command("--steps", "many")
    assert code == 2 and "--steps=many" in said
    code, shown, _ = command("--help")
    assert code == 0 and "--min" in shown
