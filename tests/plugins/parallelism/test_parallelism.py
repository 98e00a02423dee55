"""Two processes must compute what one does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from pydantic import ValidationError

from pluglm_parallelism.data import Data
from pluglm_parallelism.single import Single

WORKER = """
import sys
import torch
from accelerate import Accelerator
from pluglm_parallelism.data import Data
from test_parallelism import Module, batch, train

torch.set_num_threads(1)
accelerator = Accelerator(cpu=True)
module = Data(processes=2).wrap(Module(), accelerator)
rank, world = accelerator.process_index, accelerator.num_processes
assert world == 2 and type(module).__name__ == "DistributedDataParallel"
weights = train(module, [part[rank::world] for part in batch()], world)
torch.save(weights, sys.argv[1] + f"/{rank}.pt")
accelerator.end_training()
"""


class Module(torch.nn.Module):
    """A loss, with a layer that no step uses, as an adversary may be."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 1))
        self.unused = torch.nn.Linear(2, 2)

    def forward(self, batch):
        return (self.body(batch["x"]) ** 2).sum()


def batch():
    return list(torch.randn(3, 8, 5, generator=torch.Generator().manual_seed(1)))


def train(module, parts, world):
    """A step per part, on the mean over all 8 examples: gradients are averaged, so each process scales by `world`."""
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for part in parts:
        optimizer.zero_grad()
        (module({"x": part}) * world / 8).backward()
        optimizer.step()
    return [parameter.detach().clone() for parameter in module.parameters()]


def test_two_processes_train_as_one(tmp_path: Path):
    single = train(Single().wrap(Module(), Accelerator(cpu=True)), batch(), 1)
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*command, str(script), str(tmp_path)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    for ours, a, b in zip(single, first, second, strict=True):
        torch.testing.assert_close(a, ours, rtol=1e-6, atol=1e-7)
        assert torch.equal(a, b)
    start = list(Module().parameters())
    assert not torch.allclose(single[0], start[0])


def test_single_leaves_the_module_as_it_is():
    module = Module()
    assert Single().wrap(module, Accelerator(cpu=True)) is module
    assert Single().world_size() == 1


def test_data_asks_for_its_processes():
    assert Data().world_size() == 2
    assert Data(processes=5).world_size() == 5
    with pytest.raises(ValidationError):
        Data(processes=1)
