"""Spans against the properties of T5's release, the text from source and target, and the loss of `transformers`."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pluglm import ConfigError, Document
from pluglm.batching.tokenizer import add_extra_tokens, saved_tokenizer
from pluglm.config.compose import compose
from pluglm_models.seq2seq import Seq2seq
from pluglm_objectives.span_corruption import SpanCorruption, corrupted, parted, span_mask
from pluglm_tokenizers.bpe import Bpe
from pluglm_tokenizers.byte import Byte

OBJECTIVE = SpanCorruption()
TOKENIZER = Byte().build(iter(()))
add_extra_tokens(TOKENIZER, OBJECTIVE.extra_tokens())
TEXTS = ["The cat sat on the mat, and then it slept.", "On the mat, a dog ran away!", "x", "Größe"]


def collated(objective=OBJECTIVE, texts=TEXTS, seed=0):
    rows = [e for text in texts for e in objective.examples(Document(text), TOKENIZER, 64, {})]
    return rows, objective.collate(rows, TOKENIZER, [np.random.default_rng((seed, i)) for i in range(len(rows))])


@pytest.mark.parametrize("length", [2, 3, 10, 64, 511, 512])
@pytest.mark.parametrize(("density", "mean"), [(0.15, 3.0), (0.4, 1.5), (0.3, 10.0)])
def test_masks_have_the_properties_of_those_of_the_release(length, density, mean):
    # random_spans_noise_mask in t5/data/preprocessors.py: these numbers, and a text begins with what stays.
    noise = min(max(round(length * density), 1), length - 1)
    spans = min(max(round(noise / mean), 1), length - noise, noise)
    firsts = set()
    for seed in range(50):
        mask = span_mask(length, density, mean, np.random.default_rng(seed))
        edges = np.diff(mask.astype(int), prepend=0)
        assert mask.sum() == noise and (edges == 1).sum() == spans
        assert not mask[0] and mask[-1]
        firsts.add(int(np.flatnonzero(mask)[0]))
    assert len(firsts) > 1 or spans == 1


def test_every_way_of_parting_is_equally_likely():
    generator = np.random.default_rng(0)
    found = [tuple(parted(6, 3, generator)) for _ in range(6000)]
    ways = [(a, b, 6 - a - b) for a in range(1, 5) for b in range(1, 6 - a)]
    counts = np.array([found.count(way) for way in ways])
    assert counts.sum() == 6000 and len(ways) == 10
    assert ((counts - 600) ** 2 / 600).sum() < 30  # chi-squared, 9 degrees of freedom: 0.9996


def test_the_example_of_the_paper():
    words = "Thank you for inviting me to your party last week .".split()
    mask = [word in ("for", "inviting", "last") for word in words]
    ids = list(range(len(words)))
    source, target = corrupted(ids, mask, [100, 101, 102])
    assert source == [0, 1, 100, 4, 5, 6, 7, 101, 9, 10] and target == [100, 2, 3, 101, 8]


def test_the_text_comes_back_from_source_and_target():
    rows, batch = collated()
    sentinels = TOKENIZER.convert_tokens_to_ids(list(OBJECTIVE.extra_tokens()))
    for example, source, target in zip(rows, batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
        source = source[: source.index(TOKENIZER.pad_token_id)] if TOKENIZER.pad_token_id in source else source
        target = [token for token in target if token != -100]
        assert source.pop() == target.pop() == TOKENIZER.eos_token_id
        spans: dict[int, list[int]] = {}
        restored: list[int] = []
        for token in target:
            if token in sentinels:
                spans[token] = []
                last = token
            else:
                spans[last].append(token)
        assert list(spans) == sentinels[: len(spans)] and all(spans.values())
        for token in source:
            restored += spans.get(token, [token])
        assert restored == list(example["input_ids"])


def test_spans_are_drawn_by_the_examples_own_generators():
    assert torch.equal(collated()[1]["labels"], collated()[1]["labels"])
    assert not torch.equal(collated(seed=1)[1]["input_ids"], collated()[1]["input_ids"])


@pytest.mark.parametrize("architecture", ["t5", "bart"])
def test_the_loss_is_that_of_transformers(architecture):
    torch.manual_seed(0)
    model = Seq2seq(size="nano", architecture=architecture).build(OBJECTIVE.head, TOKENIZER, 64, {}).eval()
    _, batch = collated()
    with torch.no_grad():
        ours = OBJECTIVE.loss(model, batch)
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "labels")}
        theirs = model(**inputs)
    torch.testing.assert_close(ours.sums.sum() / ours.counts.sum(), theirs.loss, rtol=1e-6, atol=1e-6)
    told = OBJECTIVE.predict(model, batch)
    assert torch.equal(told.predicted, theirs.logits.argmax(-1)[batch["labels"] != -100])


def test_sentinels_stand_behind_all_other_tokens_and_are_kept(tmp_path):
    plain = Bpe(vocab_size=300).build(iter(["some text, some more"] * 3))
    before = plain.get_vocab()
    add_extra_tokens(plain, ("<extra_id_0>",))
    add_extra_tokens(plain, OBJECTIVE.extra_tokens())
    add_extra_tokens(plain, OBJECTIVE.extra_tokens())
    plain.save_pretrained(tmp_path)
    tokenizer = saved_tokenizer(tmp_path)
    vocabulary = tokenizer.get_vocab()
    assert len(tokenizer) == len(before) + 100 and all(vocabulary[token] == number for token, number in before.items())
    added = [vocabulary[token] for token in OBJECTIVE.extra_tokens()]
    assert added == list(range(len(before), len(before) + 100))
    assert set(added) <= set(tokenizer.all_special_ids)
    # Spelt out in a text, a sentinel is text.
    (example,) = OBJECTIVE.examples(Document("a <extra_id_1> b"), tokenizer, 64, {})
    assert not set(added) & set(example["input_ids"])
    assert tokenizer.decode(example["input_ids"], skip_special_tokens=True) == "a <extra_id_1> b"


def test_too_few_sentinels_are_told():
    with pytest.raises(ConfigError, match=r"objective\.sentinels.*fewer than the 26 spans.*write 26 or more"):
        compose(["objective=span_corruption", "objective.sentinels=20", "data.sequence_length=512"])
    compose(["objective=span_corruption", "objective.sentinels=26", "data.sequence_length=512"])
