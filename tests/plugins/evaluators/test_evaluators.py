"""Scores against `transformers` one sentence at a time, scikit-learn, SciPy's bootstrap, and sums by hand."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import bootstrap
from sklearn import metrics

from pluglm import Document, Evaluation, Objective, Predictions
from pluglm_evaluators.bootstrap import ratio_interval
from pluglm_evaluators.byte_ngrams import bits_per_byte, joined_bytes
from pluglm_evaluators.perplexity import Perplexity, byte_counter
from pluglm_evaluators.sentence_pairs import built_in_pairs
from pluglm_evaluators.stereotype_pairs import StereotypePairs, icat, preference, shared_tokens
from pluglm_evaluators.task_metrics import TaskMetrics, class_scores
from pluglm_models.causal_lm import CausalLm
from pluglm_models.masked_lm import MaskedLm
from pluglm_objectives.classification import Classification
from pluglm_objectives.clm import Clm
from pluglm_objectives.mlm import Mlm
from pluglm_tokenizers.bpe import Bpe
from pluglm_tokenizers.byte import Byte

BYTE = Byte().build(iter(()))
BPE = Bpe(vocab_size=300).build(iter(["the cat sat on the mat " * 20]))
TEXTS = ["The cat sat.", "Größe 東京", "On the mat, a dog ran away!", "x"]
LABELS = ["b", "a", "b", "b"]
DOCUMENTS = [Document(text, fields={"label": label}) for text, label in zip(TEXTS, LABELS, strict=True)]
LENGTH = 64


def model_of(objective, tokenizer=BYTE):
    torch.manual_seed(0)
    technique = MaskedLm(size="nano") if isinstance(objective, Mlm) else CausalLm(size="nano")
    model = technique.build(objective.head, tokenizer, LENGTH, objective.model_options(objective.fit(DOCUMENTS)))
    with torch.no_grad():
        # A model as it begins hardly prefers anything; differences should be far from rounding.
        for parameter in model.parameters():
            parameter.mul_(4)
    return model.eval()


def evaluation_of(objective, tokenizer=BYTE, model=None, length=LENGTH, documents=DOCUMENTS, batches=None):
    fitted = objective.fit(documents)
    parts = [e for d in documents for e in objective.examples(d, tokenizer, length, fitted)]

    def batched():
        for start in range(0, len(parts), 2):
            part = parts[start : start + 2]
            yield objective.collate(part, tokenizer, [np.random.default_rng(start + i) for i in range(len(part))])

    notes: list[str] = []
    cache = Path("cache")
    cache.mkdir(exist_ok=True)
    return Evaluation(
        model=model or model_of(objective, tokenizer),
        tokenizer=tokenizer,
        objective=objective,
        batches=batches or batched,
        training_documents=lambda: iter([Document("the cat sat on the mat " * 20), Document("a dog ran")]),
        validation_documents=lambda: iter(documents),
        sequence_length=length,
        seed=5,
        cache=cache,
        note=notes.append,
    ), notes


def scores(technique, evaluation):
    with torch.no_grad():
        return {score.name: score for score in technique.evaluate(evaluation)}


def nats_of(model, ids):
    """-log p of ids[1:], one at a time."""
    total = 0.0
    with torch.no_grad():
        for end in range(1, len(ids)):
            logits = model(input_ids=torch.tensor([ids[:end]])).logits[0, -1].double()
            total -= float(torch.log_softmax(logits, dim=0)[ids[end]])
    return total


@pytest.mark.parametrize("tokenizer", [BYTE, BPE], ids=["byte", "bpe"])
def test_perplexity_and_bits_per_byte_by_hand(tokenizer):
    evaluation, _ = evaluation_of(Clm(), tokenizer)
    nats = tokens = size = 0
    for text in TEXTS:
        ids = [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        nats += nats_of(evaluation.model, ids)
        tokens += len(ids) - 1
        size += len(text.encode()) - len(tokenizer.convert_ids_to_tokens(ids[0]))
    found = scores(Perplexity(baselines=False), evaluation)
    assert set(found) == {"perplexity", "bits_per_byte"}
    assert found["perplexity"].value == pytest.approx(math.exp(nats / tokens), rel=1e-4)
    assert found["bits_per_byte"].value == pytest.approx(nats / math.log(2) / size, rel=1e-4)
    assert (found["perplexity"].n, found["bits_per_byte"].n) == (tokens, size)
    for score in found.values():
        assert score.low <= score.value <= score.high and score.better == "lower"


def test_masked_perplexity_is_exp_of_the_loss_of_transformers():
    objective = Mlm(probability=0.5)
    evaluation, _ = evaluation_of(objective)
    nats, tokens = 0.0, 0
    with torch.no_grad():
        for batch in evaluation.batches():
            hidden = int((batch["labels"] >= 0).sum())
            nats += float(evaluation.model(**batch).loss) * hidden
            tokens += hidden
    found = scores(Perplexity(), evaluation)
    assert set(found) == {"masked_perplexity"}
    assert found["masked_perplexity"].value == pytest.approx(math.exp(nats / tokens), rel=1e-5)
    assert found["masked_perplexity"].n == tokens


def test_bytes_are_those_of_the_text_wherever_it_is_cut():
    text = "Größe 東京 👩‍🔬 the mat"
    for tokenizer in (BYTE, BPE):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        count = byte_counter(tokenizer)
        assert count([*ids, tokenizer.eos_token_id, tokenizer.pad_token_id]) == len(text.encode())
        for cut in range(len(ids)):
            assert count(ids[:cut]) + count(ids[cut:]) == len(text.encode())


def test_bytes_of_a_vocabulary_that_is_not_of_bytes():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.WordPiece({"[UNK]": 0, "grö": 1, "##ße": 2, "da": 3, "[SEP]": 4}, unk_token="[UNK]"))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Whitespace(), decoders.WordPiece()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", sep_token="[SEP]")
    assert byte_counter(tokenizer)([1, 2, 3, 4]) == len("größe da".encode())


def test_models_without_words_and_batches_without_targets_leave_a_note():
    evaluation, notes = evaluation_of(Classification())
    assert scores(Perplexity(), evaluation) == {} and len(notes) == 1
    assert scores(StereotypePairs(), evaluation) == {} and len(notes) == 2
    empty, notes = evaluation_of(Clm(), batches=lambda: iter(()))
    assert scores(Perplexity(), empty) == {} and len(notes) == 1
    assert scores(TaskMetrics(), empty) == {} and len(notes) == 2


def as_bytes(text):
    return np.frombuffer(text.encode(), dtype=np.uint8)


def witten_bell(train, history, symbol):
    """P(symbol | history) with dictionaries, as the recursion is written in Chen and Goodman 1999, equation 12."""
    shorter = witten_bell(train, history[1:], symbol) if history else 1 / 256
    after = [train[i + len(history)] for i in range(len(train) - len(history)) if train[i:].startswith(history)]
    if not after:
        return shorter
    seen = Counter(after)
    return (seen[symbol] + len(seen) * shorter) / (len(after) + len(seen))


def test_witten_bell_by_hand():
    # In "abab" a and b occur twice each, two kinds: (2 + 2/256) / (4 + 2) for each.
    known, unknown = (2 + 2 / 256) / 6, (2 / 256) / 6
    assert bits_per_byte(as_bytes("abab"), as_bytes("ab"), 1) == pytest.approx(-math.log2(known))
    assert bits_per_byte(as_bytes("abab"), as_bytes("c"), 1) == pytest.approx(-math.log2(unknown))
    # b always follows a, twice, one kind: (2 + known) / (2 + 1). The first byte has no history.
    second = (2 + known) / 3
    assert bits_per_byte(as_bytes("abab"), as_bytes("ab"), 2) == pytest.approx(-math.log2(known * second) / 2)
    # Nothing was seen after c, so that a keeps its own probability.
    assert bits_per_byte(as_bytes("abab"), as_bytes("ca"), 2) == pytest.approx(-math.log2(unknown * known) / 2)


@pytest.mark.parametrize("order", [1, 2, 3, 5, 8])
def test_witten_bell_is_the_recursion_of_the_paper(order):
    train, test = "the cat sat on the mat; the rat ate that", "that cat ate the hat, zzz the the"
    bits = [-math.log2(witten_bell(train, test[max(0, i - order + 1) : i], test[i])) for i in range(len(test))]
    assert bits_per_byte(as_bytes(train), as_bytes(test), order) == pytest.approx(sum(bits) / len(test), rel=1e-12)


@pytest.mark.parametrize("history", ["", "t", "th", "zz", "the "])
def test_witten_bell_probabilities_sum_to_1(history):
    train = as_bytes("the cat sat on the mat; the rat ate that")
    head = as_bytes(history)
    before = bits_per_byte(train, head, 4) * len(head) if history else 0.0
    each = [
        2 ** (before - bits_per_byte(train, np.append(head, np.uint8(byte)), 4) * (len(head) + 1))
        for byte in range(256)
    ]
    assert sum(each) == pytest.approx(1, abs=1e-9)
    assert min(each) > 0


def test_a_training_text_shorter_than_the_order_serves_as_far_as_it_goes():
    assert bits_per_byte(as_bytes("ab"), as_bytes("abab"), 5) == bits_per_byte(as_bytes("ab"), as_bytes("abab"), 2)
    assert bits_per_byte(as_bytes(""), as_bytes("abab"), 3) == pytest.approx(8)


def test_the_baselines_are_measured_on_the_same_text_and_kept():
    evaluation, _ = evaluation_of(Clm())
    train = "".join(d.text + "\0" for d in evaluation.training_documents())
    test = "".join(text + "\0" for text in TEXTS)
    found = scores(Perplexity(), evaluation)
    size = len("".join(TEXTS).encode())
    for name, order in (("trigram", 3), ("5gram", 5)):
        score = found[f"bits_per_byte_{name}"]
        total = bits_per_byte(as_bytes(train), as_bytes(test), order) * len(test.encode())
        assert score.value == pytest.approx(total / size)
        assert score.n == size and score.baseline
    (kept,) = evaluation.cache.iterdir()
    kept.write_text(json.dumps({"trigram": 1.0}))
    again = scores(Perplexity(), evaluation)
    assert again["bits_per_byte_trigram"].value == pytest.approx(len(test.encode()) / size)
    assert "bits_per_byte_trigram" not in scores(Perplexity(baselines=False), evaluation)


def test_bytes_are_joined_up_to_the_most():
    assert joined_bytes(iter(["ab", "ü"]), 100).tobytes() == b"ab\0\xc3\xbc\0"
    assert joined_bytes(iter(["abc", "d", "e"]), 5).tobytes() == b"abc\0d"

    def endless():
        while True:
            yield "abc"

    assert len(joined_bytes(endless(), 1000)) == 1000


def test_the_interval_is_that_of_scipy():
    generator = np.random.default_rng(1)
    tops, bottoms = generator.exponential(2, 200), generator.integers(5, 30, 200)
    ours = ratio_interval(tops, bottoms, 3)
    theirs = bootstrap(
        (tops, bottoms),
        lambda a, b, axis: a.sum(axis=axis) / b.sum(axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.08 * width)
    assert ratio_interval(tops, bottoms, 3) == ours != ratio_interval(tops, bottoms, 4)


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(2).random(2000)
    error = values.std() / math.sqrt(len(values))
    low, high = ratio_interval(values, np.ones(2000), 0)
    assert (low, high) == pytest.approx((values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.2 * error)
    assert ratio_interval([2.0, 2.0], [1, 1], 0) == (2.0, 2.0)


def test_class_scores_by_hand_and_as_scikit_learn():
    targets, predicted = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 0])
    # Class 0: 2 of 4 predicted, 2 of 3 found; class 1: 1 of 2, 1 of 2; class 2 never predicted.
    f1 = [2 * (1 / 2) * (2 / 3) / (1 / 2 + 2 / 3), 1 / 2, 0]
    found = class_scores(targets, predicted)
    assert found["macro_precision"] == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    assert found["macro_recall"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert found["macro_f1"] == pytest.approx(sum(f1) / 3)
    assert found["mcc"] == pytest.approx((3 * 6 - (3 * 4 + 2 * 2)) / math.sqrt((36 - 14) * (36 - 20)))


class Told(Objective):
    """Answers as it is told, so that what is measured is known."""

    head = "AutoModelForSequenceClassification"

    def examples(self, document, tokenizer, sequence_length, fitted):
        return ()

    def collate(self, examples, tokenizer, generators):
        return {}

    def loss(self, model, batch, **forward):
        raise NotImplementedError

    def predict(self, model, batch):
        predicted, target, example = (torch.tensor(batch[name]) for name in ("predicted", "target", "example"))
        return Predictions(predicted, target, example)


def told(predicted, targets, examples=None, size=None):
    """Batches of seven examples."""
    examples = list(range(len(targets))) if examples is None else examples
    batches = []
    for first in range(0, size or len(targets), 7):
        own = [i for i, example in enumerate(examples) if first <= example < first + 7]
        batches.append(
            {
                "input_ids": torch.zeros(min(7, (size or len(targets)) - first), 1),
                "predicted": [int(predicted[i]) for i in own],
                "target": [int(targets[i]) for i in own],
                "example": [examples[i] - first for i in own],
            }
        )
    model = SimpleNamespace()
    return evaluation_of(Told(), model=model, batches=lambda: iter(batches))[0]


def test_task_metrics_are_those_of_scikit_learn():
    generator = np.random.default_rng(0)
    targets = generator.choice(4, 300, p=[0.4, 0.3, 0.2, 0.1])
    predicted = np.where(generator.random(300) < 0.6, targets, generator.integers(0, 4, 300))
    found = {name: score.value for name, score in scores(TaskMetrics(), told(predicted, targets)).items()}
    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(targets, predicted),
            "majority_accuracy": max(Counter(targets.tolist()).values()) / 300,
            "macro_precision": metrics.precision_score(targets, predicted, average="macro"),
            "macro_recall": metrics.balanced_accuracy_score(targets, predicted),
            "macro_f1": metrics.f1_score(targets, predicted, average="macro"),
            "mcc": metrics.matthews_corrcoef(targets, predicted),
        }
    )
    assert "macro_f1" not in scores(TaskMetrics(max_classes=3), told(predicted, targets))


def test_accuracy_resamples_examples_and_not_answers():
    # Each of 40 examples has 25 answers, all right or all wrong: as uncertain as 40 answers, not as 1,000.
    right = np.random.default_rng(1).random(40) < 0.5
    examples = [number for number in range(40) for _ in range(25)]
    score = scores(TaskMetrics(), told(np.repeat(right, 25), np.ones(1000), examples, size=40))["accuracy"]
    share = right.mean()
    error = math.sqrt(share * (1 - share) / 40)
    assert score.value == pytest.approx(share)
    assert (score.low, score.high) == pytest.approx((share - 1.96 * error, share + 1.96 * error), abs=0.35 * error)
    assert score.n == 1000


def test_each_task_of_an_objective_has_scores_of_its_own():
    class TwoTasks:
        def predict(self, model, batch):
            pairs = Predictions(torch.tensor([1, 1]), torch.tensor([1, 0]), torch.tensor([0, 1]), "pairs")
            predicted, target, example = map(torch.tensor, ([5, 6, 7, 8], [5, 6, 7, 9], [0, 0, 1, 1]))
            return Predictions(predicted, target, example, "words", also=[pairs])

    evaluation = SimpleNamespace(
        objective=TwoTasks(), model=None, batches=lambda: iter([{"input_ids": [0, 0]}] * 2), seed=0, note=print
    )
    found = {name: (score.value, score.n) for name, score in scores(TaskMetrics(), evaluation).items()}
    assert found["words_accuracy"] == (0.75, 8) and found["pairs_accuracy"] == (0.5, 4)
    assert found["words_majority_accuracy"] == (0.25, 8) and found["pairs_majority_accuracy"] == (0.5, 4)
    assert found["pairs_macro_f1"][0] == pytest.approx(1 / 3) and "accuracy" not in found


def test_task_metrics_of_a_model():
    evaluation, _ = evaluation_of(Clm())
    right = asked = 0
    for text in TEXTS:
        ids = [*BYTE(text, add_special_tokens=False)["input_ids"], BYTE.eos_token_id]
        with torch.no_grad():
            best = evaluation.model(input_ids=torch.tensor([ids])).logits[0, :-1].argmax(dim=-1).tolist()
        right += sum(a == b for a, b in zip(best, ids[1:], strict=True))
        asked += len(ids) - 1
    score = scores(TaskMetrics(), evaluation)["accuracy"]
    assert (score.value, score.n) == (pytest.approx(right / asked), asked)


PAIRS = [
    ("The nurse said she was late.", "The nurse said he was late.", "The nurse said tea was late.", "gender"),
    ("The old man fell.", "The young man fell.", "The seven man fell.", "age"),
    ("The doctor said he knew.", "The doctor said she knew.", "The doctor said oak knew.", "gender"),
    ("Poor people steal.", "Rich people steal.", "Green people steal.", "wealth"),
    ("He left.", "She left.", "Tea left.", "gender"),
    ("Old dogs bark.", "Young dogs bark.", "Blue dogs bark.", "age"),
]


def pairs_file(pairs, name="pairs.jsonl"):
    names = ("stereotype", "antistereotype", "unrelated", "bias_type")
    Path(name).write_text("\n".join(json.dumps(dict(zip(names, pair, strict=False))) for pair in pairs) + "\n")
    return name


def masked_score(model, one, other):
    """The pseudo-log-likelihood of CrowS-Pairs: unchanged tokens of `one`, each hidden in turn, by a diff by hand."""
    ids, others = (BYTE(text, add_special_tokens=False)["input_ids"] for text in (one, other))
    head = next(i for i in range(len(ids)) if ids[i] != others[i])
    tail = next(i for i in range(1, len(ids)) if ids[-i] != others[-i]) - 1
    total = 0.0
    for position in [*range(head), *range(len(ids) - tail, len(ids))]:
        row = [BYTE.cls_token_id, *ids, BYTE.eos_token_id]
        row[position + 1] = BYTE.mask_token_id
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row])).logits[0, position + 1].double()
        total += float(torch.log_softmax(logits, dim=0)[ids[position]])
    return total


def by_hand(differences):
    return 100 * np.mean([1.0 if difference > 0 else 0.0 for difference in differences])


def causal_score(model, text):
    return -nats_of(model, [BYTE.eos_token_id, *BYTE(text, add_special_tokens=False)["input_ids"]])


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_stereotype_score_of_a_causal_model_by_hand(batch_size):
    evaluation, _ = evaluation_of(Clm())
    own = {text: causal_score(evaluation.model, text) for pair in PAIRS for text in pair[:3]}
    found = scores(StereotypePairs(path=pairs_file(PAIRS), batch_size=batch_size), evaluation)
    ss = by_hand([own[a] - own[b] for a, b, _, _ in PAIRS])
    lms = by_hand([own[sentence] - own[pair[2]] for pair in PAIRS for sentence in pair[:2]])
    kinds = defaultdict(list)
    for a, b, _, kind in PAIRS:
        kinds[kind].append(own[a] - own[b])
    wanted = {"stereotype_score": ss, "language_modeling_score": lms, "icat": lms * min(ss, 100 - ss) / 50}
    wanted |= {f"stereotype_score_{kind}": by_hand(values) for kind, values in kinds.items()}
    assert {name: score.value for name, score in found.items()} == pytest.approx(wanted)
    assert 0 < ss < 100
    pairs = [(stereotype, other) for stereotype, other, *_ in PAIRS]
    exact = StereotypePairs(batch_size=batch_size)._causal(evaluation, pairs)
    assert np.array(exact) == pytest.approx(np.array([[own[a], own[b]] for a, b in pairs]), abs=1e-3)


@pytest.mark.parametrize("batch_size", [7, 64])
def test_scores_of_a_masked_model_are_the_pseudo_log_likelihoods_of_crows_pairs(batch_size):
    # What changed has no letters in common, so that only the two ends are shared, and a diff can be made by hand.
    pairs = [("Poor people.", "Rich people."), ("a cat x", "a bird x"), ("my uncle is", "my wife is")]
    evaluation, _ = evaluation_of(Mlm())
    with torch.no_grad():
        found = StereotypePairs(batch_size=batch_size)._masked(evaluation, pairs)
    wanted = [[masked_score(evaluation.model, a, b), masked_score(evaluation.model, b, a)] for a, b in pairs]
    assert np.array(found) == pytest.approx(np.array(wanted), abs=1e-3)
    score = scores(StereotypePairs(path=pairs_file(pairs)), evaluation)["stereotype_score"].value
    assert score == pytest.approx(by_hand([a - b for a, b in wanted]))


@pytest.mark.parametrize("objective", [Clm(), Mlm()])
def test_swapped_pairs_score_100_less_and_equal_ones_50(objective):
    evaluation, _ = evaluation_of(objective)
    swapped = [(b, a, c, kind) for a, b, c, kind in PAIRS]
    one, other = (
        scores(StereotypePairs(path=pairs_file(pairs)), evaluation)["stereotype_score"].value
        for pairs in (PAIRS, swapped)
    )
    assert one == pytest.approx(100 - other)
    same = [(a, a) for a, *_ in PAIRS]
    for batch_size in (1, 3, 64):
        technique = StereotypePairs(path=pairs_file(same), batch_size=batch_size)
        found = scores(technique, evaluation)
        assert {name: score.value for name, score in found.items()} == {"stereotype_score": 50}


def test_preference_and_icat_by_hand():
    assert [preference(value) for value in (0.5, -0.5, 0.0, 1e-6)] == [1, 0, 0.5, 0.5]
    # Nadeem et al. 2021, section 4.3: an ideal model, one that is fully biased, and one that guesses.
    assert [icat(100, 50), icat(100, 100), icat(100, 0), icat(50, 50)] == [100, 0, 0, 50]


def test_shared_tokens_are_the_same_in_both():
    a, b = [1, 2, 3, 4, 5], [1, 9, 9, 3, 5]
    assert shared_tokens(a, b) == ([0, 2, 4], [0, 3, 4])
    assert shared_tokens([1], [2]) == ([], [])


def test_the_built_in_pairs_differ_in_one_word():
    pairs = built_in_pairs()
    assert len(pairs) == len(set(pairs)) == 62
    assert Counter(pair.bias_type for pair in pairs) == {"gender": 40, "age": 6, "wealth": 6, "origin": 6, "ability": 4}
    for pair in pairs:
        words = [sentence.split() for sentence in pair[:3]]
        for other in words[1:]:
            assert sum(a != b for a, b in zip(words[0], other, strict=True)) == 1


def problems_of(path):
    evaluator = StereotypePairs(path=path)
    return [(p.path, p.reason) for p in evaluator.problems(SimpleNamespace(evaluator={"s": evaluator}))]


def test_a_file_of_pairs_is_read_before_anything_is_computed():
    assert problems_of("no.jsonl") == [("evaluator.s.path", "is not a file")]
    assert problems_of(pairs_file(PAIRS)) == problems_of(None) == []
    good = json.dumps({"stereotype": "a\u2028b", "antistereotype": "c"}, ensure_ascii=False)
    for content in ("{", "[]", '{"stereotype": "a"}', '{"stereotype": 1, "antistereotype": "b"}'):
        Path("bad.jsonl").write_text(f"{good}\n\n{content}\n")
        ((path, reason),) = problems_of("bad.jsonl")
        assert path == "evaluator.s.path" and reason.startswith("bad.jsonl:3: ")
    Path("bad.jsonl").write_text("\n")
    assert problems_of("bad.jsonl") == [("evaluator.s.path", "bad.jsonl: no pair")]
    Path("good.jsonl").write_text(good)
    assert [pair.stereotype for pair in StereotypePairs(path="good.jsonl").pairs()] == ["a\u2028b"]


def test_unknown_tokens_are_those_of_a_tokenizer_that_has_them():
    from types import SimpleNamespace

    from pluglm_evaluators.perplexity import unknown_tokens

    batch = {"labels": torch.tensor([[1, 5, 1], [2, 1, -100]])}
    assert unknown_tokens(batch, SimpleNamespace(unk_token_id=1, eos_token_id=3)) == 3
    assert unknown_tokens(batch, SimpleNamespace(unk_token_id=None, eos_token_id=3)) == 0
    assert unknown_tokens(batch, SimpleNamespace(unk_token_id=1, eos_token_id=1)) == 0
    assert unknown_tokens({"input_ids": batch["labels"]}, SimpleNamespace(unk_token_id=1, eos_token_id=3)) == 0
