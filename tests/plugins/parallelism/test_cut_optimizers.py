"""Optimizers that say that they work with a cut model take the steps of one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Shard, distribute_tensor
from torch.distributed.tensor.placement_types import _StridedShard

from pluglm import Optimizer
from pluglm.catalog import installed_catalog
from pluglm.tensors import groups_by_mesh

OPTIMIZERS = [t for t in installed_catalog() if issubclass(t, Optimizer)]
CUT = [t.name for t in OPTIMIZERS if "tensors" in t.works_with_cut]
LAYERS = [t.name for t in OPTIMIZERS if "layers" in t.works_with_cut]
# Rows that do not divide, columns, one in three parts, one that is whole in every process, and vectors of both kinds.
SHAPES = {"rows": (5, 4), "columns": (3, 6), "fused": (4, 12), "embedding": (7, 4), "norm": (4,), "bias": (3,)}
PLACEMENTS = {"rows": Shard(0), "columns": Shard(1), "fused": _StridedShard(1, split_factor=3), "bias": Shard(0)}


def groups(weights: dict[str, torch.nn.Parameter]) -> list[dict[str, Any]]:
    matrices = [weights[name] for name in ("rows", "columns", "fused") if name in weights]
    vectors = [weights[name] for name in ("norm", "bias") if name in weights]
    found: list[dict[str, Any]] = [{"params": matrices, "role": "matrix"}] if matrices else []
    if "embedding" in weights:
        found.append({"params": [weights["embedding"]], "role": "embedding", "weight_decay": 0.0})
    return found + ([{"params": vectors, "role": "vector", "weight_decay": 0.0}] if vectors else [])


def stepped(name: str, cuts: Any = None, only: tuple[str, ...] = tuple(SHAPES)) -> dict[str, torch.Tensor]:
    """The weights after a few steps with gradients of different sizes; `cuts` makes tensors of whole ones."""
    cuts = cuts or (lambda key, tensor: tensor)
    generator = torch.Generator().manual_seed(2)
    start = {key: torch.randn(shape, generator=generator) for key, shape in SHAPES.items()}
    weights = {key: torch.nn.Parameter(cuts(key, start[key].clone())) for key in only}
    optimizer: Any = installed_catalog().find("optimizer", name).model_validate({"weight_decay": 0.1})
    built = optimizer.build(groups_by_mesh(groups(weights)))
    for step in range(4):
        gradients = {key: (step + 1) * torch.randn(shape, generator=generator) for key, shape in SHAPES.items()}
        for key, weight in weights.items():
            weight.grad = cuts(key, gradients[key])
        built.step()
    return {key: w.full_tensor().detach() if isinstance(w, DTensor) else w.detach() for key, w in weights.items()}


def work(out: Path) -> None:
    """What each process does: the largest difference from uncut tensors, by optimizer."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    mesh = init_device_mesh("cpu", (2,))

    def cut(key: str, tensor: torch.Tensor) -> torch.Tensor:
        if key not in PLACEMENTS:
            return tensor
        return distribute_tensor(tensor, mesh, [PLACEMENTS[key]], src_data_rank=None)

    found: dict[str, Any] = {}
    for technique in OPTIMIZERS:
        try:
            whole, parts = stepped(technique.name), stepped(technique.name, cut)
            found[technique.name] = max(float((whole[key] - parts[key]).abs().max()) for key in whole)
        except Exception as error:
            found[technique.name] = f"{type(error).__name__}: {error}"
    (out / f"{dist.get_rank()}.json").write_text(json.dumps(found))
    dist.barrier()
    os._exit(0)


@pytest.fixture(scope="module")
def differences(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    out = tmp_path_factory.mktemp("steps")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run([*command, __file__, str(out)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads((out / f"{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("name", CUT)
def test_steps_on_cut_tensors(name: str, differences: list[dict[str, Any]]) -> None:
    for found in differences:
        assert isinstance(found[name], float) and found[name] < 1e-5, found[name]


@pytest.mark.parametrize("name", LAYERS)
def test_steps_on_some_of_the_parameters(name: str) -> None:
    whole = stepped(name)
    for part in (("rows", "embedding"), ("columns", "fused", "norm", "bias")):
        for key, weight in stepped(name, only=part).items():
            torch.testing.assert_close(weight, whole[key], rtol=1e-6, atol=1e-6)


def test_most_optimizers_work_with_both() -> None:
    assert {"adamw", "adam", "sgd"} <= set(CUT) & set(LAYERS)


if __name__ == "__main__":
    work(Path(sys.argv[1]))
