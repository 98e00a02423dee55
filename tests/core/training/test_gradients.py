from __future__ import annotations

import numpy as np
import pytest
import torch

from pluglm.training.gradients import noise_scale, normalise_gradients
from pluglm_parallelism.single import Single


def test_noise_scale_of_known_noise() -> None:
    # Gradients of mean 2 and variance 9 in each of 400 dimensions: tr(S) / |G|^2 = 9 / 4.
    generator = np.random.default_rng(0)
    firsts, wholes = [], []
    for _ in range(300):
        each = 2 + 3 * generator.standard_normal((16, 400))
        firsts.append(np.square(each[:4].mean(0)).sum())
        wholes.append(np.square(each.mean(0)).sum())
    found = noise_scale(np.mean(firsts) ** 0.5, 4, np.mean(wholes) ** 0.5, 16)
    assert found == pytest.approx(9 / 4, rel=0.05)
    assert noise_scale(1.0, 4, 1.0, 16) is None


def test_clipping_is_torchs() -> None:
    ours = [torch.nn.Parameter(torch.zeros(3, 4)), torch.nn.Parameter(torch.zeros(5))]
    for number, parameter in enumerate(ours):
        parameter.grad = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)) * 8
    theirs = [torch.nn.Parameter(torch.zeros_like(p)) for p in ours]
    for a, b in zip(theirs, ours, strict=True):
        assert b.grad is not None
        a.grad = b.grad / 2
    expected = torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    norm = normalise_gradients([p.grad for p in ours if p.grad is not None], 0.5, 1.0, Single())
    assert norm == pytest.approx(float(expected), rel=1e-6)
    for a, b in zip(theirs, ours, strict=True):
        torch.testing.assert_close(a.grad, b.grad)
