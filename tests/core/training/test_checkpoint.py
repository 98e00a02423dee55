from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from pluglm.errors import PluglmError
from pluglm.training.checkpoint import Snapshot, checkpoints, load_checkpoint, newest_valid, save_checkpoint
from pluglm.training.randomness import generator_states, restore_generators, seed_everything
from pluglm.training.state import restore_state, whole_state
from pluglm.training.step_module import StepModule
from pluglm.training.writing import CheckpointWriter


class Tied(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(5, 3)
        self.head = torch.nn.Linear(3, 5, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("seen", torch.zeros(2), persistent=False)


def trained(seed: int) -> tuple[Tied, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    module = Tied()
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.1)
    for _ in range(3):
        module.head(module.embed(torch.tensor([1, 2]))).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return module, optimizer


def step_module(module: torch.nn.Module) -> StepModule:
    def no_loss(*_: Any, **__: Any) -> Any:
        raise AssertionError

    return StepModule(module, torch.nn.ModuleDict(), no_loss, no_loss)


def snapshot(seed: int, validation: float | None = None, **techniques: Any) -> Snapshot:
    module, optimizer = trained(seed)
    whole = whole_state(step_module(module), optimizer, {"a.b": techniques})
    return Snapshot({"step": 3, "validation": validation}, generators=[generator_states()], **whole)


def test_everything_comes_back_bit_for_bit(tmp_path: Path) -> None:
    saved = snapshot(0, best={"w": torch.ones(2)}, count=3, names=["x"], nested={"1": (1, None)})
    path = save_checkpoint(tmp_path, 3, saved, keep=2)
    (before, first), (module, optimizer) = trained(0), trained(1)
    assert not torch.equal(module.embed.weight, before.embed.weight)
    states: dict[str, dict[str, Any]] = {"a.b": {"old": 1}}
    loaded = load_checkpoint(path)
    whole = {"weights": loaded.weights, "optimizer": loaded.optimizer, "techniques": loaded.techniques}
    restore_state(whole, step_module(module), optimizer, states)
    assert torch.equal(module.embed.weight, before.embed.weight)
    for ours, theirs in zip(
        optimizer.state_dict()["state"].values(), first.state_dict()["state"].values(), strict=True
    ):
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    state = states["a.b"]
    assert "old" not in state
    assert (
        torch.equal(state["best"]["w"], torch.ones(2)) and state["nested"] == {"1": (1, None)} and state["count"] == 3
    )


def test_generators_go_on_where_they_were() -> None:
    import random

    import numpy as np

    seed_everything(5)
    torch.rand(3), random.random(), np.random.rand()
    states = generator_states()
    first = (torch.rand(2).tolist(), random.random(), np.random.rand(), np.random.randn())
    restore_generators(states)
    assert (torch.rand(2).tolist(), random.random(), np.random.rand(), np.random.randn()) == first


def test_a_flipped_byte_is_noticed_and_the_one_before_is_taken(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, step, snapshot(step), keep=2)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000002", "step-00000003"]
    target = tmp_path / "step-00000003" / "weights.safetensors"
    content = bytearray(target.read_bytes())
    content[-1] ^= 1
    target.write_bytes(content)
    (tmp_path / "step-00000009.tmp").mkdir()
    path, skipped = newest_valid(tmp_path)
    assert path == tmp_path / "step-00000002" and len(skipped) == 1 and "weights.safetensors" in skipped[0]


def test_a_full_disk_leaves_older_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path, 1, snapshot(0), keep=1)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pluglm.files.replacing.sync_folder", full)
    with pytest.raises(PluglmError, match="No space left"):
        save_checkpoint(tmp_path, 2, snapshot(0), keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_the_best_is_kept_beside_the_newest(tmp_path: Path) -> None:
    for step, loss in enumerate([None, 3.0, 2.0, 2.5, 2.0], start=1):
        save_checkpoint(tmp_path, step, snapshot(0, loss), keep=1, keep_best=True)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000003", "step-00000005"]


def test_a_failed_write_is_told_by_the_next_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with CheckpointWriter(tmp_path, 2, True, lambda step, path: done.append(step)) as writer:
        writer.write(1, snapshot(0))
        writer.wait()
        monkeypatch.setattr("pluglm.files.replacing.sync_folder", full)
        writer.write(2, snapshot(0))
        with pytest.raises(PluglmError, match="No space left"):
            writer.write(3, snapshot(0))
    assert done == [1] and [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_state_that_cannot_be_saved_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluglmError, match="cannot be part of a checkpoint"):
        save_checkpoint(tmp_path, 1, snapshot(0, thing=object()), keep=1)
