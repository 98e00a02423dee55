"""Next sentences: against `transformers`, the share of pairs that are parted, and that what is parted is of two
documents, in a run over a real corpus."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pluglm import DataError, Document
from pluglm.batching.examples import prepare_examples
from pluglm.batching.loader import Loader, with_partners
from pluglm.config.compose import compose
from pluglm.corpus.prepared import prepare_corpus
from pluglm.progress import Progress
from pluglm_models.masked_lm import MaskedLm
from pluglm_objectives.mlm_nsp import MlmNsp
from pluglm_objectives.nsp import Nsp
from pluglm_objectives.sentence_pairs import document_number, segment_pairs
from pluglm_objectives.sentences import sentences
from pluglm_tokenizers.byte import Byte

TOKENIZER = Byte().build(iter(()))
TEXTS = [
    "The cat sat. It slept on the mat. Nobody came by, not even Mr. Brown.",
    "A dog ran away! Who saw it? The boy did, he said. Then it rained.",
    "Birds fly south. They come back in spring, as J. K. Rowling wrote.",
]
DOCUMENTS = [Document(text, id=str(number), source="s") for number, text in enumerate(TEXTS)]


def rows(objective, documents=DOCUMENTS, length=64):
    return [e for document in documents for e in objective.examples(document, TOKENIZER, length, {})]


def collated(objective, table, picked, seed=0):
    generators = [np.random.default_rng((seed, i)) for i in picked]
    chosen = [with_partners(dict(table[i]), table, g, 8) for i, g in zip(picked, generators, strict=True)]
    return objective.collate(chosen, TOKENIZER, generators)


def built(objective):
    torch.manual_seed(0)
    return MaskedLm(size="nano").build(objective.head, TOKENIZER, 64, {}).eval()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (TEXTS[0], ["The cat sat.", " It slept on the mat.", " Nobody came by, not even Mr. Brown."]),
        ('He said "Go!" She went. 3 came.', ['He said "Go!"', " She went.", " 3 came."]),
        ("Up to 3.5 m, e.g. here. a b... c", ["Up to 3.5 m, e.g. here. a b... c"]),
        ("So do I. You do too.", ["So do I.", " You do too."]),
        ("A title\n\nText here.\n* one\n* two", ["A title\n", "\nText here.", "\n* one\n", "* two"]),
        ("x = 1\ny = 2\n\n\nz()\n", ["x = 1\ny = 2\n", "\n\nz()\n"]),
        ("私は猫。名前はない。", ["私は猫。", "名前はない。"]),
        ("  \n ", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text, parts):
    assert list(sentences(text)) == parts
    assert "".join(parts) == text or not text.strip()


def test_pairs_are_all_of_the_text_in_order_within_their_limits():
    generator = np.random.default_rng(0)
    for _ in range(200):
        lengths = generator.integers(1, 11, size=generator.integers(1, 12))
        starts = np.cumsum(lengths)
        pieces = [list(range(end - size, end)) for size, end in zip(lengths, starts, strict=True)]
        pairs = list(segment_pairs(pieces, 10, 0.1, generator))
        flat = [token for pair in pairs for part in pair for token in part]
        # One token that is left alone is the only thing that has nothing to stand beside.
        assert flat == list(range(starts[-1])) or (flat == list(range(starts[-1] - 1)) and lengths[-1] == 1)
        assert all(1 <= len(part) <= 10 for pair in pairs for part in pair)
    whole = [list(range(n * 4, n * 4 + 4)) for n in range(8)]
    filled = list(segment_pairs(whole, 10, 0.0, generator))
    assert [[len(part) for part in pair] for pair in filled] == [[8, 8], [8, 8]]


def test_the_losses_are_those_of_transformers():
    nsp, both = Nsp(), MlmNsp()
    table = rows(nsp)
    batch = collated(nsp, table, range(len(table)))
    model = built(nsp)
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = {name: batch[name] for name in names if name in batch}
    with torch.no_grad():
        ours = nsp.loss(model, batch)
        theirs = model(**inputs, labels=batch["next_sentence_label"]).loss
        plain = model(**{**inputs, "token_type_ids": torch.zeros_like(batch["token_type_ids"])}).logits
    torch.testing.assert_close(ours.sums.mean(), theirs, rtol=1e-6, atol=1e-6)
    assert ours.counts.tolist() == [1.0] * len(table)
    assert not torch.allclose(ours.outputs.logits, plain), "which segment a token is of reaches the model"

    # Pairs of one length, so that each has as many hidden tokens: then the sum of both losses is BERT's.
    equal = [{"input_ids": list(range(20 + n, 40 + n)), "boundary": 10, "document": n} for n in range(6)]
    for mixed, table in ((False, equal), (True, rows(both))):
        batch = collated(both, table, range(len(table)))
        if not mixed:
            shown = (batch["labels"] != -100).cumsum(1) > 2
            batch["labels"][shown] = -100
        model, inputs = built(both), {name: batch[name] for name in names if name in batch}
        ours = both.loss(model, batch)
        theirs = model(**inputs, labels=batch["labels"], next_sentence_label=batch["next_sentence_label"])
        hidden = F.cross_entropy(theirs.prediction_logits.flatten(0, 1), batch["labels"].flatten())
        pairs = F.cross_entropy(theirs.seq_relationship_logits, batch["next_sentence_label"], reduction="none")
        counts = (batch["labels"] != -100).sum(1)
        weighted = (pairs * counts).sum() / counts.sum()
        torch.testing.assert_close(ours.sums.sum() / ours.counts.sum(), hidden + weighted)
        torch.testing.assert_close(ours.metrics["masked_loss"], hidden.detach())
        torch.testing.assert_close(ours.metrics["nsp_loss"], pairs.detach().mean())
        torch.testing.assert_close(ours.outputs.logits, theirs.prediction_logits)
        if not mixed:
            assert len(set(counts.tolist())) == 1
            torch.testing.assert_close(ours.sums.sum() / ours.counts.sum(), theirs.loss)
        assert ours.scored is not None
        tokens, told = ours.scored()
        assert tokens.logits.shape == (int(counts.sum()), len(TOKENIZER)) and told.logits.shape == (len(table), 2)


def test_sums_and_counts_do_not_depend_on_the_cut():
    for objective in (Nsp(), MlmNsp()):
        table, model = rows(objective), built(objective)
        with torch.no_grad():
            whole = objective.loss(model, collated(objective, table, range(len(table))))
            parts = [objective.loss(model, collated(objective, table, [i])) for i in range(len(table))]
        torch.testing.assert_close(torch.cat([p.sums for p in parts]), whole.sums, rtol=1e-5, atol=1e-5)
        assert torch.equal(torch.cat([p.counts for p in parts]), whole.counts)


def test_predictions_are_of_two_tasks():
    objective = MlmNsp()
    table, model = rows(objective), built(objective)
    batch = collated(objective, table, range(len(table)))
    told = objective.predict(model, batch)
    (pairs,) = told.also
    with torch.no_grad():
        outputs = model(**{n: batch[n] for n in ("input_ids", "attention_mask", "token_type_ids")})
    assert (told.task, pairs.task) == ("masked", "nsp")
    assert torch.equal(pairs.predicted, outputs.seq_relationship_logits.argmax(1))
    assert torch.equal(pairs.target, batch["next_sentence_label"])
    counted = batch["labels"] != -100
    assert torch.equal(told.predicted, outputs.prediction_logits[counted].argmax(1))
    assert torch.equal(told.target, batch["labels"][counted])


def test_pairs_that_stay_together_are_those_of_the_document():
    objective = MlmNsp(negative_share=0.0)
    table = rows(objective)
    batch = collated(objective, table, range(len(table)))
    restored = torch.where(batch["labels"] != -100, batch["labels"], batch["input_ids"])
    assert not batch["next_sentence_label"].any()
    for row, kinds, example in zip(restored.tolist(), batch["token_type_ids"].tolist(), table, strict=True):
        first, second = example["input_ids"][: example["boundary"]], example["input_ids"][example["boundary"] :]
        start, end = TOKENIZER.cls_token_id, TOKENIZER.sep_token_id
        length = len(first) + len(second) + 3
        assert row[:length] == [start, *first, end, *second, end]
        assert kinds[:length] == [0] * (len(first) + 2) + [1] * (len(second) + 1)
    text = "".join(TOKENIZER.decode(e["input_ids"]) for e in table)
    assert text == "".join(TEXTS)


def test_one_document_has_no_other():
    with pytest.raises(DataError, match="there is one document"):
        Nsp().fit(DOCUMENTS[:1])
    assert Nsp().fit(DOCUMENTS) == {}
    objective = Nsp(negative_share=1.0)
    table = rows(objective, DOCUMENTS[:1])
    assert not collated(objective, table, range(len(table)))["next_sentence_label"].any()
    (split,) = rows(Nsp(), [Document("abcd", id="x")])
    assert (split["input_ids"], split["boundary"]) == (TOKENIZER("abcd", add_special_tokens=False)["input_ids"], 2)
    assert not rows(Nsp(), [Document("a", id="x"), Document("", id="y")])


def test_changed_copies_of_a_document_are_not_another():
    names = [
        "mail-17",
        "mail-17~random_swap0",
        "mail-17~random_swap0~random_deletion12",
        "mail-18",
        "~/a.txt",
        "~/b.txt",
    ]
    numbers = [document_number(Document("x", id=name, source="s")) for name in names]
    assert numbers[0] == numbers[1] == numbers[2] and len(set(numbers)) == 4
    assert all(-(2**63) <= number < 2**63 for number in numbers)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The examples of a run over a part of the standard library, and the documents."""
    words = ["objective=nsp", "source.python_library.max_megabytes=1.5", "tokenizer.vocab_size=512"]
    words += ["data.sequence_length=64", f"data.cache_dir={tmp_path_factory.mktemp('cache')}", "data.workers=1"]
    config = compose([*words, "data.validation_fraction=0.2", "evaluator=[task_metrics]"])
    progress = Progress(quiet=True)
    corpus = prepare_corpus(config, progress)
    return config, corpus, prepare_examples(config, corpus, progress)


def loader_of(real, size=64, world=1, rank=0):
    config, _, made = real
    device = torch.device("cpu")
    parts = (config.objective, made.tokenizer, made.train, made.validation)
    return Loader(*parts, seed=3, batch_size=size, accumulation=1, device=device, share=rank, shares=world)


def test_half_of_the_pairs_are_parted_and_never_of_one_document_or_the_other_split(real):
    _, corpus, made = real
    owners: dict[str, dict[Any, set[str]]] = {"train": {}, "validation": {}}
    for split, documents in (("train", corpus.train()), ("validation", corpus.validation())):
        for document in documents:
            for example in Nsp().examples(document, made.tokenizer, 64, {}):
                second = tuple(example["input_ids"][example["boundary"] :])
                first = tuple(example["input_ids"][: example["boundary"]])
                owners[split].setdefault((0, first), set()).add(document.id)
                owners[split].setdefault((1, second), set()).add(document.id)
    loader, end = loader_of(real), made.tokenizer.sep_token_id
    order = loader.order()
    batches = {
        "train": [b for step in range(len(made.train) // 64) for b in loader.micro_batches(order, step)],
        "validation": list(loader.validation_batches()),
    }
    for split, found in batches.items():
        labels = torch.cat([b["next_sentence_label"] for b in found])
        assert abs(float(labels.float().mean()) - 0.5) < 4 * 0.5 / len(labels) ** 0.5
        for batch in found:
            for row, label in zip(batch["input_ids"].tolist(), batch["next_sentence_label"].tolist(), strict=True):
                middle = row.index(end)
                first, second = tuple(row[1:middle]), tuple(row[middle + 1 : row.index(end, middle + 1)])
                one, other = owners[split][0, first], owners[split][1, second]
                assert (len(one | other) > 1) if label else (one & other)
    lengths: dict[int, list[int]] = {0: [], 1: []}
    for batch in batches["train"]:
        for kinds, label in zip(batch["token_type_ids"].tolist(), batch["next_sentence_label"].tolist(), strict=True):
            lengths[label].append(sum(kinds))
    together, parted = np.array(lengths[0]), np.array(lengths[1])
    spread = (together.var() / len(together) + parted.var() / len(parted)) ** 0.5
    assert abs(together.mean() - parted.mean()) < 4 * spread, "lengths do not tell the two kinds apart"


def test_pairs_are_the_same_for_any_cut_and_drawn_anew_in_every_epoch(real):
    def drawn(size, world=1):
        loaders = [loader_of(real, size, world, rank) for rank in range(world)]
        order, found = loaders[0].order(), []
        for step in range(64 // size):
            shares = [b["input_ids"] for each in loaders for b in each.micro_batches(order, step)]
            rows = [[row[row != 0].tolist() for row in share] for share in shares]
            found += [rows[i % world][i // world] for i in range(size)]
        return sorted(map(tuple, found))

    # Steps of one size see the same examples; what stands in a row must not depend on its neighbours or on processes.
    assert drawn(64) == drawn(64, world=2)
    loader = loader_of(real)
    picked = [(0, i) for i in range(40)]
    whole = loader._collate(loader.train, picked, stream=1, parts=1)["next_sentence_label"]
    alone = [loader._collate(loader.train, [each], stream=1, parts=1)["next_sentence_label"] for each in picked]
    assert torch.equal(whole, torch.cat(alone))
    again = loader._collate(loader.train, [(1, i) for _, i in picked], stream=1, parts=1)["next_sentence_label"]
    assert not torch.equal(whole, again)
