"""Compressors: smaller or faster models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pluglm.families.intervention import Intervention, TrainingRun

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


class Compressor(Intervention):
    """Acts at the moments of `Intervention` (to learn from a teacher, say), or on a copy of the finished model
    (`compress`), or both.

    The finished model in `model/` stays as it is; each compressor in the list takes what the one before it made, and
    its result is measured and saved in `compressed/<name>/`.
    """

    family: ClassVar[str] = "compressor"

    def compress(self, run: TrainingRun) -> torch.nn.Module:
        """The compressed model, made from `run.model`, which is a copy that may be changed and returned."""
        raise NotImplementedError

    def save(self, model: torch.nn.Module, folder: Path) -> None:
        """Write what `compress` returned, without pickle. The default is the format of `transformers`."""
        model.save_pretrained(folder)  # type: ignore[operator]

    def load(self, folder: Path, head: str) -> PreTrainedModel:
        """Read what `save` wrote, as the `transformers` Auto class `head`."""
        import transformers

        model: PreTrainedModel = getattr(transformers, head).from_pretrained(folder)
        return model

    @classmethod
    def moments(cls) -> frozenset[str]:
        """The names of the moments this class overrides, `compress` among them."""
        own = {"compress"} if cls.compress is not Compressor.compress else set()
        return super().moments() | own
