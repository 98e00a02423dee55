"""What happens to a trained model: debiasing, saving, compressing, and measuring it at every stage."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from pluglm.families import Batch, Compressor, Evaluation
from pluglm.files.replacing import replaced_folder, write_json
from pluglm.files.storage import cache_folder
from pluglm.lifecycle.assemble import Parts
from pluglm.lifecycle.exported_tokenizer import exported_tokenizer
from pluglm.progress import Progress
from pluglm.training.randomness import seed_everything

LATENCY_REPEATS = 15


def finish(parts: Parts, folder: Path, progress: Progress, note: Callable[[str], None]) -> list[dict[str, Any]]:
    """Let the techniques act on the trained model, write `model/` and `compressed/`, and return the scores of each
    stage, in order."""
    # Whatever training drew, and wherever it was resumed, what follows draws the same.
    seed_everything(parts.config.seed + 1)
    evaluations: list[dict[str, Any]] = []
    changes = parts.config.acting_at("after_training")
    for path, technique in changes.items():
        if not technique.measured_alone:
            technique.after_training(parts.runs[path])
    for alone in parts.config.model.finish(parts.model, folder) or ():
        _save_tokenizer(parts, alone)
    with torch.no_grad():
        evaluations.append(measure(parts, parts.model, "trained", progress, note))
    for path, technique in changes.items():
        if technique.measured_alone:
            technique.after_training(parts.runs[path])
            evaluations.append(measure(parts, parts.model, path, progress, note))
    _save_model(parts, folder)
    size = _size(folder / "model")
    for evaluation in evaluations:
        evaluation["size_bytes"] = size
    evaluations += compress(parts, folder, progress, note)
    return evaluations


def compress(parts: Parts, folder: Path, progress: Progress, note: Callable[[str], None]) -> list[dict[str, Any]]:
    """Write `compressed/<label>/` for each compressor that compresses, each made from the one before it."""
    evaluations = []
    model = parts.model
    for path, technique in parts.config.acting_at("compress").items():
        assert isinstance(technique, Compressor)
        run = replace(parts.runs[path], model=copy.deepcopy(model).eval())
        model = technique.compress(run)
        target = folder / "compressed" / path.partition(".")[2]
        with replaced_folder(target) as temporary:
            technique.save(model, temporary)
            _save_tokenizer(parts, temporary)
            described = {
                "compressor": technique.name,
                "parameters": technique.model_dump(mode="json"),
                "head": parts.config.objective.head,
            }
            write_json(temporary / "compressor.json", described)
        evaluation = measure(parts, model, path, progress, note)
        evaluations.append(evaluation | {"size_bytes": _size(target)})
    return evaluations


def measure(parts: Parts, model: Any, stage: str, progress: Progress, note: Callable[[str], None]) -> dict[str, Any]:
    """All evaluators' scores of `model`, with its size and latency."""
    config = parts.config
    loader = replace(parts.loader, share=0, shares=1)

    def batches() -> Iterator[Batch]:
        return loader.validation_batches()

    was_training = model.training
    model.eval()
    evaluation = Evaluation(
        model=model,
        tokenizer=parts.examples.tokenizer,
        objective=config.objective,
        batches=batches,
        training_documents=parts.corpus.train,
        validation_documents=parts.corpus.validation,
        sequence_length=config.data.sequence_length,
        seed=config.seed,
        cache=cache_folder(config.data.cache_dir) / "evaluators",
        note=note,
    )
    scores = []
    with torch.no_grad(), progress.task(f"Evaluating {stage}", total=len(config.evaluator), unit="evaluators") as task:
        for label, evaluator in config.evaluator.items():
            scores += [{"evaluator": label, **asdict(score)} for score in evaluator.evaluate(evaluation)]
            task.advance(1)
        latency = _latency(model, config.objective, next(batches()))
    model.train(was_training)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"stage": stage, "scores": scores, "parameters": parameters, "latency_ms": latency}


def _latency(model: Any, objective: Any, batch: Batch) -> float:
    """Median milliseconds of a forward pass over one example."""
    size = len(batch["input_ids"])
    one = {
        name: value[:1] if hasattr(value, "shape") and len(value) == size else value for name, value in batch.items()
    }
    times = []
    for _ in range(LATENCY_REPEATS):
        start = time.perf_counter()
        objective.loss(model, one)
        times.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(times), 3)


def _save_model(parts: Parts, folder: Path) -> None:
    with replaced_folder(folder / "model") as temporary:
        parts.model.save_pretrained(temporary, safe_serialization=True)
        _save_tokenizer(parts, temporary)


def _save_tokenizer(parts: Parts, folder: Path) -> None:
    config = parts.config
    given, length = parts.examples.tokenizer, config.data.sequence_length
    exported_tokenizer(given, parts.model, config.objective, length).save_pretrained(folder)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))
