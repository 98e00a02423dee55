"""Checkpoints: whole or absent, verified before they are used, and enough to end with the same bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.errors import PluglmError, explained, system_error
from pluglm.files.replacing import remove_folder, replaced_folder
from pluglm.files.seal import damaged_file, write_seal

if TYPE_CHECKING:
    import torch

TENSOR = "__tensor__"
BEFORE_SEALS = "digests.json"
"""What checkpoints of pluglm 0.1 held in place of a seal."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that changes during training, in memory of its own: what is trained on may change while it is written.

    Attributes:
        progress: plain numbers: the step, what was logged so far.
        weights: parameters and buffers by name, whole.
        optimizer: the optimizer's state by the names of parameters.
        techniques: each technique's `state`, by config path.
        generators: the state of the global generators of every rank.
    """

    progress: dict[str, Any]
    weights: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    techniques: dict[str, dict[str, Any]]
    generators: list[dict[str, Any]]

    def whole(self) -> dict[str, Any]:
        """Weights, optimizer and techniques' states, as `whole_state` gave them."""
        return {"weights": self.weights, "optimizer": self.optimizer, "techniques": self.techniques}


def save_checkpoint(folder: Path, step: int, snapshot: Snapshot, keep: int, keep_best: bool = False) -> Path:
    """Write `folder/step-NNNNNNNN`, and then remove all but the newest `keep`, and the best where `keep_best`.

    Raises:
        PluglmError: where it cannot be written; earlier checkpoints are untouched.
    """
    target = folder / f"step-{step:08d}"
    try:
        with replaced_folder(target) as temporary:
            _write(temporary, snapshot)
            write_seal(temporary, everything=True)
    except PluglmError:
        raise
    except Exception as error:
        # safetensors has a class of its own for what the system refuses, which is none of these.
        refused, safe = system_error(error), "earlier checkpoints are untouched"
        if refused is None:
            raise PluglmError(f"{target} could not be written: {error}; {safe}") from error
        raise explained(_of(target, refused), target, f"pluglm resume {folder.parent}", safe) from error
    kept = best_checkpoint(folder) if keep_best else None
    for old in checkpoints(folder)[:-keep]:
        if old != kept:
            remove_folder(old)
    return target


def _of(target: Path, refused: OSError) -> OSError:
    """The same about the checkpoint, and not about a temporary file of it."""
    return OSError(refused.errno, refused.strerror or str(refused), str(target))


def best_checkpoint(folder: Path) -> Path | None:
    """The first of those with the lowest validation loss when they were written; None where none was validated."""
    losses = {}
    for path in checkpoints(folder):
        try:
            progress = json.loads((path / "progress.json").read_text())
        except (OSError, ValueError):
            continue
        if progress.get("validation") is not None:
            losses[path] = progress["validation"]
    return min(losses, key=lambda path: losses[path], default=None)


def checkpoints(folder: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    found = folder.glob("step-*") if folder.is_dir() else []
    return sorted(path for path in found if path.is_dir() and path.suffix != ".tmp")


def newest_valid(folder: Path) -> tuple[Path | None, list[str]]:
    """The newest checkpoint whose bytes are as they were written, and a line for each newer one that is damaged."""
    skipped: list[str] = []
    for path in reversed(checkpoints(folder)):
        if (path / BEFORE_SEALS).exists():
            skipped.append(f"{path} was skipped: it was written by pluglm 0.1, whose checkpoints cannot be read")
            continue
        name = damaged_file(path, everything=True)
        if name is None:
            return path, skipped
        skipped.append(f"{path} is damaged and was skipped: {name} is not as it was written")
    return None, skipped


def load_checkpoint(path: Path) -> Snapshot:
    """What was written to `path`."""
    from safetensors.torch import load_file

    return Snapshot(
        json.loads((path / "progress.json").read_text()),
        load_file(path / "weights.safetensors"),
        _unflatten(path, "optimizer"),
        _unflatten(path, "techniques"),
        _unflatten(path, "generators")["ranks"],
    )


def _write(folder: Path, snapshot: Snapshot) -> None:
    from safetensors.torch import save_file

    save_file(snapshot.weights, folder / "weights.safetensors")
    _flatten(folder, "optimizer", snapshot.optimizer)
    _flatten(folder, "techniques", snapshot.techniques)
    _flatten(folder, "generators", {"ranks": snapshot.generators})
    (folder / "progress.json").write_text(json.dumps(snapshot.progress))


def _flatten(folder: Path, name: str, tree: Any) -> None:
    """Nested data as JSON, its tensors beside it as safetensors. Keys that are numbers stay numbers."""
    from safetensors.torch import save_file

    tensors: dict[str, Any] = {}

    def plain(value: Any) -> Any:
        if hasattr(value, "detach"):
            key = str(len(tensors))
            tensors[key] = value.detach().clone().contiguous()
            return {TENSOR: key}
        if isinstance(value, dict):
            return {"__dict__": [[key, plain(item)] for key, item in value.items()]}
        if isinstance(value, tuple):
            return {"__tuple__": [plain(item) for item in value]}
        if isinstance(value, list):
            return [plain(item) for item in value]
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        raise PluglmError(f"a {type(value).__name__} cannot be part of a checkpoint ({name})")

    text = json.dumps(plain(tree))
    save_file(tensors, folder / f"{name}.safetensors")
    (folder / f"{name}.json").write_text(text)


def _unflatten(folder: Path, name: str) -> Any:
    from safetensors.torch import load_file

    tensors = load_file(folder / f"{name}.safetensors")

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            if TENSOR in value:
                return tensors[value[TENSOR]]
            if "__tuple__" in value:
                return tuple(whole(item) for item in value["__tuple__"])
            return {key: whole(item) for key, item in value["__dict__"]}
        return [whole(item) for item in value] if isinstance(value, list) else value

    return whole(json.loads((folder / f"{name}.json").read_text()))
