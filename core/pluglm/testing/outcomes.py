"""What a technique makes of the kit's material, as plain data: what must be the same again, and in another process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from pluglm import (
    Augmenter,
    Compressor,
    CorpusPreprocessor,
    Evaluation,
    Evaluator,
    Losses,
    Model,
    Objective,
    Optimizer,
    Parallelism,
    Preprocessor,
    Schedule,
    Score,
    Source,
    Step,
    Technique,
    Tokenizer,
    TrainingRun,
)
from pluglm.corpus.keys import KeyList
from pluglm.families.intervention import Intervention
from pluglm.testing import parameters, samples

if TYPE_CHECKING:
    import torch

MOST = 300


def outcome(technique: Technique, folder: Path) -> Any:
    """What `technique` makes; `folder` is for files that it needs on the way. The generators that belong to everybody
    are as they were before."""
    made = next((made for family, made in MADE.items() if isinstance(technique, family)), None)
    return made(technique, folder) if made else technique.model_dump(mode="json")


def _source(technique: Source, folder: Path) -> Any:
    return list(islice(technique.read(), MOST))


def _preprocessor(technique: Preprocessor | CorpusPreprocessor, folder: Path) -> Any:
    given = samples.documents() + samples.odd_documents()
    if not isinstance(technique, CorpusPreprocessor):
        return [technique.process(item) for item in given]
    given += samples.documents(3)
    decisions = list(technique.decide(KeyList(technique.key(item) for item in given)))
    return [technique.apply(*pair) for pair in zip(given, decisions, strict=False)]


def _augmenter(technique: Augmenter, folder: Path) -> Any:
    given = samples.documents(12)
    return [technique.augment(item, Random(number)) for number, item in enumerate(given)]


def _tokenizer(technique: Tokenizer, folder: Path) -> Any:
    return technique.build(item.text for item in samples.documents()).backend_tokenizer.to_str()


def _model(technique: Model, folder: Path) -> Any:
    import torch

    head = min(technique.heads())
    options = {"num_labels": 3} if "Classification" in head else {}
    with torch.random.fork_rng():
        torch.manual_seed(5)
        built = technique.build(head, technique.own_tokenizer() or samples.tokenizer(), samples.LENGTH, options)
    return digests(built.state_dict())


def _objective(technique: Objective, folder: Path) -> Any:
    import torch

    material = samples.ObjectiveMaterial(technique, samples.tokenizer())
    batch = material.collate()
    made = digests({name: value for name, value in batch.items() if isinstance(value, torch.Tensor)})
    try:
        return made, technique.loss(material.model(), batch).sums.tolist()
    except KeyError:
        return made


def _optimizer(technique: Optimizer, folder: Path) -> Any:
    tensors = parameters.weights()
    descend(technique.build(parameters.groups(tensors)), tensors, 5)
    return [tensor.tolist() for tensor in tensors]


def _schedule(technique: Schedule, folder: Path) -> Any:
    return [[technique.factor(step, steps) for step in range(steps)] for steps in (1, 2, 10, 100)]


def _intervention(technique: Intervention, folder: Path) -> Any:
    run = samples.training_run(samples.tokenizer())
    changed = None
    if "change_documents" in technique.moments():
        changed = list(technique.change_documents(iter(samples.documents()), Random(4)))
    train(technique, run)
    made = [changed, digests(run.model.state_dict()), digests(run.auxiliary.state_dict())]
    if isinstance(technique, Compressor) and "compress" in technique.moments():
        technique.save(technique.compress(replace(run, model=run.model.eval())), folder)
        made.append({path.name: _digest(path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()})
    return made


def _evaluator(technique: Evaluator, folder: Path) -> Any:
    return [repr(score) for score in evaluate(technique, folder)]


def _parallelism(technique: Parallelism, folder: Path) -> Any:
    return [technique.share(rank) for rank in range(technique.world_size())]


MADE: Mapping[type[Technique], Callable[[Any, Path], Any]] = {
    Source: _source,
    Preprocessor: _preprocessor,
    CorpusPreprocessor: _preprocessor,
    Augmenter: _augmenter,
    Tokenizer: _tokenizer,
    Model: _model,
    Objective: _objective,
    Optimizer: _optimizer,
    Schedule: _schedule,
    Intervention: _intervention,
    Evaluator: _evaluator,
    Parallelism: _parallelism,
}


def descend(optimizer: torch.optim.Optimizer, tensors: list[torch.Tensor], steps: int) -> float:
    """`steps` steps down half the sum of squares, and where they began."""
    start = sum(float(tensor.detach().square().sum()) for tensor in tensors)
    for _ in range(steps):
        optimizer.zero_grad()
        sum(tensor.square().sum() / 2 for tensor in tensors).backward()  # type: ignore[union-attr]
        optimizer.step()
    return start


def train(
    technique: Intervention, run: TrainingRun, look: Callable[[TrainingRun, Step, Losses, Any], None] | None = None
) -> None:
    """Three steps of training with `technique` at its moments; `look` is called after each."""
    import torch

    moments = technique.moments()
    with torch.random.fork_rng():
        torch.manual_seed(2)
        run.model.train()
        if "before_training" in moments:
            technique.before_training(run)
        loss = technique.wrap_loss(run.objective.loss, run) if "wrap_loss" in moments else run.objective.loss
        parameters = [p for p in [*run.model.parameters(), *run.auxiliary.parameters()] if p.requires_grad]
        optimizer = torch.optim.SGD(parameters, lr=0.01)
        for number, batch in enumerate(run.batches(3), start=1):
            losses = loss(run.model, batch)
            mean = losses.sums.sum() / losses.counts.sum()
            optimizer.zero_grad()
            mean.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step = Step(number, 0.01, float(mean.detach()))
            if "after_step" in moments:
                technique.after_step(run, step)
            if look:
                look(run, step, losses, batch)
        if "after_training" in moments:
            technique.after_training(run)


def evaluate(technique: Evaluator, folder: Path, notes: list[str] | None = None, model: Any = None) -> list[Score]:
    """The scores of a small model; `folder` is the evaluator's cache."""
    import torch

    words = samples.tokenizer()
    evaluation = Evaluation(
        model=model or samples.model(samples.NextToken.head, words).eval(),
        tokenizer=words,
        objective=samples.NextToken(),
        batches=lambda: iter(samples.batches(2, words)),
        training_documents=lambda: iter(samples.documents(40)),
        validation_documents=lambda: iter(samples.documents(20)),
        sequence_length=samples.LENGTH,
        seed=0,
        cache=folder,
        note=(notes if notes is not None else []).append,
    )
    with torch.no_grad():
        return list(technique.evaluate(evaluation))


def digests(tensors: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """A digest of each tensor's bytes."""
    return {name: _digest(tensor.detach().cpu().contiguous().numpy().tobytes()) for name, tensor in tensors.items()}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def strangers(value: Any) -> list[str]:
    """Types inside `value` that are not plain data or tensors, and that a checkpoint cannot hold."""
    import torch

    if isinstance(value, dict):
        return [found for item in value.values() for found in strangers(item)]
    if isinstance(value, list | tuple):
        return [found for item in value for found in strangers(item)]
    plain = value is None or isinstance(value, bool | int | float | str | torch.Tensor)
    return [] if plain else [type(value).__name__]
