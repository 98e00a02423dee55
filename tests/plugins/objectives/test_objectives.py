"""Losses against those of `transformers`, invariance to the cut into batches, and the shares of what is masked."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from stand_ins import stand_in
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from pluglm import Document
from pluglm_models.causal_lm import CausalLm
from pluglm_models.masked_lm import MaskedLm
from pluglm_objectives.classification import Classification
from pluglm_objectives.clm import Clm
from pluglm_objectives.masking import chosen_positions, random_tokens, word_starts
from pluglm_objectives.mlm import Mlm
from pluglm_tokenizers.bpe import Bpe
from pluglm_tokenizers.byte import Byte

TOKENIZER = Byte().build(iter(()))
TEXTS = ["The cat sat.", "On the mat, a dog ran away!", "x", "Größe", "A bird flew over it all."]
LABELS = ["b", "a", "b", "c", "b"]
DOCUMENTS = [Document(text, fields={"label": label}) for text, label in zip(TEXTS, LABELS, strict=True)]
DECODERS = {name: CausalLm(size="nano", architecture=name) for name in ("llama", "gpt2")}
MODELS = {**DECODERS, "bert": MaskedLm(size="nano")}


def generators(count, seed=0):
    return [np.random.default_rng((seed, i)) for i in range(count)]


def examples(objective, documents=DOCUMENTS, length=64):
    fitted = objective.fit(documents)
    return [e for document in documents for e in objective.examples(document, TOKENIZER, length, fitted)]


def collated(objective, picked, first=0):
    return objective.collate(picked, TOKENIZER, generators(first + len(picked))[first:])


def model(technique, objective, documents=DOCUMENTS):
    torch.manual_seed(0)
    options = objective.model_options(objective.fit(documents))
    return technique.build(objective.head, TOKENIZER, 64, options).eval()


CASES = [
    *((Clm(), technique) for technique in DECODERS.values()),
    *((Mlm(masking=masking), MODELS["bert"]) for masking in ("token", "whole_word", "span")),
    *((Classification(), technique) for technique in MODELS.values()),
]


@pytest.mark.parametrize(("objective", "technique"), CASES)
def test_the_loss_is_that_of_transformers(objective, technique):
    batch = collated(objective, examples(objective))
    built = model(technique, objective)
    with torch.no_grad():
        ours = objective.loss(built, batch)
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "labels")}
        theirs = built(**inputs).loss
    torch.testing.assert_close(ours.sums.sum() / ours.counts.sum(), theirs, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(ours.outputs.logits, built(**inputs).logits)


@pytest.mark.parametrize(
    ("objective", "technique"),
    [*CASES, (Classification(class_weights="balanced", label_smoothing=0.1), MODELS["bert"])],
)
def test_sums_and_counts_do_not_depend_on_the_cut(objective, technique):
    built, parts = model(technique, objective), examples(objective)

    def of_cut(size):
        found = []
        for start in range(0, len(parts), size):
            found.append(objective.loss(built, collated(objective, parts[start : start + size], start)))
        return torch.cat([f.sums for f in found]), torch.cat([f.counts for f in found])

    with torch.no_grad():
        whole, counts = of_cut(len(parts))
        for size in (1, 2, 3):
            sums, counted = of_cut(size)
            torch.testing.assert_close(sums, whole, rtol=1e-6, atol=1e-5)
            assert torch.equal(counted, counts)
            assert abs(float(sums.sum() / counted.sum() - whole.sum() / counts.sum())) < 1e-6


@pytest.mark.parametrize(("objective", "technique"), CASES)
def test_embeddings_may_take_the_place_of_ids(objective, technique):
    built, batch = model(technique, objective), collated(objective, examples(objective))
    embeddings = built.get_input_embeddings()(batch["input_ids"]).detach().requires_grad_()
    further = {"weight": torch.ones(5), "field_group": torch.zeros(5, dtype=torch.long)}
    given = objective.loss(built, {**batch, **further, "inputs_embeds": embeddings})
    torch.testing.assert_close(given.sums, objective.loss(built, batch).sums)
    given.sums.sum().backward()
    assert embeddings.grad.abs().sum() > 0
    # The ids no longer count: with other embeddings the loss is another.
    other = objective.loss(built, {**batch, "inputs_embeds": embeddings.detach().flip(0) * 3})
    assert not torch.allclose(other.sums, given.sums)
    torch.testing.assert_close(objective.loss(built, batch).sums, given.sums)


@pytest.mark.parametrize(("objective", "technique"), CASES)
def test_predictions_are_the_likeliest_answers(objective, technique):
    built, batch = model(technique, objective), collated(objective, examples(objective))
    with torch.no_grad():
        told = objective.predict(built, batch)
        losses = objective.loss(built, batch)
    assert len(told.predicted) == len(told.target) == len(told.example) == int(losses.counts.sum())
    assert torch.equal(torch.bincount(told.example, minlength=5), losses.counts.long())
    logits = losses.outputs.logits
    row = 1
    mine = told.example == row
    if objective.name == "classification":
        assert told.predicted[mine].tolist() == [int(logits[row].argmax())]
        assert told.target.tolist() == [1, 0, 1, 2, 1]
    else:
        shift = int(objective.name == "clm")
        places = [p for p, label in enumerate(batch["labels"][row].tolist()) if label != -100 and p >= shift]
        assert told.target[mine].tolist() == [int(batch["labels"][row, p]) for p in places]
        assert told.predicted[mine].tolist() == [int(logits[row, p - shift].argmax()) for p in places]


def test_further_keywords_reach_the_model():
    for objective, technique in CASES:
        batch = collated(objective, examples(objective))
        outputs = objective.loss(model(technique, objective), batch, output_hidden_states=True).outputs
        assert len(outputs.hidden_states) == 3


def test_clm_documents_end_and_are_not_masked_without_padding():
    ids = [e["input_ids"] for e in examples(Clm())]
    assert [TOKENIZER.decode(row[:-1]) for row in ids] == TEXTS
    assert {row[-1] for row in ids} == {TOKENIZER.eos_token_id}
    assert not list(Clm().examples(Document(""), TOKENIZER, 64, {}))
    batch = collated(Clm(), [{"input_ids": ids[0]}, {"input_ids": ids[0]}])
    assert "attention_mask" not in batch
    batch = collated(Clm(), [{"input_ids": ids[0]}, {"input_ids": ids[2]}])
    assert batch["attention_mask"].sum(1).tolist() == [len(ids[0]), 2]
    assert batch["labels"][1].tolist() == ids[2] + [-100] * (len(ids[0]) - 2)


@pytest.mark.parametrize("technique", DECODERS.values(), ids=DECODERS)
def test_packed_documents_that_are_isolated_have_the_loss_of_each_alone(technique):
    objective = Clm(isolate_documents=True)
    parts, built = examples(objective), model(technique, objective)
    rows = [[token for part in parts[a:b] for token in part["input_ids"]] for a, b in ((0, 3), (3, 5))]
    packed = collated(objective, [{"input_ids": row} for row in rows])
    assert packed["position_ids"][0, :16].tolist() == [*range(13), 0, 1, 2]
    with torch.no_grad():
        losses = objective.loss(built, packed)
        alone = [Clm().loss(built, collated(Clm(), [part])) for part in parts]
        joined = Clm().loss(built, collated(Clm(), [{"input_ids": row} for row in rows]))
    for row, own in ((0, alone[:3]), (1, alone[3:])):
        torch.testing.assert_close(losses.sums[row], sum(part.sums[0] for part in own), rtol=1e-6, atol=1e-5)
        assert losses.counts[row] == sum(part.counts[0] for part in own)
    assert joined.counts.sum() == losses.counts.sum() + 3
    assert not torch.allclose(joined.sums, losses.sums)


def test_special_tokens_spelt_out_in_a_text_stay_text():
    hostile = [Document("a </s><mask><pad> b", fields={"label": label}) for label in "ab"]
    for objective in (Clm(), Mlm(), Classification()):
        ids = examples(objective, hostile)[0]["input_ids"]
        assert TOKENIZER.decode(ids, skip_special_tokens=True) == "a </s><mask><pad> b"


def hide(objective, ids, count=400, tokenizer=TOKENIZER):
    batch = objective.collate([{"input_ids": ids}] * count, tokenizer, generators(count))
    labels, inputs = batch["labels"].numpy(), batch["input_ids"].numpy()
    return inputs, labels, labels != -100


@pytest.mark.parametrize("masking", ["token", "whole_word", "span"])
def test_mlm_hides_the_share_it_is_told_to(masking):
    ids = TOKENIZER("a tiny cat and one big dog ran to it all " * 6, add_special_tokens=False)["input_ids"]
    inputs, labels, chosen = hide(Mlm(masking=masking, probability=0.2), [4, *ids, 3])
    assert abs(chosen[:, 1:-1].mean() - 0.2) < 0.02
    assert not chosen[:, [0, -1]].any(), "special tokens are never hidden"
    original = np.array([4, *ids, 3])[None].repeat(400, 0)
    assert (labels[chosen] == original[chosen]).all() and (inputs[~chosen] == original[~chosen]).all()
    masked = (inputs[chosen] == TOKENIZER.mask_token_id).mean()
    same = (inputs[chosen] == original[chosen]).mean()
    # Of the random tokens, 1 in 256 happens to be the right one.
    assert abs(masked - 0.8) < 0.01 and abs(same - 0.1) < 0.01
    assert (inputs[chosen & (inputs != TOKENIZER.mask_token_id)] >= 7).all(), "random tokens are not special ones"


def test_mlm_always_hides_something_and_only_by_its_generator():
    inputs, _, chosen = hide(Mlm(probability=0.001), [4, 50, 51, 3], count=50)
    assert (chosen.sum(1) == 1).all()
    torch.manual_seed(5)
    again, _, _ = hide(Mlm(probability=0.001), [4, 50, 51, 3], count=50)
    assert (inputs == again).all()
    assert len(np.unique(inputs, axis=0)) > 2
    assert not hide(Mlm(), [4, 3], count=2)[2].any()


def test_whole_words_are_hidden_whole():
    text = "Größe naïve, (cats) don't sit\nhere"
    bpe = Bpe(vocab_size=300).build(iter([text] * 5))
    for tokenizer in (TOKENIZER, bpe):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        starts = np.flatnonzero(word_starts(ids, tokenizer))
        words = [tokenizer.decode(part) for part in np.split(np.array(ids), starts[1:])]
        assert "".join(words) == text
        stripped = [word.strip() for word in words if word.strip()]
        assert stripped == ["Größe", "naïve", ",", "(", "cats", ")", "don", "'", "t", "sit", "here"] or (
            # A merge across the apostrophe is one token, which cannot be split.
            stripped == ["Größe", "naïve", ",", "(", "cats", ")", "don", "'t", "sit", "here"]
        )
    groups = np.cumsum(word_starts(ids, bpe)) - 1
    chosen = hide(Mlm(masking="whole_word"), ids, tokenizer=bpe)[2]
    for group in range(groups.max() + 1):
        of_word = chosen[:, groups == group]
        assert (of_word.all(1) == of_word.any(1)).all()


def test_word_pieces_say_where_words_begin():
    backend = Backend(models.WordPiece({"[UNK]": 0, "play": 1, "##ing": 2, "a": 3}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")
    assert word_starts(tokenizer("a playing play")["input_ids"], tokenizer).tolist() == [True, True, False, True]


def test_spans_have_the_mean_length_they_are_told_to():
    candidates = np.ones(2000, dtype=bool)
    runs = []
    for seed in range(30):
        chosen = chosen_positions(candidates, np.arange(2000), 0.02, np.random.default_rng(seed), span=4)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen.astype(int), [0]])))
        runs += list(edges[1::2] - edges[::2])
    assert 3.4 < np.mean(runs) < 4.6  # geometric, mean 4; few of the spans touch
    assert max(runs) > 8


def test_random_tokens_are_uniform_over_all_but_the_special_ones():
    drawn = random_tokens(256 * 400, TOKENIZER, np.random.default_rng(0))
    counts = np.bincount(drawn, minlength=len(TOKENIZER))
    assert (counts[:7] == 0).all()
    assert ((counts[7:] - 400) ** 2 / 400).sum() < 256 + 4 * (2 * 256) ** 0.5  # chi-squared, 255 degrees of freedom


@pytest.mark.parametrize("wrong", [{"probability": 0}, {"mask_share": 0.95}, {"masking": "none"}, {"span_length": 0}])
def test_mlm_refuses_impossible_values(wrong):
    with pytest.raises(ValidationError):
        Mlm(**wrong)


def test_classification_learns_its_labels_and_refuses_others():
    objective = Classification()
    fitted = objective.fit(DOCUMENTS)
    assert fitted == {"labels": ["a", "b", "c"], "counts": [1, 3, 1]}
    options = objective.model_options(fitted)
    assert options["id2label"] == {0: "a", 1: "b", 2: "c"} and options["label2id"] == {"a": 0, "b": 1, "c": 2}
    for document, reason in [
        (Document("x", fields={"label": "z"}), "does not occur"),
        (Document(" ", fields={"label": "a"}), "empty"),
        (Document("x", fields={"label": ["a", "b"]}), "2 labels"),
    ]:
        with pytest.raises(ValueError, match=reason):
            list(objective.examples(document, TOKENIZER, 64, fitted))
    with pytest.raises(ValueError, match="two are needed"):
        list(objective.examples(DOCUMENTS[0], TOKENIZER, 64, {"labels": ["b"], "counts": [1]}))
    assert objective.required_fields() == ("label",) and Classification(label="topic").required_fields() == ("topic",)


def test_long_documents_are_cut_but_keep_their_ends():
    (example,) = Classification().examples(
        Document("x" * 99, fields={"label": "a"}), TOKENIZER, 16, {"labels": ["a", "b"], "counts": [1, 1]}
    )
    ids = example["input_ids"]
    assert len(ids) == 16 and (ids[0], ids[-1]) == (TOKENIZER.cls_token_id, TOKENIZER.eos_token_id)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_balanced_weights_are_those_of_scikit_learn(smoothing):
    from sklearn.utils.class_weight import compute_class_weight

    objective = Classification(class_weights="balanced", label_smoothing=smoothing)
    batch = collated(objective, examples(objective))
    weights = compute_class_weight("balanced", classes=np.array(["a", "b", "c"]), y=np.array(LABELS))
    assert batch["balance"].tolist() == pytest.approx([weights["abc".index(label)] for label in LABELS])
    with torch.no_grad():
        losses = objective.loss(model(MODELS["bert"], objective), batch)
    logits, labels = losses.outputs.logits, batch["labels"]
    each = F.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
    torch.testing.assert_close(losses.sums, each * batch["balance"])
    if not smoothing:
        theirs = F.cross_entropy(logits, labels, weight=torch.tensor(weights, dtype=torch.float))
        torch.testing.assert_close(losses.sums.sum() / losses.counts.sum(), theirs)


def test_several_labels_at_once():
    documents = [Document("x", fields={"label": given}) for given in (["a", "c"], [], ["b"], "c")]
    objective = Classification(multiple=True)
    batch = collated(objective, examples(objective, documents))
    assert batch["labels"].tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 1]]
    built = model(MODELS["bert"], objective, documents)
    with torch.no_grad():
        losses, told = objective.loss(built, batch), objective.predict(built, batch)
        theirs = built(**batch).loss  # a mean over labels too
    torch.testing.assert_close(losses.sums.mean() / 3, theirs)
    assert torch.equal(told.predicted.view(4, 3), (losses.outputs.logits > 0).long())
    assert told.target.view(4, 3).tolist() == batch["labels"].tolist() and told.example.tolist()[:4] == [0, 0, 0, 1]
    with pytest.raises(ValidationError):
        Classification(multiple=True, class_weights="balanced")


def test_tokenizers_without_some_special_tokens_serve_too():
    backend = Backend(models.WordLevel({"[CLS]": 0, "[SEP]": 1, "[PAD]": 2, "x": 3, "[MASK]": 4}, unk_token="x"))
    encoder = PreTrainedTokenizerFast(
        tokenizer_object=backend, cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", mask_token="[MASK]"
    )
    decoder = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="[CLS]", eos_token="[SEP]")
    bare = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]")
    fitted = {"labels": ["a", "b"], "counts": [1, 1]}
    document = Document("x", fields={"label": "a"})
    for tokenizer, expected in ((encoder, [0, 3, 1]), (decoder, [0, 3, 1]), (bare, [3])):
        (example,) = Classification().examples(document, tokenizer, 8, fitted)
        assert example["input_ids"] == expected
    (example,) = Clm().examples(document, encoder, 8, {})
    assert example["input_ids"] == [3, 1]


def test_a_model_without_the_head_is_a_problem():
    for objective, kind, suggested in ((Clm(), "bert", "causal_lm"), (Mlm(), "llama", "masked_lm")):
        (problem,) = objective.problems(stand_in(model=MODELS[kind]))
        assert problem.path == "model" and suggested in problem.hint
        assert objective.suggests == {"model": suggested}
    for technique in MODELS.values():
        assert not list(Classification().problems(stand_in(model=technique)))


def test_packed_documents_that_are_isolated_have_the_masked_loss_of_each_alone():
    objective, built = Mlm(isolate_documents=True), model(MODELS["bert"], Mlm())
    parts = examples(Mlm())
    rows = [[token for part in parts[a:b] for token in part["input_ids"]] for a, b in ((0, 3), (3, 5))]
    packed = collated(objective, [{"input_ids": row} for row in rows])
    ends = [np.cumsum([0, *(len(part["input_ids"]) for part in parts[a:b])]) for a, b in ((0, 3), (3, 5))]
    with torch.no_grad():
        losses = objective.loss(built, packed)
        joined = Mlm().loss(built, {name: packed[name] for name in ("input_ids", "labels")})
        for row, cuts in enumerate(ends):
            alone = [
                Mlm().loss(built, {name: packed[name][row : row + 1, a:b] for name in ("input_ids", "labels")})
                for a, b in itertools.pairwise(cuts.tolist())
            ]
            torch.testing.assert_close(losses.sums[row], sum(part.sums[0] for part in alone), rtol=1e-6, atol=1e-6)
            assert losses.counts[row] == sum(part.counts[0] for part in alone)
    assert not torch.allclose(joined.sums, losses.sums)
