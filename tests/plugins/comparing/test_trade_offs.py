"""Fronts of what is not beaten, power laws over members, repeated data, and what emerges."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sweep_folders import member

from pluglm_comparing.comparison import compare
from pluglm_comparing.page import write_comparison
from pluglm_comparing.pareto import dominated
from pluglm_comparing.repetition import effective_tokens
from pluglm_comparing.tables import terminal_text

PAIRS = some.lists(some.tuples(some.integers(0, 6), some.integers(0, 6)), min_size=1, max_size=12)


@settings(max_examples=60)
@given(PAIRS)
def test_the_front(points: list[tuple[int, int]]) -> None:
    beaten = dominated([(float(a), float(b)) for a, b in points])
    front = [point for point, out in zip(points, beaten, strict=True) if not out]
    assert front
    # Along the front quality only gets better as cost gets worse; and everything else is covered by a point of it.
    ordered = sorted(set(front))
    assert all(later[1] < earlier[1] for earlier, later in pairwise(ordered))
    for point, out in zip(points, beaten, strict=True):
        assert out == any(o != point and o[0] <= point[0] and o[1] <= point[1] for o in front)


def test_trade_offs_of_sizes_money_and_bias(tmp_path: Path) -> None:
    for number, (loss, n, preference) in enumerate(
        [(3.0, 10, 52.0), (2.8, 20, 70.0), (2.9, 40, 49.0), (2.5, 80, 60.0)]
    ):
        bias = {"evaluator": "pairs", "name": "preference", "value": preference, "kind": "bias", "target": 50.0}
        member(tmp_path / str(number), {"model.size": f"s{n}"}, loss=loss, parameters=n, cost=n / 10, scores=[bias],
               latency=5 + number / 10)  # fmt: skip
    found = compare([tmp_path])
    fronts = {front.cost.name: [point.configuration for point in front.on_front()] for front in found.fronts}
    assert fronts["size_bytes"] == fronts["cost"] == fronts["flops"] == [0, 1, 3]
    assert fronts["pairs.preference"] == [2, 3]
    # A twentieth more or less of a latency is no trade-off.
    assert "latency_ms" not in fronts and "training_seconds" not in fronts
    assert "50 % of the size" not in terminal_text(found) and "25 % of the size" in terminal_text(found)


def test_compressed_models_are_points_of_their_own(tmp_path: Path) -> None:
    for number, loss in enumerate((3.0, 2.6)):
        score = {"evaluator": "fit", "name": "bits_per_byte", "value": loss / 2 + 0.02, "better": "lower"}
        small: dict[str, Any] = {"stage": "compressor.bits", "scores": [score], "parameters": 5, "size_bytes": 900}
        member(tmp_path / str(number), {"optimizer.lr": 0.1 * (number + 1)}, loss=loss, compressed=[small])
    found = compare([tmp_path])
    assert found.quality is not None and found.quality.name == "validation loss"
    (front,) = found.fronts
    # The validation loss of a compressed model is not known: bits per byte are.
    assert front.quality.name == "fit.bits_per_byte"
    assert [(point.configuration, point.stage) for point in front.on_front()] == [(1, "bits"), (1, "")]


def scaled(folder: Path, optimizers: tuple[str, ...] = ("descent",)) -> Path:
    for place, optimizer in enumerate(optimizers):
        for n in (1e6, 3e6, 9e6):
            for d in (1e7, 4e7, 1.6e8):
                loss = 1.69 + 0.2 * place + 406.4 / n**0.34 + 410.7 / d**0.28
                share = max(0.0, (9.0 - loss) / 6)
                scores = [
                    {"evaluator": "copy", "name": "exact", "value": share**6, "kind": "exact", "better": "higher"},
                    {"evaluator": "copy", "name": "close", "value": share, "kind": "continuous", "better": "higher"},
                ]
                parts = {
                    "optimizer": {"name": optimizer, "lr": 0.1},
                    "model.size": f"s{n:g}",
                    "train.steps": int(d / 1e5),
                }
                where = folder / f"{optimizer}-{n:g}-{d:g}"
                member(where, parts, loss=loss, parameters=int(n), tokens=int(d), scores=scores)
    return folder


def test_a_law_through_sizes_and_lengths_for_each_optimizer(tmp_path: Path) -> None:
    found = compare([scaled(tmp_path, ("descent", "climbing"))])
    assert [(one.label, len(one.points)) for one in found.scalings] == [
        ("optimizer climbing", 9),
        ("optimizer descent", 9),
    ]
    for one, floor in zip(found.scalings, (1.89, 1.69), strict=True):
        assert one.law is not None and one.law.floor == pytest.approx(floor, rel=0.01)
        assert one.law.exponents == {
            "parameters": pytest.approx(0.34, rel=0.01),
            "tokens": pytest.approx(0.28, rel=0.01),
        }
    assert "falls with parameters to the power −0.34" in terminal_text(found)


def test_no_law_where_there_is_none(tmp_path: Path) -> None:
    for number, n in enumerate((1_000_000, 2_000_000, 4_000_000, 8_000_000)):
        member(tmp_path / str(number), {"model.size": f"s{n}"}, loss=3 + 0.1 * number, parameters=n)
    (one,) = compare([tmp_path]).scalings
    assert one.law is None and ("does not fall" in one.refused or "could be anything" in one.refused)
    # A learning rate changes neither size nor length: no scale, however many points.
    for number in range(5):
        member(tmp_path / "rates" / str(number), {"optimizer.lr": 0.1 * (number + 1)})
    assert compare([tmp_path / "rates"]).scalings == ()


def test_repeated_data_beside_the_papers_prediction(tmp_path: Path) -> None:
    for number, epochs in enumerate((1, 2, 4, 10, 40)):
        loss = 2.0 + 1.2 * (effective_tokens(1e6, epochs) / 1e6) ** -0.28 + (0.3 if epochs == 40 else 0)
        parts = {"data.train_fraction": 1 / epochs, "train.epochs": epochs}
        member(tmp_path / str(number), parts, loss=loss, epochs=epochs, tokens=1_000_000 + 999 * number)
    found = compare([tmp_path])
    (one,) = found.repetitions
    # Losses of other tokenizers: bits per byte, which are half of what was put in.
    assert one.epochs == (1, 2, 4, 10, 40) and one.metric.name == "fit.bits_per_byte"
    assert one.effective[0] == pytest.approx(1_002_000, rel=1e-3) and one.effective[-1] < 0.5e6
    predicted = [one.predicted(epochs) or 0.0 for epochs in one.epochs]
    assert predicted[1] == pytest.approx(one.losses[1], abs=0.1)
    assert one.losses[-1] > predicted[-1]
    assert "in 40 epochs instead of 1" in terminal_text(found)
    # Runs of other lengths are not of equal tokens.
    for number, tokens in enumerate((1_000_000, 2_000_000, 4_000_000)):
        member(tmp_path / "long" / str(number), {"train.epochs": number + 1}, tokens=tokens, epochs=number + 1)
    assert compare([tmp_path / "long"]).repetitions == ()


def test_exact_and_graded_scores_of_a_task_are_put_side_by_side(tmp_path: Path) -> None:
    (one,) = compare([scaled(tmp_path)]).emergences
    assert (one.task, one.axis) == ("copy", "flops") and [metric.name for metric in one.metrics] == [
        "copy.exact",
        "copy.close",
    ]
    assert list(one.at) == sorted(one.at) and len(one.at) == 9
    exact, graded = one.jumps
    # The largest of steps that add up to what changes; the sixth power of the same is steeper.
    values = one.values[1]
    steps = [abs(after - before) for before, after in pairwise(values)]
    assert graded == pytest.approx(max(steps) / sum(steps)) and exact > graded > 0
    words = write_comparison([tmp_path], tmp_path / "c.html").read_text(encoding="utf-8")
    assert f"exact {100 * exact:.0f} %, close {100 * graded:.0f} %" in words
