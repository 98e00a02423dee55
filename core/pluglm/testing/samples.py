"""What the kit tries techniques on: documents, a tokenizer, small models and an objective of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from pluglm import (
    SPECIAL_TOKENS,
    Batch,
    Document,
    Example,
    Losses,
    Objective,
    Predictions,
    Scored,
    Source,
    TrainingRun,
    hookimpl,
)

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

LENGTH = 32
ODD = (
    "",
    " ",
    "\n\n\n",
    "a",
    "\x00\x07",
    "é\u0301 ﬁ \u200b",
    "日本語のテキスト",
    "😀" * 5,
    "word " * 2000,
    "a\r\nb\r\n",
)
SUBJECTS = ("the young woman", "the old man", "a doctor", "my neighbour", "the teacher", "our friend")
VERBS = ("watched", "liked", "reviewed", "forgot", "praised", "hated")
OBJECTS = ("the long film", "a good book", "the new song", "that boring play", "the small museum")


def documents(count: int = 60) -> list[Document]:
    """`count` different short documents with every usual field."""
    random = Random(7)
    found = []
    for number in range(count):
        sentences = [
            f"{random.choice(SUBJECTS)} {random.choice(VERBS)} {random.choice(OBJECTS)} and told {number + 3} people."
            for _ in range(3)
        ]
        text = " ".join(sentence.capitalize() for sentence in sentences)
        good = number % 2 == 0
        fields = {
            "label": "positive" if good else "negative",
            "group": "a" if number % 3 else "b",
            "question": f"Who told {number + 3} people?",
            "answers": [sentences[0].split(" ", 2)[1]],
            "prompt": sentences[0],
            "target": sentences[1],
            "chosen": sentences[1],
            "rejected": sentences[2],
        }
        found.append(Document(text, id=f"sample-{number}", source="samples", fields=fields))
    return found


def odd_documents() -> list[Document]:
    """Documents as they should not be, but are."""
    return [Document(text, id=f"odd-{number}", source="samples") for number, text in enumerate(ODD)]


class PluglmTestingSamples(Source):
    """The kit's own documents."""

    def read(self) -> Iterator[Document]:
        """Enough of them to split."""
        yield from documents(200)

    def inputs(self) -> Iterable[Path]:
        """No files."""
        return ()


@hookimpl
def register_sources() -> list[type[Source]]:
    return [PluglmTestingSamples]


def tokenizer() -> PreTrainedTokenizerFast:
    """One token per byte, special tokens first."""
    from tokenizers import AddedToken, decoders, models, pre_tokenizers
    from tokenizers import Tokenizer as Backend
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*SPECIAL_TOKENS.values(), *alphabet])}
    backend = Backend(models.BPE(vocab=vocabulary, merges=[], unk_token=SPECIAL_TOKENS["unk_token"]))
    backend.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL_TOKENS.values()])
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=backend, clean_up_tokenization_spaces=False, **SPECIAL_TOKENS)


def model(head: str, words: PreTrainedTokenizerFast, options: Mapping[str, Any] | None = None) -> PreTrainedModel:
    """A model of two narrow layers with `head`, always the same.

    Raises:
        KeyError: where the kit has none.
    """
    import torch
    import transformers

    ids = {
        "vocab_size": len(words),
        "pad_token_id": words.pad_token_id,
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
        **(options or {}),
    }
    narrow = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    long = {"max_position_embeddings": 8 * LENGTH}
    bert = {**ids, **narrow, **long, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    configs = {
        "AutoModelForCausalLM": lambda: transformers.LlamaConfig(**ids, **narrow, **long),
        "AutoModelForMaskedLM": lambda: transformers.BertConfig(**bert),
        "AutoModelForNextSentencePrediction": lambda: transformers.BertConfig(**bert),
        "AutoModelForPreTraining": lambda: transformers.BertConfig(**bert),
        "AutoModelForSequenceClassification": lambda: transformers.BertConfig(**bert),
        "AutoModelForSeq2SeqLM": lambda: transformers.T5Config(
            **ids, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, dropout_rate=0.0, decoder_start_token_id=0
        ),
    }
    config = configs[head]()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built: PreTrainedModel = getattr(transformers, head).from_config(config)
    return built


class NextToken(Objective):
    """The kit's objective: the next token of documents cut into pieces of one length."""

    name = "pluglm_testing_next_token"
    head = "AutoModelForCausalLM"
    packs = True

    def examples(
        self, document: Document, tokenizer: PreTrainedTokenizerFast, sequence_length: int, fitted: Mapping[str, Any]
    ) -> Iterable[Example]:
        """The first piece of the document."""
        yield {"input_ids": tokenizer(document.text, add_special_tokens=False)["input_ids"][:sequence_length]}

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast, generators: Sequence[np.random.Generator]
    ) -> Batch:
        """All as long as the shortest."""
        import torch

        length = min(len(example["input_ids"]) for example in examples)
        ids = torch.tensor([list(example["input_ids"][:length]) for example in examples])
        batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids.clone()}
        # What interventions may ask for: the position of a field's value, here that of two groups.
        return batch | {f"field_{name}": torch.arange(len(ids)) % 2 for name in ("label", "group")}

    def loss(self, model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
        """Cross-entropy."""
        import torch

        name = "inputs_embeds" if "inputs_embeds" in batch else "input_ids"
        outputs = model(**{name: batch[name]}, attention_mask=batch["attention_mask"], **forward)
        logits, labels = outputs.logits[:, :-1], batch["labels"][:, 1:]
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
        rows = torch.arange(len(labels)).repeat_interleave(labels.shape[1])
        scored = Scored(logits.flatten(0, 1), labels.flatten(), rows)
        return Losses(losses.sum(1), torch.full_like(losses[:, 0], labels.shape[1]), outputs, scored=lambda: [scored])

    def predict(self, model: PreTrainedModel, batch: Batch) -> Predictions:
        """The likeliest next tokens."""
        import torch

        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
        labels = batch["labels"][:, 1:]
        rows = torch.arange(len(labels)).repeat_interleave(labels.shape[1])
        return Predictions(logits.argmax(-1).flatten(), labels.flatten(), rows)


def batches(count: int, words: PreTrainedTokenizerFast) -> list[Batch]:
    """`count` batches of 8 of the kit's objective."""
    objective = NextToken()
    rows = [example for item in documents() for example in objective.examples(item, words, LENGTH, {})]
    return [
        objective.collate([rows[(8 * number + row) % len(rows)] for row in range(8)], words, [])
        for number in range(count)
    ]


def training_run(words: PreTrainedTokenizerFast) -> TrainingRun:
    """A run about to start, with a small causal model."""
    import torch

    def training_batches(count: int) -> Iterator[Batch]:
        yield from batches(count, words)

    return TrainingRun(
        model=model(NextToken.head, words),
        auxiliary=torch.nn.ModuleDict(),
        tokenizer=words,
        objective=NextToken(),
        state={},
        seed=0,
        steps=4,
        batches=training_batches,
        documents=lambda: iter(documents()),
        note=lambda line: None,
    )


class ObjectiveMaterial:
    """An objective's examples of the kit's documents, and how they are collated.

    Raises:
        KeyError: where the kit has no model with the objective's head.
    """

    def __init__(self, objective: Objective, words: PreTrainedTokenizerFast) -> None:
        from pluglm.batching.tokenizer import add_extra_tokens

        if objective.extra_tokens():
            words = tokenizer()
            add_extra_tokens(words, objective.extra_tokens())
        given = copy.deepcopy(documents(12))
        for document in given:
            absent = set(objective.required_fields()) - {"text", *document.fields}
            document.fields |= dict.fromkeys(absent, "word")
        self.objective, self.words, self.documents = objective, words, given
        self.fitted = objective.fit(iter(given))
        rows = [row for item in given for row in objective.examples(item, words, LENGTH, self.fitted)]
        if objective.packs:
            rows = [{**row, "input_ids": list(row["input_ids"])[:LENGTH]} for row in rows]
        self.every_row, self.rows = rows, rows[:8]

    def model(self) -> PreTrainedModel:
        """A small model with the head that it needs."""
        return model(self.objective.head, self.words, self.objective.model_options(self.fitted)).eval()

    def collate(self, first: int = 0, last: int = 8) -> Batch:
        """The batch of some of the first eight examples."""
        import numpy as np

        from pluglm.batching.loader import with_partners

        rows = self.rows[first:last]
        generators = [np.random.default_rng((1, first + number)) for number in range(len(rows))]
        chosen = [
            with_partners(dict(row), self.rows, generator, type(self.objective).partners)
            for row, generator in zip(rows, generators, strict=True)
        ]
        return self.objective.collate(chosen, self.words, generators)
