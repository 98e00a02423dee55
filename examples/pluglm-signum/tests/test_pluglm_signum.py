"""Signum against the paper's algorithm by hand, comments against Python's parser, and both against the kit."""

from __future__ import annotations

import ast
import inspect
import math
import subprocess
import sys
from pathlib import Path

import pytest
from pluglm_signum.signum import Signum
from pluglm_signum.strip_comments import StripComments, strip_comments
from pydantic import ValidationError

from pluglm import Document, Dropped


def by_hand(weight: float, gradients: list[float], lr: float, decay: float, beta: float) -> float:
    """Algorithm 2 of the paper for one weight."""
    momentum = 0.0
    for gradient in gradients:
        momentum = beta * momentum + (1 - beta) * gradient
        weight = weight - lr * (math.copysign(1.0, momentum) + decay * weight)
    return weight


def test_ten_steps_are_the_papers() -> None:
    import torch

    generator = torch.Generator().manual_seed(0)
    start = torch.randn(5, generator=generator, dtype=torch.float64)
    gradients = torch.randn(10, 5, generator=generator, dtype=torch.float64)
    weights = torch.nn.Parameter(start.clone())
    optimizer = Signum(lr=0.03, weight_decay=0.2, beta=0.8).build([{"params": [weights], "role": "matrix"}])
    for gradient in gradients:
        weights.grad = gradient.clone()
        optimizer.step()
    expected = [by_hand(float(w), gradients[:, i].tolist(), 0.03, 0.2, 0.8) for i, w in enumerate(start)]
    assert weights.tolist() == pytest.approx(expected, rel=1e-12)


def test_first_step_moves_every_weight_by_the_learning_rate() -> None:
    import torch

    weights = torch.nn.Parameter(torch.zeros(3))
    optimizer = Signum(lr=0.25).build([{"params": [weights], "role": "vector", "weight_decay": 0.0}])
    weights.grad = torch.tensor([1e-6, -40.0, 0.0])
    optimizer.step()
    assert weights.tolist() == [-0.25, 0.25, 0.0]


@pytest.mark.parametrize("values", [{"lr": 0}, {"beta": 1}, {"beta": -0.1}, {"weight_decay": -1}, {"betas": 1}])
def test_bad_values_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Signum.model_validate(values)


@pytest.mark.parametrize("module", [ast, inspect, subprocess])
def test_the_code_stays_the_same(module: object) -> None:
    code = inspect.getsource(module)  # type: ignore[arg-type]
    stripped = strip_comments(code)
    assert len(stripped) < len(code)
    assert ast.dump(ast.parse(stripped)) == ast.dump(ast.parse(code))
    assert strip_comments(stripped) == stripped


def test_only_comments_go() -> None:
    code = '#!/bin/sh\nx = "# not one"  # one\n    # another\ny = 1\r\n'
    assert strip_comments(code) == '#!/bin/sh\nx = "# not one"\ny = 1\r\n'
    assert strip_comments("# a\nx = 1\n", keep_first_line=False) == "x = 1\n"
    assert strip_comments("This is # not (Python") == "This is # not (Python"
    assert StripComments(keep_first_line=False).process(Document("# a\n# b\n")) == Dropped("only_comments")


def test_conformance(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pluglm.testing", "-q", "--pluglm-plugin", "pluglm-signum"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
