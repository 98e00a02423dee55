"""The teacher of a distillation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pluglm import PluglmError, TrainingRun

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def folder_of(path: Path) -> Path | None:
    """The folder with the `config.json`: `path`, or its `model/` where it is a run folder."""
    path = path.expanduser()
    return next((folder for folder in (path / "model", path) if (folder / "config.json").is_file()), None)


def load_teacher(path: Path, run: TrainingRun) -> PreTrainedModel:
    """The model at `path` with the objective's head, frozen, where the student is.

    Raises:
        PluglmError: where it is no whole model with that head, or has another vocabulary.
    """
    import torch
    import transformers

    folder = folder_of(path)
    if folder is None:
        raise PluglmError(f"the teacher {path} holds no model")
    _check_vocabulary(folder, run.tokenizer)
    head = run.objective.head
    try:
        # Drawing what a folder lacks would change what the rest of the run draws.
        with torch.random.fork_rng(devices=[]):
            teacher, found = getattr(transformers, head).from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, local_files_only=True, output_loading_info=True
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise PluglmError(f"the teacher {folder} cannot be loaded: {error}") from error
    if found["missing_keys"]:
        missing = sorted(found["missing_keys"])[0]
        raise PluglmError(f"the teacher {folder} is no whole {head.removeprefix('Auto')}: {missing} is missing")
    if "Classification" in head:
        its, ours = teacher.config.id2label, run.model.config.id2label
        if its != ours:
            raise PluglmError(f"the teacher {folder} knows the labels {list(its.values())}, not {list(ours.values())}")
    else:
        its, ours = (model.config.get_text_config().vocab_size for model in (teacher, run.model))
        if its != ours:
            raise PluglmError(f"the teacher {folder} answers with one of {its} tokens, its student of {ours}")
    frozen: PreTrainedModel = teacher.requires_grad_(False).eval().to(run.model.device)
    return frozen


def _check_vocabulary(folder: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    from transformers import AutoTokenizer

    try:
        its = AutoTokenizer.from_pretrained(folder, local_files_only=True).get_vocab()
    except (OSError, ValueError) as error:
        raise PluglmError(f"the teacher {folder} has no tokenizer") from error
    ours = tokenizer.get_vocab()
    if its != ours:
        raise PluglmError(
            f"the teacher {folder} has a vocabulary of {len(its)} tokens that is not the student's of {len(ours)}; "
            "train the student with the teacher's tokenizer"
        )
