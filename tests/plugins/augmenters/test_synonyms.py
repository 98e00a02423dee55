"""Synonyms out of a small WordNet in the format of the real one (wndb(5WN)), read by NLTK's own reader as oracle."""

from __future__ import annotations

import zipfile
from random import Random
from types import SimpleNamespace

import pytest
from stand_ins import stand_in

from pluglm import DataError, Document
from pluglm_augmenters.inflection import inflected, readings
from pluglm_augmenters.synonym_replacement import FUNCTION_WORDS, SynonymReplacement
from pluglm_augmenters.wordnet import PARTS, find_wordnet, wordnet

# part: sets of synonyms, each word with its lexical id; the order of a word's senses is that of the sets.
SETS = {
    "n": [["dog", "hound"], ["car", "auto", "motor_car"], ["frump", "dog"], ["house", "home"], ["run", "streak"],
          ["box"], ["wolf", "beast"], ["thing", "beast"], ["apple", "pome"]],
    "v": [["buy", "purchase"], ["run", "scat"], ["take", "grab"], ["stop", "halt"], ["carry", "bear"],
          ["study", "analyse"]],
    "a": [["big", "large", "prominent(a)"], ["odd", "curious"]],
    "r": [["quickly", "rapidly"]],
}  # fmt: skip
COUNTS = {("dog", "n", 1): 42, ("run", "v", 1): 100, ("run", "n", 1): 5, ("big", "a", 1): 9, ("car", "n", 1): 70}
EXCEPTIONS = {
    "noun": ["wolves wolf"],
    "verb": [
        "took take",
        "taken take",
        "ran run",
        "running run",
        "stopped stop",
        "bore bear",
        "borne bear",
        "carried carry",
        "studied study",
    ],
    "adj": ["bigger big", "biggest big"],
    "adv": [],
}
LICENCE = "  1 This software and database is being provided to you\n  2 WordNet 3.0 Copyright 2006 by Princeton.\n"
TYPES = {"n": "1", "v": "2", "a": "3", "r": "4"}


def write_wordnet(folder):
    """index.*, data.*, *.exc, index.sense and lexnames."""
    senses = []
    for part, name in PARTS.items():
        data, offsets = LICENCE, dict[str, list[int]]()
        for words in SETS[part]:
            offset = len(data)
            # A lexical id tells the senses of a word apart, in hexadecimal.
            listed = " ".join(f"{word} {len(offsets.get(word.partition('(')[0], [])):x}" for word in words)
            frames = " 01 + 08 00" if part == "v" else ""
            data += f'{offset:08d} 03 {part} {len(words):02x} {listed} 000{frames} | a gloss; "{words[0]}"  \n'
            for word in words:
                offsets.setdefault(word.partition("(")[0], []).append(offset)
        (folder / f"data.{name}").write_text(data)
        lines = [
            f"{word} {part} {len(found)} 0 {len(found)} 1 {' '.join(f'{o:08d}' for o in found)}  \n"
            for word, found in sorted(offsets.items())
        ]
        (folder / f"index.{name}").write_text(LICENCE + "".join(lines))
        (folder / f"{name}.exc").write_text("".join(f"{line}\n" for line in EXCEPTIONS[name]))
        for word, found in offsets.items():
            for number, offset in enumerate(found, 1):
                count = COUNTS.get((word, part, number), 0)
                senses.append(f"{word}%{TYPES[part]}:03:{number - 1:02d}:: {offset:08d} {number} {count}\n")
    (folder / "index.sense").write_text("".join(sorted(senses)))
    counted = [(line.split()[0], *line.split()[2:]) for line in sorted(senses)]
    counts = [f"{' '.join(line)}\n" for line in counted if line[-1] != "0"]
    # NLTK's search does not find the first line.
    (folder / "cntlist.rev").write_text("".join(["aardvark%1:05:00:: 1 1\n", *counts]))
    (folder / "lexnames").write_text("".join(f"{n:02d}\tname.{n}\t1\n" for n in range(45)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("nltk") / "corpora" / "wordnet"
    made.mkdir(parents=True)
    write_wordnet(made)
    return made


@pytest.fixture
def nltk(folder, monkeypatch):
    """NLTK's reader, which opens only what lies in its own data folders."""
    reader = pytest.importorskip("nltk.corpus.reader.wordnet")
    import nltk.data

    monkeypatch.setattr(nltk.data, "path", [str(folder.parent.parent)])
    with pytest.warns(UserWarning, match="multilingual"):
        return reader.WordNetCorpusReader(str(folder), None)


@pytest.fixture(scope="module")
def known(folder):
    return wordnet(folder)


def test_senses_and_words_are_those_of_nltk(nltk, known):
    words = {word.partition("(")[0] for sets in SETS.values() for words in sets for word in words}
    for part in PARTS:
        for word in words:
            theirs = nltk.synsets(word, part)
            exact = [s for s in theirs if word in [name.lower() for name in s.lemma_names()]]
            assert known.senses(word, part) == [s.offset() for s in exact]
            assert [known.words(o, part) for o in known.senses(word, part)] == [s.lemma_names() for s in exact]
            total = sum(lemma.count() for s in exact for lemma in s.lemmas() if lemma.name() == word)
            assert known.frequency(word, part) == total


def test_lemmas_are_those_of_nltk(nltk, known):
    for word in "dogs wolves runs ran running took taken carried carries studies biggest oddest boxes stopped".split():
        for part in PARTS:
            ours = {reading.lemma for reading in readings(word, known) if reading.part == part}
            assert ours == set(nltk._morphy(word, part)) & {w.partition("(")[0] for s in SETS[part] for w in s}, word


def test_frequent_senses_first_and_only_where_they_are_frequent_for_both(known):
    assert known.synonyms("dog", "n", 1) == ["hound"]
    assert known.synonyms("car", "n", 1) == ["auto"]  # not motor_car, which is no single word
    assert known.synonyms("thing", "n", 1) == [], "beast is not this first of all"
    assert known.synonyms("thing", "n", 2) == ["beast"]
    assert known.synonyms("box", "n", 3) == [] and known.synonyms("none", "n", 3) == []
    assert readings("run", known)[0] == ("run", "v", "") and readings("dogs", known)[0] == ("dog", "n", "s")


@pytest.mark.parametrize(
    ("lemma", "part", "kind", "form"),
    [
        ("hound", "n", "s", "hounds"), ("box", "n", "s", "boxes"), ("wolf", "n", "s", "wolves"),
        ("city", "n", "s", "cities"), ("purchase", "v", "ing", "purchasing"), ("halt", "v", "ed", "halted"),
        ("study", "v", "ed", "studied"), ("stop", "v", "ed", "stopped"), ("take", "v", "ed", None),
        ("run", "v", "ing", "running"), ("die", "v", "ing", "dying"), ("see", "v", "ing", "seeing"),
        ("large", "a", "er", "larger"), ("odd", "a", "est", "oddest"), ("big", "a", "er", "bigger"),
        ("funny", "a", "est", "funniest"), ("curious", "a", "er", None), ("dog", "n", "", "dog"),
    ],
)  # fmt: skip
def test_forms(known, lemma, part, kind, form):
    assert inflected(lemma, part, kind, known) == form


def replaced(folder, text, seed=0, **how):
    copy = SynonymReplacement(folder=folder, alpha=1.0, **how).augment(Document(text), Random(seed))
    return copy and copy.text


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("Dogs", "Hounds"), ("DOGS!", "HOUNDS!"), ("a dog, the Dog.", "a hound, the Dog."),
        ("It stopped. Cars bore\n", "It halted. Autos carried\n"), ("a car and an auto", "an auto and a car"),
        ("the biggest house", "the largest home"), ("buying bigger boxes", "purchasing larger boxes"),
        ("He carried it", None),  # bore or borne
        ("the box", None), ("", None), ("Größe 12 über", None), ("May can will", None),
    ],
)  # fmt: skip
def test_words_keep_their_capitals_endings_and_articles(folder, text, after):
    assert replaced(folder, text) == after


@pytest.mark.parametrize(("alpha", "words", "count"), [(0.1, 10, 1), (0.1, 50, 5), (0.3, 10, 3), (0.05, 20, 1)])
def test_n_is_alpha_times_l(folder, alpha, words, count):
    text = " ".join(["dog", "the"] * (words // 2))
    for seed in range(5):
        copy = SynonymReplacement(folder=folder, alpha=alpha).augment(Document(text), Random(seed))
        assert copy.text.split().count("hound") == count and copy.text.split().count("the") == words // 2
    places = {SynonymReplacement(folder=folder, alpha=0.1).augment(Document(text), Random(s)).text for s in range(40)}
    assert len(places) > 4 or words > 20


def test_the_same_random_gives_the_same_copy_and_says_how(folder):
    document = Document("dogs buy cars quickly", id="1", fields={"label": "x", "q": "big dogs"}, metadata={"a": 1})
    augmenter = SynonymReplacement(folder=folder, fields=("text", "q"), alpha=0.5)
    copies = [augmenter.augment(document, Random("seed")) for _ in range(2)]
    assert copies[0] == copies[1] and copies[0].fields["label"] == "x" and copies[0].fields["q"] != "big dogs"
    assert copies[0].metadata == {"a": 1, "augmented_by": [{"name": "synonym_replacement"}]}
    assert document.text == "dogs buy cars quickly" and document.metadata == {"a": 1}
    assert copies[0] is not None
    again = augmenter.augment(copies[0], Random(1))
    assert again is None or [step["name"] for step in again.metadata["augmented_by"]] == ["synonym_replacement"] * 2


def test_a_tagger_decides_the_part_of_speech(folder, monkeypatch):
    from pluglm_augmenters import synonym_replacement

    tagged = SimpleNamespace(tag=lambda words: [(word, "NN") for word in words])
    monkeypatch.setattr(synonym_replacement, "_tagger", lambda: tagged)
    assert replaced(folder, "a run") == "a scat"
    assert replaced(folder, "a run", tagger="nltk") == "a streak"


def test_an_archive_of_nltk_serves_too(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "wordnet.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"wordnet/{path.name}")
    assert find_wordnet(tmp_path / "wordnet.zip") is not None
    assert replaced(tmp_path / "wordnet.zip", "Dogs") == "Hounds"


def test_without_wordnet_one_line_says_how_to_get_it(tmp_path, folder):
    augmenter = SynonymReplacement(folder=tmp_path)
    (problem,) = augmenter.problems(stand_in(augmenter={"mine": augmenter}))
    assert problem.path == "augmenter.mine.folder" and "wordnet-base" in problem.hint and "\n" not in str(problem)
    with pytest.raises(DataError, match="wordnet-base"):
        augmenter.augment(Document("dogs"), Random(0))
    good = SynonymReplacement(folder=folder)
    assert not list(good.problems(stand_in(augmenter={"mine": good})))


def test_a_tagger_that_is_not_there_is_said_before_the_run(folder, tmp_path, monkeypatch):
    from pluglm_augmenters import synonym_replacement

    monkeypatch.setattr(synonym_replacement, "nltk_places", lambda name: [])
    augmenter = SynonymReplacement(folder=folder, tagger="nltk")
    (problem,) = augmenter.problems(stand_in(augmenter={"mine": augmenter}))
    assert problem.path == "augmenter.mine.tagger" and "averaged_perceptron_tagger_eng" in problem.hint


def test_function_words_are_small_words():
    assert all(word == word.lower() and word.isalpha() for word in FUNCTION_WORDS)
    assert {"the", "may", "have"} <= FUNCTION_WORDS and not {"good", "film", "house"} & FUNCTION_WORDS
