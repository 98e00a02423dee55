"""What a step is rehearsed with: examples from the cache, or such as the run would have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pluglm.batching.examples import Examples, made_examples
from pluglm.batching.loader import Loader, Partners
from pluglm.corpus.prepared import Corpus, prepared_corpus
from pluglm.document import Document
from pluglm.families import Batch, Example
from pluglm.planning.stand_in import planned_tokenizer, stand_in_documents, stand_in_examples

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pluglm.config.run_config import RunConfig


@dataclass(frozen=True, slots=True)
class Material:
    """Tokenizer and examples of a run, made or stood in for. `corpus` and `examples` are there where they were made
    before; `notes` say what was taken for granted."""

    config: RunConfig
    tokenizer: PreTrainedTokenizerFast
    fitted: Mapping[str, Any]
    documents: tuple[Document, ...]
    corpus: Corpus | None
    examples: Examples | None
    notes: tuple[str, ...] = ()

    def batch(self, size: int, length: int, seed: int = 0) -> Batch:
        """A micro-batch of `size` examples of about `length` tokens, as the run collates them; `seed` draws what is
        random in it."""
        from pluglm.planning.simulation import outside

        with outside():
            return self._batch(size, length, seed)

    def _batch(self, size: int, length: int, seed: int) -> Batch:
        import torch

        objective = self.config.objective
        partners = type(objective).partners
        chosen: list[dict[str, Any]] = []
        for example in self._examples(size, length):
            others = {"partners": Partners([example], np.zeros(partners, int))} if partners else {}
            chosen.append({**example, **others})
        generators = [np.random.default_rng((seed, number)) for number in range(size)]
        columns = {name for technique in self.config.interventions().values() for name in technique.columns()}
        batch = objective.collate(chosen, self.tokenizer, generators)
        batch["weight"] = torch.ones(size)
        return batch | {f"field_{name}": torch.arange(size) % 2 for name in columns}

    def step(self, number: int) -> list[Batch] | None:
        """The micro-batches of a step of the run, counted from 0, as they will be; None where they are not made yet."""
        if self.examples is None:
            return None
        import torch

        from pluglm.batching.steps import planned_steps, warmups
        from pluglm.planning.simulation import outside

        train = self.config.train
        assert train.batch_size != "auto"
        steps = planned_steps(self.config, self.examples)
        loader = Loader(
            objective=self.config.objective,
            tokenizer=self.tokenizer,
            train=self.examples.train,
            validation=self.examples.validation,
            seed=self.config.seed,
            batch_size=train.batch_size,
            accumulation=train.gradient_accumulation,
            device=torch.device("cpu"),
            warmups=warmups(self.config, steps),
        )
        with outside():
            return loader.micro_batches(loader.order(), number) if number < steps else None

    def _examples(self, size: int, length: int) -> list[Example]:
        if self.examples is None:
            known = stand_in_examples(self.config, self.tokenizer, self.fitted, length)
            return [known[number % len(known)] for number in range(size)]
        table = self.examples.train
        lengths = np.asarray(table.lengths()[: 1 << 20])
        nearest = np.argsort(np.abs(lengths - length), kind="stable")[:size]
        return [table[int(nearest[number % len(nearest)])] for number in range(size)]


def material_of(config: RunConfig, corpus: Corpus | None = None, examples: Examples | None = None) -> Material:
    """What `config` would train on: `corpus` and `examples` where they are given, else those in the cache, else what
    stands in for them."""
    if corpus is None:
        corpus = prepared_corpus(config)
    if corpus is not None and examples is None:
        examples = made_examples(config, corpus)
    if examples is not None:
        return Material(config, examples.tokenizer, examples.fitted, _some(corpus), corpus, examples)
    tokenizer, note = planned_tokenizer(config)
    documents = tuple(stand_in_documents(config, "text", 2))
    fitted = config.objective.fit(documents)
    return Material(config, tokenizer, fitted, documents, corpus, None, (note,) if note else ())


def _some(corpus: Corpus | None) -> tuple[Document, ...]:
    from itertools import islice

    return () if corpus is None else tuple(islice(corpus.train(), 64))
