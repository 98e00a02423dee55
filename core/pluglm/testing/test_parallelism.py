"""Parallelisms. What they must do to a model takes several processes: a test of their own package is the place."""

from __future__ import annotations

import inspect

import pytest

from pluglm import Parallelism

pytestmark = pytest.mark.family("parallelism")


def test_world_size_and_shares_agree(technique: Parallelism) -> None:
    size = technique.world_size()
    assert isinstance(size, int) and size >= 1
    shares = [technique.share(rank) for rank in range(size)]
    (count,) = {of for _, of in shares}
    assert {share for share, _ in shares} == set(range(count)), "a share of a batch that no process computes"


def test_cuts_are_known(technique: Parallelism) -> None:
    assert technique.cuts <= {"tensors", "layers"} and inspect.isfunction(type(technique).wrap)


def test_one_process_computes_what_the_module_computes(technique: Parallelism, untouched_randomness: None) -> None:
    import torch
    from accelerate import Accelerator

    if technique.world_size() > 1:
        pytest.skip("needs several processes")

    class Small(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = torch.nn.Linear(3, 1)
            self.auxiliary = torch.nn.ModuleDict()

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return torch.sum(self.model(batch)) * 2

    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain = Small()
    batch = torch.arange(6.0).reshape(2, 3)
    expected = plain(batch)
    wrapped = technique.wrap(plain, Accelerator(cpu=True))
    found = wrapped(batch)
    assert torch.equal(expected, found), "wrap gave a module that computes something else"
    names = [name for name, parameter in wrapped.named_parameters() if parameter.requires_grad]
    assert any(name.endswith("model.weight") for name in names), "the parameters have other names, or are gone"
