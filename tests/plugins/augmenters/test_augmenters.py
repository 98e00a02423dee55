"""The counts and distributions of Wei and Zou 2019 (EDA), by hand and by chi-square."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import binom, chisquare

from pluglm import Document
from pluglm_augmenters.random_deletion import RandomDeletion
from pluglm_augmenters.random_insertion import RandomInsertion
from pluglm_augmenters.random_swap import RandomSwap

TEN = "one two three four five six seven eight nine ten"
FIFTY = " ".join(f"w{number}" for number in range(50))
TECHNIQUES = [RandomDeletion, RandomInsertion, RandomSwap]
TEXT = st.text(st.sampled_from("ab \n\tñ."), max_size=40)
SEED, SHARE = st.integers(0, 1000), st.sampled_from([0.1, 0.5, 0.9])


def swapped(text, alpha, random):
    return RandomSwap(alpha=alpha).augment_text(text, random)


def thinned(text, alpha, random):
    return RandomDeletion(alpha=alpha).augment_text(text, random)


def inserted(text, alpha, random, words):
    return RandomInsertion(alpha=alpha, words=words).augment_text(text, random)


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(item in rest for item in part)


# n = alpha * l, and no fewer than one, for l words: table 2 of the paper and its published code.
COUNTS = [(0.1, 10, 1), (0.1, 50, 5), (0.05, 50, 2), (0.3, 10, 3), (0.1, 5, 1), (0.01, 50, 1), (1.0, 10, 10)]


@pytest.mark.parametrize(("alpha", "words", "count"), COUNTS)
def test_insertion_adds_n_words_in_front_of_words(alpha, words, count):
    text = " ".join(FIFTY.split()[:words])
    own = inserted(text, alpha, Random(1), ()).split()
    assert len(own) == words + count
    assert is_subsequence(text.split(), own)
    assert set(own) == set(text.split())
    given = inserted(text, alpha, Random(1), ("new",)).split()
    assert given.count("new") == count
    assert [word for word in given if word != "new"] == text.split()
    assert given[-1] != "new"


@pytest.mark.parametrize(("alpha", "words", "count"), COUNTS)
def test_swap_exchanges_n_pairs(alpha, words, count):
    text = FIFTY.split()[:words]
    moved = []
    for seed in range(60):
        after = swapped(" ".join(text), alpha, Random(seed)).split()
        assert Counter(after) == Counter(text)
        # n transpositions make a permutation of at least l - n cycles, of the parity of n.
        position = {word: number for number, word in enumerate(text)}
        left, cycles = set(text), 0
        while left:
            cycles, word = cycles + 1, left.pop()
            while (word := after[position[word]]) in left:
                left.remove(word)
        assert cycles >= words - count
        assert (words - cycles) % 2 == count % 2
        moved.append(words - cycles)
    if 2 * count <= words:
        assert max(moved) == count


def test_swap_picks_every_pair_alike():
    words = "a b c d".split()
    pairs = Counter(
        tuple(
            before
            for before, after in zip(words, swapped("a b c d", 0.1, Random(seed)).split(), strict=True)
            if before != after
        )
        for seed in range(6000)
    )
    assert len(pairs) == 6
    assert chisquare(list(pairs.values())).pvalue > 1e-4


def test_insertion_picks_every_place_and_word_alike():
    places: Counter[int] = Counter()
    words: Counter[str] = Counter()
    for seed in range(6000):
        after = inserted("a b c d e", 0.2, Random(seed), ("x", "y", "z")).split()
        (place,) = [number for number, word in enumerate(after) if word in "xyz"]
        places[place] += 1
        words[after[place]] += 1
    assert sorted(places) == [0, 1, 2, 3, 4]
    assert chisquare(list(places.values())).pvalue > 1e-4
    assert chisquare([words[word] for word in "xyz"]).pvalue > 1e-4


@pytest.mark.parametrize("alpha", [0.1, 0.3])
def test_deletion_is_binomial_and_the_same_for_every_word(alpha):
    runs = 5000
    deleted: Counter[int] = Counter()
    per_word: Counter[str] = Counter()
    for seed in range(runs):
        left = thinned(TEN, alpha, Random(seed)).split()
        assert is_subsequence(left, TEN.split())
        deleted[10 - len(left)] += 1
        per_word.update(set(TEN.split()) - set(left))
    head = [runs * binom.pmf(count, 10, alpha) for count in range(5)]
    observed = [*(deleted[count] for count in range(5)), sum(deleted[count] for count in range(5, 11))]
    assert chisquare(observed, [*head, runs - sum(head)]).pvalue > 1e-4
    assert all(abs(per_word[word] / runs - alpha) < 4 * (alpha * (1 - alpha) / runs) ** 0.5 for word in TEN.split())


def test_one_word_stays_any_of_them():
    left = Counter(thinned("a b c", 0.999, Random(seed)).strip() for seed in range(3000))
    assert sum(left[word] for word in "abc") > 2900
    assert chisquare([left[word] for word in "abc"]).pvalue > 1e-4


def test_lines_and_indentation_stay():
    text = "def f():\n    return 1\n\nx = f()\n"
    for seed in range(20):
        after = swapped(text, 0.5, Random(seed))
        assert [piece for piece in after if piece.isspace()] == [piece for piece in text if piece.isspace()]
        assert inserted(text, 0.2, Random(seed), ("new",)).replace("new ", "") == text


@given(TEXT, SHARE, SEED)
def test_any_text_keeps_its_words(text, alpha, seed):
    words = text.split()
    assert Counter(swapped(text, alpha, Random(seed)).split()) == Counter(words)
    assert is_subsequence(words, inserted(text, alpha, Random(seed), ()).split())
    left = thinned(text, alpha, Random(seed)).split()
    assert is_subsequence(left, words)
    assert bool(left) == bool(words)


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_the_same_random_gives_the_same_bytes_and_the_document_stays(technique):
    document = Document(FIFTY, id="1", fields={"question": TEN, "label": "x"}, metadata={"a": 1}, weight=2.0)
    augmenter = technique(alpha=0.3, fields=("text", "question"))
    copies = [augmenter.augment(document, Random("seed")) for _ in range(2)]
    assert copies[0] == copies[1]
    assert copies[0] != augmenter.augment(document, Random("another"))
    assert copies[0].text != FIFTY and copies[0].fields["question"] != TEN
    assert (copies[0].fields["label"], copies[0].metadata, copies[0].weight) == ("x", {"a": 1}, 2.0)
    assert document.text == FIFTY and document.fields["question"] == TEN


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_nothing_to_change_gives_no_copy(technique):
    for text in ("", " \n"):
        assert technique().augment(Document(text), Random(0)) is None
    if technique is not RandomInsertion:
        assert technique().augment(Document("word"), Random(0)) is None


@pytest.mark.parametrize("technique", TECHNIQUES)
@pytest.mark.parametrize("alpha", [0, -0.1, 1.1, float("nan")])
def test_alpha_is_a_share(technique, alpha):
    with pytest.raises(ValidationError):
        technique(alpha=alpha)
