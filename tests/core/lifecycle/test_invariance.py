"""How a batch is cut, and how many processes share it, changes no result."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from selection import matrix
from small_runs import metrics, pluglm, train, weights

from pluglm.catalog import installed_catalog

OBJECTIVES = installed_catalog().names("objective")
# What an objective needs beyond a text, out of what the reviews have.
NEEDS = {"translation": ["objective.target_field=label"]}
SAMPLE = ("mlm", "classification")
# What two processes make of full blocks of these is in plugins/parallelism/test_one_curve.py.
IN_TWO_ELSEWHERE = ("clm", "mlm", "nsp", "mlm_nsp", "span_corruption")


def largest_difference(one: Path, other: Path) -> float:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)


@pytest.mark.parametrize("objective", matrix(OBJECTIVES, SAMPLE))
def test_result_does_not_depend_on_the_cut(objective: str, tmp_path: Path) -> None:
    # Plain gradient descent: its steps are as different as the gradients are.
    words = [f"objective={objective}", "optimizer=sgd", "optimizer.lr=0.1", "train.steps=6", "data.packing=false"]
    words += NEEDS.get(objective, [])
    whole = train(tmp_path / "whole", *words, "train.batch_size=8")
    start = train(tmp_path / "start", *words, "train.batch_size=8", "train.steps=1", "schedule.warmup=0.99")
    others = [train(tmp_path / "ones", *words, "train.batch_size=1", "train.gradient_accumulation=8")]
    if objective not in IN_TWO_ELSEWHERE:
        two = tmp_path / "two"
        config = (whole / "config.yaml").read_text(encoding="utf-8")
        two.mkdir()
        (two / "config.yaml").write_text(config.replace("parallelism:\n  name: single", "parallelism:\n  name: data"))
        done = pluglm("resume", str(two), "--quiet")
        assert done.returncode == 0, done.stderr
        others.append(two)
    assert largest_difference(whole, start) > 1e-3, "nothing was learned, so nothing is compared"
    for other in others:
        assert largest_difference(whole, other) < 1e-5
        for line, beside in zip(metrics(whole), metrics(other), strict=True):
            assert line["loss"] == pytest.approx(beside["loss"], abs=1e-5)
    assert torch.get_num_threads() >= 1
