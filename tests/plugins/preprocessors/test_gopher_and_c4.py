"""Gopher's and C4's rules, held against datatrove, and `quality`, which is both."""

from __future__ import annotations

import os
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from pluglm import Document, Dropped, Preprocessor
from pluglm.catalog import installed_catalog
from pluglm.config.compose import compose
from pluglm.deprecation import deprecations
from pluglm.errors import ConfigError
from pluglm_preprocessors.c4 import C4, sentences
from pluglm_preprocessors.gopher import Gopher
from pluglm_preprocessors.quality import Quality
from pluglm_preprocessors.words.english_words import words as english_words
from pluglm_preprocessors.words.repetition import most_frequent_ngram, repeated, repeated_ngrams

PROSE = [text for _, text in sorted(topics.items())]


def after(technique, text):
    return technique.process(Document(text, id="d"))


def test_repetition_is_counted_as_gopher_counts_it():
    from datatrove.pipeline.filters import gopher_repetition_filter as filters

    for text in PROSE[:40]:
        words, lines = text.split(), text.split("\n")
        assert repeated(lines) == filters.find_duplicates(lines)
        for size in (2, 4):
            expected = filters.find_top_duplicate(filters.get_n_grams(words, size))
            assert most_frequent_ngram(words, size) == expected
        for some in (words, words[:40] * 3):
            sizes = range(5, 11)
            assert list(repeated_ngrams(some, sizes)) == [filters.find_all_duplicate(some, size) for size in sizes]
    assert list(repeated_ngrams(["a"] * 6, (5, 6, 7))) == [filters.find_all_duplicate(["a"] * 6, 5), 0, 0]
    assert most_frequent_ngram(["a", "b"], 3) == 0


GOOD = " ".join(
    """
    The committee met in the old town hall, and nobody could say afterwards what it had decided. We walked down to the
    river with both dogs and looked at boats that have been there since winter. Rain fell before anybody slept. To be
    honest, most guests preferred tea. Later a train came, slowly, out of dark hills, carrying letters for people who
    had moved away long ago. Her brother kept bees behind his workshop until last autumn.
    """.split()
)


def test_prose_passes():
    assert after(Gopher(), GOOD).text == GOOD


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("too_few_words", "The cat sat with the dog."),
        ("too_few_words", ""),
        ("too_few_words", "... --- !!!"),
        ("short_words", " ".join(["a be to of I we it"] * 10)),
        ("long_words", GOOD.replace(" ", "abcdefgh") + " " + " ".join(["extraordinarily"] * 50)),
        ("hashes", GOOD.replace(" ", " # ")),
        ("ellipses", GOOD.replace(" ", " ... ")),
        ("few_letters", GOOD + " 12 34" * 40),
        ("few_stop_words", " ".join(f"Elephants{n} wander northwards{n} slowly." for n in range(30))),
        ("bullets", "\n".join(f"- {sentence}" for sentence in GOOD.split(". "))),
        ("ellipsis_lines", "\n".join(f"{sentence} ..." for sentence in GOOD.split(". "))),
        ("repeated_paragraphs", "\n\n".join([GOOD, GOOD, GOOD])),
        ("repeated_lines", "\n".join([GOOD, *["and so on"] * 9])),
        ("top_2_gram", GOOD + " and that was that" * 40),
        ("repeated_5_grams", GOOD + " " + GOOD.lower() + " " + GOOD),
    ],
)
def test_each_rule(reason, text):
    assert after(Gopher(max_symbol_ratio=None if reason == "ellipsis_lines" else 0.1), text) == Dropped(reason)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It isn't well-known (yet).", "It is n't well - known ( yet ) ."),
        ("Mr. Smith's 3.14, e.g. x86_64!", "Mr. Smith 's 3.14 , e.g. x86_64 !"),
        ("U.S. law... see http://x.org/a?b=c.", "U.S. law ... see http://x.org/a?b=c ."),
        ("“Yes,” she’d said — `a.b` [1]", "“ Yes , ” she ’d said — ` a.b ` [ 1 ]"),
        ("a@b-c.de 16-bit C++", "a@b-c.de 16 - bit C++"),
    ],
)
def test_words_are_cut_as_spacy_cuts_them(text, expected):
    # What spaCy 3.8's blank English tokenizer gives.
    assert english_words(text) == expected.split()


class AsDatatroveSplits:
    """The tokenizer that datatrove's filters get here in place of spaCy's."""

    def word_tokenize(self, text):
        return english_words(text)

    def span_tokenize(self, text):
        ends = [match.end() for match in re.finditer(r"(?<![A-Z. ])[.?!]+[\"')]*(?=\s)", text)]
        return list(pairwise([0, *ends, len(text)])) if text[ends[-1] if ends else 0 :].strip() else [(0, 0)]


TECHNIQUES = {"gopher": Gopher(rules=("words",)), "gopher_repetition": Gopher(rules=("repetition",)), "c4": C4()}


@pytest.mark.parametrize("rules", list(TECHNIQUES))
def test_decisions_are_those_of_datatrove(rules, monkeypatch):
    from datatrove.data import Document as TheirDocument
    from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter, GopherRepetitionFilter

    monkeypatch.setattr("datatrove.utils.word_tokenizers.load_word_tokenizer", lambda language: AsDatatroveSplits())
    theirs = {"gopher": GopherQualityFilter, "gopher_repetition": GopherRepetitionFilter, "c4": C4QualityFilter}[
        rules
    ]()
    modules = [
        path.read_text(encoding="utf-8", errors="ignore") for path in sorted(Path(os.__file__).parent.glob("*.py"))
    ]
    docstrings = [found[1] for module in modules if (found := re.search(r'"""(.+?)"""', module, re.DOTALL))]
    texts = [text for text in [*PROSE, *docstrings] if text.strip()]
    texts += ["\n".join(reversed(text.split("\n")[:30])) for text in PROSE[:60]] + [text[:300] * 3 for text in PROSE]
    agreed, outcomes = 0, set()
    for text in texts:
        judged = TheirDocument(text=text, id="d")
        kept = theirs.filter(judged) is True
        ours = after(TECHNIQUES[rules], text)
        agreed += kept != isinstance(ours, Dropped)
        outcomes.add(kept)
        if rules == "c4" and kept and not isinstance(ours, Dropped):
            assert ours.text == judged.text
    assert len(texts) > 300 and outcomes == {True, False}
    assert agreed >= 0.99 * len(texts)


C4_GOOD = "It rained all day.\nNobody came to the old house.\nWe had tea and bread!\nWho would not?\nThe end was near."


@pytest.mark.parametrize(
    ("values", "text", "wanted"),
    [
        ({}, f"Home | About\n{C4_GOOD}\nMore of this ...\nOh no.", C4_GOOD.replace("Who would not?", "Who would not?")),
        ({}, f"{C4_GOOD}\nPlease turn on JavaScript here.\nThis site uses cookies for you.", C4_GOOD),
        ({}, C4_GOOD.replace("tea", "tea[1][citation needed]"), C4_GOOD),
        ({}, f"{C4_GOOD}\nA {'x' * 1001} of words.", C4_GOOD),
        ({}, f"{C4_GOOD}\nHere is Lorem Ipsum again.", Dropped("lorem_ipsum")),
        ({}, f"{C4_GOOD}\nThis is a {{ in text.", Dropped("curly_bracket")),
        ({}, "It rained. Mr. A. Smith came. He left.", Dropped("too_few_sentences")),
        ({"bad_words": ("Tea and",)}, C4_GOOD, Dropped("bad_word")),
        ({"bad_words": ("ous",)}, C4_GOOD, C4_GOOD),
        ({"terminal_punctuation": False, "min_line_words": 1}, f"Home\n{C4_GOOD}", f"Home\n{C4_GOOD}"),
        ({"curly_brackets": False}, f"{C4_GOOD}\nThis is a {{ in text.", f"{C4_GOOD}\nThis is a {{ in text."),
        ({"min_sentences": 0}, "", ""),
    ],
)
def test_rules_of_c4(values, text, wanted):
    outcome = after(C4(**values), text)
    assert (outcome if isinstance(outcome, Dropped) else outcome.text) == wanted


def test_sentences_are_counted_past_abbreviations():
    assert sentences('Mr. Smith met Dr. J. Who. They talked! Did they? He said "No." Then ... nothing') == 5
    assert sentences("") == 0 and sentences("no end") == 1 and sentences("Pi is 3.14 in all.") == 1


@pytest.mark.parametrize("name", ["c4", "quality"])
def test_a_list_of_bad_words_that_is_not_there_is_refused(name, tmp_path):
    with pytest.raises(ConfigError, match=r"bad_word_files=nowhere\.txt: cannot be read"):
        compose([f"preprocessor=[{name}]", f"preprocessor.{name}.bad_word_files=[nowhere.txt]"])
    path = tmp_path / "bad.txt"
    path.write_text("# words\nRiver\n", encoding="utf-8")
    files = (str(path),)
    technique = C4(bad_word_files=files) if name == "c4" else Quality(rules=("c4",), bad_word_files=files)
    assert technique.files_read() == [path]
    assert after(technique, f"{C4_GOOD}\nAn old river ran here.") == Dropped("bad_word")


GOPHER_LIMITS = {
    "min_words": 5, "max_words": 400, "min_mean_word_length": 2, "max_mean_word_length": 8, "max_symbol_ratio": None,
    "max_bullet_lines": 0.5, "max_ellipsis_lines": None, "min_alphabetic_words": 0.6, "min_stop_words": 1,
    "max_repeated_lines": 0.2, "max_repeated_characters": 0.1,
}  # fmt: skip
C4_LIMITS = {
    "terminal_punctuation": False, "min_line_words": 2, "max_word_length": 40, "min_sentences": 2, "javascript": False,
    "lorem_ipsum": False, "curly_brackets": False, "remove_citations": False, "policy_phrases": ("see also",),
    "bad_words": ("deprecated",),
}  # fmt: skip


@pytest.mark.parametrize("limits", [({}, {}), (GOPHER_LIMITS, C4_LIMITS)], ids=["defaults", "others"])
@pytest.mark.parametrize("rules", [("gopher",), ("gopher_repetition",), ("c4",), ("c4", "gopher_repetition", "gopher")])
def test_quality_is_gopher_and_then_c4(rules, limits):
    assert set(GOPHER_LIMITS) | set(C4_LIMITS) | {"rules", "bad_word_files", "fields"} == set(Quality.model_fields)
    fields = ("title", "text")
    ours = Quality(rules=rules, fields=fields, **limits[0], **limits[1])
    gopher = tuple(name for rule, name in (("gopher", "words"), ("gopher_repetition", "repetition")) if rule in rules)
    techniques: list[Preprocessor] = [Gopher(rules=gopher, fields=fields, **limits[0])] if gopher else []
    techniques += [C4(fields=fields, **limits[1])] if "c4" in rules else []
    outcomes: Counter[str] = Counter()
    for number, text in enumerate([*PROSE, *(text[:200] * 4 for text in PROSE), GOOD, C4_GOOD, ""]):
        document = Document(text, id=str(number), fields={"title": text[:60]})
        wanted: Document | Dropped = document
        for technique in techniques:
            wanted = wanted if isinstance(wanted, Dropped) else technique.process(wanted)
        assert ours.process(document) == wanted
        outcomes[wanted.reason if isinstance(wanted, Dropped) else "kept"] += 1
    assert len(outcomes) > 1 and sum(outcomes.values()) > 100


def test_limits_of_ngrams_can_be_set_and_switched_off():
    text = GOOD + " and that was that" * 40
    assert after(Gopher(max_repeated_ngrams={}), text) == Dropped("top_2_gram")
    off = {size: None for size in range(2, 5)}
    assert after(Gopher(max_top_ngrams=off), text).reason.startswith("repeated_")
    assert after(Gopher(max_top_ngrams=off, max_repeated_ngrams={}, max_repeated_lines=None), text).text == text
    config = compose(["preprocessor=[gopher]", "preprocessor.gopher.max_top_ngrams.2=null"])
    assert dict(config.preprocessor["gopher"].max_top_ngrams) == {2: None, 3: 0.18, 4: 0.16}


def test_quality_says_what_to_use_instead():
    found = list(deprecations(compose(["preprocessor=[quality]"]), installed_catalog()))
    assert found == ["preprocessor=quality is deprecated: use gopher and c4"]
    assert not list(deprecations(compose(["preprocessor=[gopher,c4]"]), installed_catalog()))
