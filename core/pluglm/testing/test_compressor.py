"""Compressors: what they leave on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pluglm import Compressor
from pluglm.testing import samples

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

pytestmark = pytest.mark.family("compressor")


@pytest.fixture
def compressed(technique: Compressor, words: PreTrainedTokenizerFast, tmp_path: Path) -> Any:
    """A model, compressed and saved."""
    if "compress" not in technique.moments():
        pytest.skip("does not compress a finished model")
    run = samples.training_run(words)
    made = technique.compress(replace(run, model=run.model.eval()))
    technique.save(made, tmp_path / "saved")
    return made


def test_nothing_is_saved_with_pickle(compressed: Any, tmp_path: Path) -> None:
    found = [path for path in (tmp_path / "saved").rglob("*") if path.suffix in (".bin", ".pt", ".pth", ".pkl")]
    assert not found, "save it as safetensors"


def test_saved_model_loads_and_gives_the_same(
    technique: Compressor, compressed: Any, words: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    import torch

    loaded = technique.load(tmp_path / "saved", samples.NextToken.head).eval()
    ids = samples.batches(1, words)[0]["input_ids"]
    with torch.no_grad():
        torch.testing.assert_close(loaded(input_ids=ids).logits, compressed(input_ids=ids).logits, rtol=1e-4, atol=1e-5)
