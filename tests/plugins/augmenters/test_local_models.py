"""Augmenters with models: what `transformers` itself writes, batches against single texts, distributions, what is
refused."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from types import SimpleNamespace

import pytest
import torch
from pydantic import ValidationError
from scipy.stats import chisquare
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from pluglm import DataError, Document
from pluglm_augmenters.back_translation import BackTranslation, segments, shortened
from pluglm_augmenters.decoding import MARGIN, Decoding, draws, write
from pluglm_augmenters.generated_text import GeneratedText, filled, novelty
from pluglm_augmenters.local_models import CAUSAL, MASKED, SEQ2SEQ, SMALL_VOCABULARY, load, save_small_model
from pluglm_augmenters.masked_replacement import MaskedReplacement, windows

TEXTS = [
    "The old man saw a red book. He liked it!",
    "a small film and a long song",
    "woman",
    "people told the woman good long old red\n\nsmall blue new. And more",
    "",
]
DOCUMENTS = [
    Document(text, id=str(i), fields={"label": "x", "other": "a red song"}, metadata={"licence": "CC0-1.0"})
    for i, text in enumerate(TEXTS)
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {head: save_small_model(tmp_path_factory.mktemp(head), head) for head in (SEQ2SEQ, CAUSAL, MASKED)}


def rows_of(tokenizer):
    return [tokenizer(text)["input_ids"] + [tokenizer.eos_token_id] for text in TEXTS if text]


@pytest.mark.parametrize("beams", [1, 3])
def test_what_is_written_is_what_transformers_writes(folders, beams):
    model, tokenizer = load(folders[SEQ2SEQ], SEQ2SEQ)
    rows = rows_of(tokenizer)
    ours = write(model, rows, [9] * len(rows), [0] * len(rows), Decoding(beams=beams), batch_size=8)
    theirs = AutoModelForSeq2SeqLM.from_pretrained(folders[SEQ2SEQ])
    for row, written in zip(rows, ours, strict=True):
        out = theirs.generate(torch.tensor([row]), max_new_tokens=9, num_beams=beams, do_sample=False,
                              early_stopping=beams > 1)[0].tolist()[1:]  # fmt: skip
        end = out.index(1) if 1 in out else len(out)
        assert written.ids == out[:end] and written.ended == (1 in out)


def test_a_causal_model_goes_on_and_says_how_likely_that_was(folders):
    model, tokenizer = load(folders[CAUSAL], CAUSAL)
    rows = [row[:-1] for row in rows_of(tokenizer)]
    ours = write(model, rows, [6] * len(rows), list(range(len(rows))), Decoding(temperature=1.0), batch_size=8)
    theirs = AutoModelForCausalLM.from_pretrained(folders[CAUSAL])
    for row, written in zip(rows, ours, strict=True):
        new = [*written.ids, *([1] if written.ended else [])]
        with torch.no_grad():
            logits = theirs(torch.tensor([[*row, *new]])).logits[0, len(row) - 1 : -1]
        nats = -logits.log_softmax(-1)[range(len(new)), new].mean()
        assert written.nats == pytest.approx(float(nats), rel=1e-4)


@pytest.mark.parametrize("decoding", [Decoding(), Decoding(1.0), Decoding(0.7, top_k=5), Decoding(beams=2)])
@pytest.mark.parametrize("head", [SEQ2SEQ, CAUSAL])
def test_neighbours_and_padding_change_nothing(folders, head, decoding):
    model, tokenizer = load(folders[head], head)
    rows = rows_of(tokenizer) * 3
    seeds, limits = list(range(len(rows))), [4 + i % 5 for i in range(len(rows))]
    together = write(model, rows, limits, seeds, decoding, batch_size=7)
    alone = [write(model, [r], [n], [s], decoding, 1)[0] for r, n, s in zip(rows, limits, seeds, strict=True)]
    assert [written.ids for written in together] == [written.ids for written in alone]
    assert all(len(written.ids) <= limit for written, limit in zip(together, limits, strict=True))


def test_drawing_follows_the_softmax_of_the_likeliest():
    logits = torch.tensor([1.0, 0.0, 2.0, -1.0, 0.5]).expand(4000, -1)
    for temperature, top_k, left in ((1.0, 0, [0, 1, 2, 3, 4]), (0.5, 3, [0, 2, 4])):
        generators = [torch.Generator().manual_seed(seed) for seed in range(4000)]
        scores, _ = draws(logits, generators, Decoding(temperature, top_k))
        drawn = Counter(scores.argmax(1).tolist())
        expected = (logits[0, left].double() / temperature).softmax(0) * 4000
        assert sorted(drawn) == left
        assert chisquare([drawn[token] for token in left], expected.tolist()).pvalue > 1e-4


def test_picks_that_padding_could_change_are_not_clear():
    logits = torch.tensor([[0.0, 1.0, 1.0 + MARGIN / 2], [0.0, 1.0, 1.0 + 2 * MARGIN]])
    assert draws(logits, [], Decoding())[1].tolist() == [False, True]
    # Of two that are as good as equally likely, it is not clear which belongs to the two likeliest.
    edge = torch.tensor([[9.0, 1.0, 1.0 + MARGIN / 2, -5.0]])
    seeds = range(3000)
    clear = [draws(edge, [torch.Generator().manual_seed(s)], Decoding(4.0, 2)) for s in seeds]
    assert all(not told for scores, told in clear if int(scores.argmax()) in (1, 2))
    assert any(told for _, told in clear)


@pytest.mark.parametrize(
    "text",
    [
        "One. Two! (Three?) four",
        'He said "No." Then he went.\n\n  New paragraph \n',
        "",
        " \n",
        "3.5 is 4. e.g. this",
        "a",
    ],
)
def test_segments_join_to_the_text(text):
    parts = segments(text)
    assert "".join(piece for piece, _ in parts) == text
    assert all(not sentence or piece.strip() for piece, sentence in parts)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_model_that_is_cut_short_ends_the_run(tmp_path, name):
    folder = save_small_model(tmp_path / "model", MASKED)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot be read"):
        MaskedReplacement(model=folder).augment(DOCUMENTS[0], Random(1))


def test_segments_are_sentences():
    assert [piece for piece, sentence in segments('One. Two! "Three?" Four\nFive') if sentence] == [
        "One.", "Two!", '"Three?"', "Four", "Five",
    ]  # fmt: skip


def test_long_sentences_are_cut_before_white_space(folders):
    _, tokenizer = load(folders[SEQ2SEQ], SEQ2SEQ)
    # The second has so many parts that to find them one in the other is no way.
    for text in ("a red book " * 20, "a red book " * 4000):
        parts = shortened(text, tokenizer, 8)
        assert "".join(parts) == text and all(len(tokenizer(part)["input_ids"]) <= 8 for part in parts[:50])
    assert shortened("a red", tokenizer, 8) == ["a red"]


@pytest.mark.parametrize("how", [{}, {"temperature": 1.0}, {"beams": 2}])
def test_back_translation_is_one_model_behind_the_other(folders, how):
    folder = folders[SEQ2SEQ]
    augmenter = BackTranslation(forward=folder, backward=folder, max_tokens=16, batch_size=4, **how)
    many = augmenter.augment_batch(DOCUMENTS, [Random(i) for i in range(5)])
    assert many == [augmenter.augment(document, Random(i)) for i, document in enumerate(DOCUMENTS)]
    assert many[4] is None and any(copy is not None for copy in many)
    for before, copy in zip(DOCUMENTS, many, strict=True):
        if copy is not None:
            assert copy.fields == before.fields and copy.metadata["licence"] == "CC0-1.0"
            (made,) = copy.metadata["augmented_by"]
            assert made["name"] == "back_translation" and made["forward"] == str(folder)
            assert copy.text.count("\n\n") == before.text.count("\n\n")
    if not how:
        model, tokenizer = load(folder, SEQ2SEQ)
        ids = tokenizer(TEXTS[2])["input_ids"] + [1]
        for _ in range(2):
            out = model.generate(torch.tensor([ids]), max_new_tokens=3 * len(ids) + 8, do_sample=False)[0]
            text = tokenizer.decode(out, skip_special_tokens=True)
            ids = tokenizer(text)["input_ids"] + [1]
        assert (many[2].text if many[2] else TEXTS[2]) == (text or TEXTS[2])


def test_prompts_are_filled_with_the_document_and_nothing_else():
    document = Document("one two  three four", fields={"label": "good"})
    assert filled("A {label} one: {start}", document, document.text, 3) == "A good one: one two  three"
    assert filled("{text}|{none}|{label.__class__}", document, "t", 0) == "t||{label.__class__}"
    assert filled("{start}", document, "", 3) == "" and filled("{start}", document, "one", 3) == "one"


def test_novelty_is_the_share_of_new_ngrams():
    assert novelty("a b c d", "a b c x", 3) == 0.5
    assert novelty("a b a b a b", "", 2) == pytest.approx(2 / 5)
    assert novelty("A B", "a b", 3) == 0 and novelty("a c", "a b", 3) == 1 and novelty("", "a", 3) == 0


def test_generated_texts_are_filtered_and_the_same_alone(folders):
    def of(**how):
        augmenter = GeneratedText(model=folders[CAUSAL], max_new_tokens=10, **how)
        many = augmenter.augment_batch(DOCUMENTS, [Random(i) for i in range(5)])
        assert many == [augmenter.augment(document, Random(i)) for i, document in enumerate(DOCUMENTS)]
        return many

    free = of(max_perplexity=None, min_novelty=0, start_words=2)
    assert free[4] is None
    for before, copy in zip(DOCUMENTS, free, strict=True):
        if copy is not None:
            assert copy.text.startswith(" ".join(before.text.split()[:2])) and copy.fields == before.fields
            assert set(copy.text.split()[2:]) <= {*SMALL_VOCABULARY, *before.text.split()}
            assert copy.metadata["augmented_by"][0]["prompt"] == "{start}"
    assert any(free) and of(max_perplexity=1.0001) == [None] * 5
    assert of(min_novelty=1.0, ngram=1, max_perplexity=None, prompt="{text}", tries=2, top_k=2) != free
    alone = of(keep_prompt=False, max_perplexity=None, min_novelty=0, prompt="A {label}")
    assert all(copy is None or not copy.text.startswith("A x") for copy in alone)


def test_masks_stand_for_whole_words(folders):
    _, tokenizer = load(folders[MASKED], MASKED)
    text = "the old man saw a red book"
    (window,) = windows(text, [(4, 7), (18, 21)], [1, 2], tokenizer, 32)
    mask = tokenizer.mask_token
    assert tokenizer.decode(window.ids) == f"<cls> the {mask} man saw a {mask} book </s>"
    assert window.places == [2, 6] and window.spans == [(4, 7), (18, 21)]
    parts = windows(text, [(4, 7), (18, 21)], [1, 2], tokenizer, 5)
    assert [part.spans for part in parts] == [[(4, 7)], [(18, 21)]] and max(len(part.ids) for part in parts) == 5


def test_words_are_replaced_by_those_the_model_finds_likely(folders):
    augmenter = MaskedReplacement(model=folders[MASKED], alpha=0.3, top_k=1)
    many = augmenter.augment_batch(DOCUMENTS, [Random(i) for i in range(5)])
    assert many == [augmenter.augment(document, Random(i)) for i, document in enumerate(DOCUMENTS)]
    model, tokenizer = load(folders[MASKED], MASKED)
    words = tokenizer.convert_tokens_to_ids(sorted({*SMALL_VOCABULARY} - {"a"}))
    before, after = TEXTS[1].split(), many[1].text.split()
    places = [i for i, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    assert len(places) == int(0.3 * 5)  # a is no word of two letters
    ids = tokenizer(TEXTS[1])["input_ids"]
    masked = [2, *(4 - 1 if i in places else token for i, token in enumerate(ids)), 1]
    assert tokenizer.mask_token_id == 3
    with torch.no_grad():
        logits = model(torch.tensor([masked])).logits[0]
    for place in places:
        allowed = [token for token in words if token != ids[place]]
        best = max(allowed, key=lambda token: logits[place + 1, token].item())
        assert tokenizer.convert_ids_to_tokens(best) == after[place].lower()
    assert many[2] is not None and many[2].text != "woman" and many[4] is None


def test_pieces_of_words_are_no_words(tmp_path):
    from pluglm_augmenters.masked_replacement import whole_words
    from pluglm_models.masked_lm import MaskedLm
    from pluglm_tokenizers.bpe import Bpe

    tokenizer = Bpe(vocab_size=340, min_frequency=1).build(iter(["show showing sing singing the mat " * 9]))
    MaskedLm(size="nano").build("AutoModelForMaskedLM", tokenizer, 16, {}).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    spaced, bare = ({tokens[number] for number in kind.nonzero()[:, 0]} for kind in whole_words(tmp_path))
    assert {"Ġshow", "Ġthe", "Ġmat"} <= spaced and "ing" in tokenizer.get_vocab()
    assert "show" in bare and not {"ing", "<mask>", "Ġshow"} & bare


def test_capitals_and_what_stands_between_words_stay(folders):
    text = "Old, RED\n  (man)…  x1 woman's"
    augmenter = MaskedReplacement(model=folders[MASKED], alpha=1.0)
    after = augmenter.augment(Document(text), Random(3)).text
    first, second = after.split(", ")[0], after.split("\n")[0].split(", ")[1]
    assert first.istitle() and second.isupper()
    assert "\n  (" in after and ")…  x1 " in after and after.endswith("'s")


def test_fields_are_chosen_and_nothing_else_is_touched(folders):
    augmenter = MaskedReplacement(model=folders[MASKED], fields=("other",))
    copy = augmenter.augment(DOCUMENTS[0], Random(0))
    assert copy.text == DOCUMENTS[0].text and copy.fields["other"] != "a red song" and copy.fields["label"] == "x"


@pytest.mark.parametrize(
    ("make", "head", "other"),
    [
        (lambda path: BackTranslation(forward=path, backward=path), SEQ2SEQ, CAUSAL),
        (lambda path: GeneratedText(model=path), CAUSAL, MASKED),
        (lambda path: MaskedReplacement(model=path), MASKED, SEQ2SEQ),
    ],
)
def test_what_cannot_be_loaded_is_said_before_the_run(folders, make, head, other, tmp_path):
    def reasons(path):
        technique = make(path)
        found = list(technique.problems(SimpleNamespace(augmenter={"mine": technique})))
        assert all(problem.path.startswith("augmenter.mine.") for problem in found)
        return [problem.reason for problem in found]

    assert not reasons(folders[head])
    assert set(reasons(tmp_path / "no")) == {"does not exist"}
    assert all("no config.json" in reason for reason in reasons(tmp_path))
    assert all("holds no model that" in reason for reason in reasons(folders[other]))
    (tmp_path / "config.json").write_text(json.dumps({"architectures": []}))
    assert len(set(reasons(tmp_path))) == 3  # the head, the weights, the tokenizer
    with pytest.raises(DataError, match="holds no model that"):
        make(folders[other]).augment(DOCUMENTS[0], Random(0))


def test_values_that_do_not_go_together_are_refused(folders):
    folder = folders[SEQ2SEQ]
    with pytest.raises(ValidationError, match="beams"):
        BackTranslation(forward=folder, backward=folder, beams=2, temperature=1.0)
    with pytest.raises(ValidationError, match="tries"):
        GeneratedText(model=folder, temperature=0)


def test_a_model_is_loaded_once_and_without_touching_randomness(folders):
    state = torch.get_rng_state()
    first = load(folders[SEQ2SEQ], SEQ2SEQ)[0]
    assert load(folders[SEQ2SEQ].parent / folders[SEQ2SEQ].name, SEQ2SEQ)[0] is first
    BackTranslation(forward=folders[SEQ2SEQ], backward=folders[SEQ2SEQ], temperature=1.0).augment(
        DOCUMENTS[0], Random(0)
    )
    assert torch.equal(state, torch.get_rng_state())
