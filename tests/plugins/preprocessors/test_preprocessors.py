"""Against `unicodedata`, cases of Unicode's own test files, sets of texts, and Jaccard similarity by brute force."""

from __future__ import annotations

import os
import sys
import time
import unicodedata
from itertools import combinations, pairwise
from pathlib import Path
from pydoc_data.topics import topics
from random import Random
from typing import Any, Literal

import datasketch
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pluglm import Document, Dropped
from pluglm.config.compose import compose
from pluglm.corpus.keys import KeyList
from pluglm.errors import ConfigError
from pluglm_preprocessors.exact_dedup import ExactDedup, repeats
from pluglm_preprocessors.length import Length
from pluglm_preprocessors.lowercase import Lowercase
from pluglm_preprocessors.near_dedup import NearDedup
from pluglm_preprocessors.normalize import Normalize
from pluglm_preprocessors.remove_punctuation import RemovePunctuation
from pluglm_preprocessors.remove_stop_words import RemoveStopWords, stop_words
from pluglm_preprocessors.words import shingling
from pluglm_preprocessors.words.minhash import band_hashes, bands_for, signature
from pluglm_preprocessors.words.shingling import jaccard, shingles, words

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
# Texts in which every step of the cleaning has something to do.
DIRTY = st.text(
    st.sampled_from("aI\u0301\u0307é\r\n\t \x0c\x85\u2028\u00a0\u200b\ufeff\x00“’‴⁗ﬁ½Å\u1100\u1161"), max_size=20
)
FORMS: list[Literal["NFC", "NFD", "NFKC", "NFKD"]] = ["NFC", "NFD", "NFKC", "NFKD"]


def of(technique, text):
    return technique.process(Document(text)).text


def kept(technique, texts):
    keys = [technique.key(Document(text)) for text in texts]
    return [text for text, reason in zip(texts, technique.decide(KeyList(keys)), strict=True) if reason is None]


# Lines of Unicode's NormalizationTest.txt: source; NFC; NFD; NFKC; NFKD.
NORMALIZATION_TEST = """
1E0A;1E0A;0044 0307;1E0A;0044 0307
1E0A 0323;1E0C 0307;0044 0323 0307;1E0C 0307;0044 0323 0307
212B;00C5;0041 030A;00C5;0041 030A
FB01;FB01;FB01;0066 0069;0066 0069
AC01;AC01;1100 1161 11A8;AC01;1100 1161 11A8
0958;0915 093C;0915 093C;0915 093C;0915 093C
03D3;03D3;03D2 0301;038E;03A5 0301
00BD;00BD;00BD;0031 2044 0032;0031 2044 0032
1E9B 0323;1E9B 0323;017F 0323 0307;1E69;0073 0323 0307
F900;8C48;8C48;8C48;8C48
"""


def test_normal_forms_are_those_of_unicodes_test_file():
    cases = 0
    for line in NORMALIZATION_TEST.strip().splitlines():
        source, *wanted = ("".join(chr(int(code, 16)) for code in column.split()) for column in line.split(";"))
        for form, text in zip(FORMS, wanted, strict=True):
            assert of(Normalize(form=form), source) == text
            cases += 1
    assert cases == 40


@pytest.mark.parametrize("form", FORMS)
def test_normal_forms_of_every_character_are_those_of_unicodedata(form):
    bare = Normalize(form=form, whitespace="keep", invisible=False)
    every = "\n".join(chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    assert of(bare, every) == unicodedata.normalize(form, every)


# Every code point that one of the forms changes, with marks to reorder and Hangul to compose.
CHANGING = [
    chr(code)
    for code in range(sys.maxunicode + 1)
    if not 0xD800 <= code < 0xE000 and any(unicodedata.normalize(form, chr(code)) != chr(code) for form in FORMS)
]
MARKS = [chr(code) for code in range(0x300, 0x370)] + ["\u0f71", "\u0f72", "\u05b0", "\u0591"]
HANGUL = [chr(code) for code in (0x1100, 0x1112, 0x1161, 0x1175, 0x11A8, 0x11C2, 0xAC00, 0xAC01, 0xD7A3)]
SEQUENCES = st.lists(
    st.sampled_from(CHANGING)
    | st.sampled_from(MARKS)
    | st.sampled_from(HANGUL)
    | st.characters(exclude_categories=["Cs"]),
    max_size=8,
).map("".join)


@settings(max_examples=500, deadline=None)
@given(SEQUENCES)
def test_the_rules_of_unicodes_test_file_hold_for_any_text(source):
    # NormalizationTest.txt: columns c1 to c5 are source, NFC, NFD, NFKC, NFKD, and every form of each is one of these.
    form = {name: Normalize(form=name, whitespace="keep", invisible=False) for name in FORMS}
    c1, c2, c3, c4, c5 = (source, *(of(form[name], source) for name in FORMS))
    assert c2 == of(form["NFC"], c2) == of(form["NFC"], c3) and c4 == of(form["NFC"], c4) == of(form["NFC"], c5)
    assert c3 == of(form["NFD"], c2) == of(form["NFD"], c3) and c5 == of(form["NFD"], c4) == of(form["NFD"], c5)
    assert {of(form["NFKC"], column) for column in (c1, c2, c3, c4, c5)} == {c4}
    assert {of(form["NFKD"], column) for column in (c1, c2, c3, c4, c5)} == {c5}
    # UAX 15, section 1.2: the composed forms are those of the decomposed, whose marks stand in canonical order.
    for text in (c3, c5):
        classes = [unicodedata.combining(letter) for letter in text]
        assert all(a <= b or b == 0 for a, b in pairwise(classes))


def test_code_points_that_are_not_in_part_1_are_their_own_forms():
    # NormalizationTest.txt, rule 2; those in part 1 are the ones with a decomposition, and Hangul syllables.
    with_form = {
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.decomposition(chr(code)) or 0xAC00 <= code <= 0xD7A3
    }
    assert set(CHANGING) == with_form


@settings(max_examples=300, deadline=None)
@given(DIRTY | ANY, st.sampled_from([*FORMS, "none"]), st.sampled_from(["keep", "trailing", "collapse"]), st.booleans())
def test_normalizing_twice_changes_nothing(text, form, whitespace, quotes):
    technique = Normalize(form=form, whitespace=whitespace, quotes=quotes)
    once = of(technique, text)
    assert of(technique, once) == once
    assert form == "none" or unicodedata.is_normalized(form, once)


def test_invisible_characters_go_and_joiners_stay():
    controls = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cc"} - set("\t\n")
    assert not controls & set(of(Normalize(), "a".join(sorted(controls))))
    assert of(Normalize(), "\ufeffso\u00adft\u200b \u2060x\x00") == "soft x"
    assert of(Normalize(), "👩\u200d🔬 می\u200cخواهم") == "👩\u200d🔬 می\u200cخواهم"
    assert of(Normalize(invisible=False), "a\u200bb") == "a\u200bb"


def test_line_ends_are_those_of_the_unicode_standard():
    # The Unicode Standard, table 5-1: CR, LF, CRLF, NEL, VT, FF, LS, PS.
    assert of(Normalize(), "a\rb\nc\r\nd\x85e\x0bf\x0cg\u2028h\u2029i") == "a\nb\nc\nd\ne\nf\ng\nh\ni"
    assert of(Normalize(whitespace="collapse"), " a\x0cb\r\n\t c\u00a0 d ") == "a b c d"
    assert of(Normalize(whitespace="keep"), "a \r\nb\x0c") == "a \r\nb\x0c"
    assert of(Normalize(), "  a \t\n\n\n\n\n\n  b  ") == "  a\n\n\n  b"


def test_quotes():
    assert of(Normalize(quotes=True), "“a” ‘b’ «c» „d‟ it’s") == '"a" \'b\' "c" "d" it\'s'
    assert of(Normalize(quotes=True, form="NFKC"), "3‴ ⁗") == "3''' ''''"
    assert of(Normalize(), "“a”") == "“a”"


def test_a_long_run_of_spaces_takes_linear_time():
    start = time.perf_counter()
    assert of(Normalize(), "a" + " " * 300_000 + "b").count(" ") == 300_000
    assert time.perf_counter() - start < 2


def test_lower_case_as_in_special_casing():
    lower = Lowercase()
    # SpecialCasing.txt: the one unconditional rule, and Final_Sigma.
    assert of(lower, "İ") == "i\u0307"
    assert of(lower, "ΟΔΥΣΣΕΥΣ ΣΑΣ Σ") == "οδυσσευς σας σ"
    assert of(lower, "ẞ Ǆ Ω") == "ß ǆ ω"
    turkish = Lowercase(language="turkish")
    assert of(turkish, "DIŞ İZMİR I") == "dış izmir ı"
    # SpecialCasing.txt, tr: 0307 after I goes, where no mark above (class 230) stands between.
    assert of(turkish, "I\u0307 I\u0323\u0307 I\u0301\u0307") == "i i\u0323 ı\u0301\u0307"
    assert of(turkish, "é\u0307") == "é\u0307"


def test_case_folding_as_in_case_folding_txt():
    folded = {"ß": "ss", "ẞ": "ss", "ς": "σ", "ﬁ": "fi", "ŉ": "ʼn", "İ": "i\u0307", "Ꭰ": "Ꭰ", "ꭰ": "Ꭰ", "ſ": "s"}
    for text, wanted in folded.items():
        assert of(Lowercase(case_fold=True), text) == wanted
    assert of(Lowercase(case_fold=True, language="turkish"), "Iİ") == "ıi"


def test_lower_case_works_on_the_fields_asked_for_alone():
    document = Document("Text", fields={"question": "WHAT", "label": "A", "n": 3})
    changed = Lowercase(fields=("question", "n", "absent")).process(document)
    assert (changed.text, changed.fields) == ("Text", {"question": "what", "label": "A", "n": 3})
    assert document.fields["question"] == "WHAT"


@pytest.mark.parametrize("inside", [True, False])
def test_punctuation_is_what_unicodedata_says_for_every_character(inside):
    technique = RemovePunctuation(inside_words=inside)
    for code in range(0, sys.maxunicode + 1, 4096):
        block = [chr(c) for c in range(code, code + 4096)]
        wanted = [c for c in block if not unicodedata.category(c).startswith("P")]
        assert of(technique, " ".join(block)).split() == " ".join(wanted).split()


@given(st.text(st.sampled_from("aé字𐐀-'’.!—𐄀 \u0301"), max_size=12))
def test_punctuation_goes_the_same_whatever_plane_the_text_reaches_to(text):
    # A letter beyond the basic plane behind the text makes another pattern be used, and must change nothing.
    for technique in (RemovePunctuation(), RemovePunctuation(inside_words=False), RemovePunctuation(replacement="-!")):
        assert of(technique, text + " 𐐀") == of(technique, text) + " 𐐀"
    kept_inside = [
        mark
        for place, mark in enumerate(text)
        if unicodedata.category(mark)[0] != "P"
        or (
            mark in "-'’"
            and 0 < place < len(text) - 1
            and {unicodedata.category(text[place + d])[0] for d in (-1, 1)} <= set("LMN")
        )
    ]
    assert of(RemovePunctuation(), text) == "".join(kept_inside)
    assert words(text + " 𐐀")[:-1] == words(text)


def test_punctuation_inside_words_and_what_is_kept():
    plain = RemovePunctuation()
    assert of(plain, "'Don't,' she said: rock-'n'-roll -- well-known, 1-2!") == (
        "Don't she said rocknroll  well-known 1-2"
    )
    assert of(plain, "cafe\u0301's कि-वह") == "cafe\u0301's कि-वह"
    assert of(RemovePunctuation(inside_words=False), "don't well-known") == "dont wellknown"
    assert of(RemovePunctuation(keep=".-'"), "a.b, -c- 'd'!") == "a.b -c- 'd'"
    assert of(RemovePunctuation(replacement=r" \1"), "a,b") == r"a \1b"
    assert of(plain, "1+1=2 $5 a_b") == "1+1=2 $5 ab"


def test_stop_words_go_with_the_space_behind():
    technique = RemoveStopWords()
    assert of(technique, "The cat sat on the mat, and it was not there.") == "cat sat mat, ."
    assert of(technique, "One line of\nthe next") == "One line \nnext"
    assert of(RemoveStopWords(keep=("Not",), extra=("cat",)), "The Cat is not here") == "not "
    assert of(RemoveStopWords(words=("don’t",)), "I don't, I DON’T go the way") == "I , I go the way"


def test_a_language_in_capitals_is_refused():
    with pytest.raises(ValidationError, match="such as en"):
        RemoveStopWords(language="EN")


def test_parts_of_words_are_no_stop_words():
    for text in ("a1 i18n B2B", "a\u0301 i\u0302", "up-to-date on-off", "The-end it's", "कि"):
        assert of(RemoveStopWords(), text) == text
    assert of(RemoveStopWords(), "_the_ end") == "__ end"


def test_lists_are_those_of_stopwords_iso():
    import stopwordsiso

    for language in ("de", "fr", "hi"):
        listed = stopwordsiso.stopwords(language)
        words = sorted(word for word in listed if {unicodedata.category(mark)[0] for mark in word} <= {"L", "M"})
        assert len(words) > 100
        assert of(RemoveStopWords(language=language), " ".join(words)) == ""
    assert of(RemoveStopWords(extended=True), "computer table") != of(RemoveStopWords(), "computer table")


def test_the_list_of_nltk_is_taken_from_where_nltk_finds_it(tmp_path, monkeypatch):
    import nltk
    from nltk.corpus.reader import WordListCorpusReader

    folder = tmp_path / "corpora" / "stopwords"
    folder.mkdir(parents=True)
    (folder / "german").write_text("aber\nüber\nder\n", encoding="utf-8")
    (folder / "english").write_text("don't\nthe\n", encoding="utf-8")
    monkeypatch.setenv("NLTK_DATA", f"/nowhere{os.pathsep}{tmp_path}")
    stop_words.cache_clear()
    technique = RemoveStopWords(language="de", nltk=True)
    read = WordListCorpusReader(str(folder), ["german"]).words()
    assert of(technique, f"Haus {' '.join(read)} Über Hof") == "Haus Hof"
    assert of(RemoveStopWords(nltk=True), "You don’t see the cat and dog") == "You see cat and dog"
    # The same folders as NLTK's own, in a process that has the variable set.
    assert {str(Path.home() / "nltk_data"), str(Path(sys.prefix) / "share" / "nltk_data")} <= set(nltk.data.path)
    with pytest.raises(ConfigError, match=r"remove_stop_words\.nltk=True: has no file for 'fr'"):
        compose(["preprocessor=[remove_stop_words]", "preprocessor.remove_stop_words={language: fr, nltk: true}"])
    stop_words.cache_clear()


def test_exact_dedup_keeps_what_a_set_would():
    random = Random(0)
    texts = ["".join(random.choices("ab ", k=random.randint(0, 4))) for _ in range(500)]
    assert kept(ExactDedup(), texts) == list(dict.fromkeys(texts))
    assert 20 < len(set(texts)) < 130


@given(st.lists(ANY, max_size=12))
def test_exact_dedup_of_any_texts(texts):
    assert kept(ExactDedup(), texts) == list(dict.fromkeys(texts))


def test_exact_dedup_normalized_by_hand():
    technique = ExactDedup(normalized=True)
    assert kept(technique, ["Hello, world!", " hello   WORLD", "Straße", "STRASSE.", "hell o world"]) == [
        "Hello, world!",
        "Straße",
        "hell o world",
    ]
    # Marks are vowels in Hindi, and symbols carry meaning: neither is punctuation.
    different = ["कि", "की", "cafe\u0301", "cafe", "good 😀", "good 😡", "1+1", "1=1"]
    assert kept(technique, different) == different


def test_exact_dedup_compares_fields_apart():
    technique = ExactDedup(fields=("text", "label"))
    documents = [Document("a", fields={"label": label}) for label in ("x", "y", "x")] + [Document("ax")]
    assert list(technique.decide(KeyList(technique.key(d) for d in documents))) == [None, None, "exact_duplicate", None]


def applied(technique, documents):
    decisions = technique.decide(KeyList(technique.key(document) for document in documents))
    return [technique.apply(document, decision) for document, decision in zip(documents, decisions, strict=True)]


@given(st.lists(st.text("ab \n", max_size=20), max_size=8), st.integers(1, 3))
def test_lines_that_came_before_are_cut_out(texts, shortest):
    technique = ExactDedup(scope="line", min_characters=shortest)
    seen, wanted = set(), []
    for text in texts:
        left = []
        for line in text.split("\n"):
            if len(line.strip()) < shortest or line.strip() not in seen:
                left.append(line)
            if len(line.strip()) >= shortest:
                seen.add(line.strip())
        joined = "\n".join(left)
        wanted.append(text if joined == text else joined if joined.strip() else Dropped("only_repeats"))
    outcomes = applied(technique, [Document(text) for text in texts])
    assert [o if isinstance(o, Dropped) else o.text for o in outcomes] == wanted


def test_paragraphs_that_came_before_are_cut_out():
    long = "A paragraph that stands on every page,\nof two lines."
    documents = [
        Document(f"First page of all of them.\n\n{long}\n \nIts end comes here, at last."),
        Document(f"{long}\n\n\nSecond page, with something new.\n\n---\n\n{long}"),
        Document(long),
        Document("---\n\n---\n\nUnchanged, as nothing of it was before."),
    ]
    outcomes = applied(ExactDedup(scope="paragraph"), documents)
    assert outcomes[0] is documents[0] and outcomes[3] is documents[3]
    assert outcomes[1].text == "Second page, with something new.\n\n---"
    assert outcomes[2] == Dropped("only_repeats")
    shouted = [Document(long), Document(long.upper() + "!\n\nWhat is new in the second document.")]
    assert applied(ExactDedup(scope="paragraph"), shouted)[1] is shouted[1]
    changed = applied(ExactDedup(scope="paragraph", normalized=True), shouted)[1]
    assert changed.text == "What is new in the second document."


def test_lines_of_several_fields_are_counted_together():
    line, other = "This line is on every page.", "This line is on one page only."
    documents = [Document(line, fields={"note": other}), Document(f"{other}\nx", fields={"note": f"y\n{line}", "n": 1})]
    changed = applied(ExactDedup(scope="line", fields=("text", "note", "n", "absent")), documents)[1]
    assert (changed.text, changed.fields) == ("x", {"note": "y", "n": 1})


def test_repeats_are_those_of_a_set_also_where_half_a_digest_is_equal():
    random = Random(5)
    digests = [bytes([random.randrange(2)] + [0] * 14 + [random.randrange(3)]) for _ in range(200)]
    digests += [bytes([random.randrange(6)]) * 16 for _ in range(50)]
    seen: set[bytes] = set()
    wanted = [digest in seen or bool(seen.add(digest)) for digest in digests]
    keys = KeyList([digests[0] + digests[1], b"", *digests[2:]])
    assert repeats(keys).tolist() == wanted
    assert repeats(KeyList()).tolist() == []


def test_what_does_not_change_is_the_same_document():
    document = Document("nothing to do here", fields={"label": "a"})
    same = (Normalize(), Lowercase(), RemovePunctuation(), RemoveStopWords(words=("zzz",)), Length(min_characters=1))
    for technique in same:
        assert technique.process(document) is document, technique.name


def near_duplicates(count, words, seed=0):
    """Texts of 60 words, each followed by copies with more and more words changed, in a mixed order."""
    random = Random(seed)
    texts = []
    for _ in range(count):
        base = [f"w{random.randrange(words)}" for _ in range(60)]
        texts.append(" ".join(base))
        for edits in (1, 2, 4, 8):
            changed = list(base)
            for place in random.sample(range(60), edits):
                changed[place] = f"x{random.randrange(words)}"
            texts.append(" ".join(changed))
    random.shuffle(texts)
    return texts


def grams(text, n, unit="word"):
    pieces = text.casefold().split() if unit == "word" else list(text.casefold())
    return {tuple(pieces[i : i + n]) for i in range(max(1, len(pieces) - n + 1))}


@pytest.mark.parametrize(("ngram", "unit"), [(1, "word"), (3, "word"), (5, "word"), (4, "character")])
def test_similarity_is_that_of_the_sets(ngram, unit):
    texts = near_duplicates(4, 300)
    for a, b in combinations(texts, 2):
        one, other = grams(a, ngram, unit), grams(b, ngram, unit)
        wanted = len(one & other) / len(one | other)
        assert jaccard(shingles(a, ngram, unit), shingles(b, ngram, unit)) == pytest.approx(wanted)


def test_signatures_estimate_the_similarity_as_those_of_datasketch():
    texts = near_duplicates(6, 500, seed=3)
    errors, theirs = [], []
    for a, b in list(combinations(texts, 2))[:200]:
        one, other = grams(a, 3), grams(b, 3)
        wanted = len(one & other) / len(one | other)
        same = [signature(shingles(text, 3, "word"), 256, seed=1) for text in (a, b)]
        errors.append(np.mean(same[0] == same[1]) - wanted)
        sketches = [datasketch.MinHash(num_perm=256) for _ in range(2)]
        for sketch, pieces in zip(sketches, (one, other), strict=True):
            for piece in pieces:
                sketch.update(" ".join(piece).encode())
        theirs.append(sketches[0].jaccard(sketches[1]) - wanted)
    # The standard error of a signature of 256 is at most 1/32.
    assert abs(np.mean(errors)) < 0.01
    assert np.sqrt(np.mean(np.square(errors))) < 1.6 * np.sqrt(np.mean(np.square(theirs))) + 0.003


def by_brute_force(texts, threshold, ngram):
    first: list[tuple[str, set[Any]]] = []
    for text in texts:
        own = grams(text, ngram)
        if not any(len(own & other) / len(own | other) >= threshold for _, other in first):
            first.append((text, own))
    return [text for text, _ in first]


@pytest.mark.parametrize("block", [16, 64, shingling.BLOCK])
def test_a_word_has_one_hash_wherever_it_stands(monkeypatch, block):
    monkeypatch.setattr(shingling, "BLOCK", block)
    random = Random(0)
    known: dict[str, Any] = {}
    vocabulary = ["".join(random.choices("abcé日", k=random.choice([1, 2, 3, 9, 100]))) for _ in range(500)]
    for _ in range(100):
        chosen = random.choices(vocabulary, k=random.randrange(40))
        found = shingling.word_hashes(
            random.choice([" ", " - ", "“", ""]) + random.choice([" ", ", ", "\n”"]).join(chosen)
        )
        assert len(found) == len(chosen)
        for word, code in zip(chosen, found.tolist(), strict=True):
            assert known.setdefault(word, code) == code
    assert len(set(known.values())) == len(known) > 200


@settings(max_examples=50)
@given(st.text(st.sampled_from("aÉß ,“”…–—‘’«»„¿¡‹›†‡•‰€™०ा\u0301日。"), max_size=40))
def test_what_stands_between_words_is_found_one_by_one_or_at_once(text):
    by_pattern = shingling.between_words(sys.maxunicode).sub(" ", text.casefold()).encode()
    assert shingling.words(text) == by_pattern.translate(shingling.ASCII_WORDS).split()


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_near_dedup_drops_what_brute_force_drops(threshold):
    texts = near_duplicates(120, 5000, seed=1)
    wanted, found = by_brute_force(texts, threshold, 5), kept(NearDedup(threshold=threshold), texts)
    assert 120 <= len(wanted) < len(texts)
    assert found == [text for text in texts if text in set(found)]
    # Recall: a few of the pairs just at the threshold may be missed.
    dropped, ought = set(texts) - set(found), set(texts) - set(wanted)
    assert len(dropped & ought) >= 0.95 * len(ought)
    # Precision is 1: what is dropped is similar to a text that was kept.
    for text in dropped:
        own = grams(text, 5)
        assert any(len(own & grams(o, 5)) / len(own | grams(o, 5)) >= threshold for o in found)


def test_near_dedup_of_real_prose_with_planted_edits():
    random = Random(2)
    prose = " ".join(text for _, text in sorted(topics.items())).split()
    pieces = [prose[start : start + 100] for start in range(0, 40_000, 100)]
    texts = [" ".join(piece) for piece in pieces]
    for edits in (0, 1, 2, 3, 4, 6, 12):
        for piece in random.sample(pieces, 40):
            changed = list(piece)
            for place in random.sample(range(100), edits):
                changed[place] = random.choice(prose)
            texts.append(" ".join(changed).upper() if edits == 0 else " ".join(changed))
    random.shuffle(texts)
    bags = [frozenset(zip(*(words(text)[n:] for n in range(5)), strict=False)) for text in texts]
    first: list[int] = []
    for number, own in enumerate(bags):
        if not any(len(own & bags[o]) >= 0.7 * len(own | bags[o]) for o in first):
            first.append(number)
    technique = NearDedup(threshold=0.7)
    keys = KeyList(technique.key(Document(text)) for text in texts)
    found = [number for number, reason in enumerate(technique.decide(keys)) if reason is None]
    dropped, ought = set(range(len(texts))) - set(found), set(range(len(texts))) - set(first)
    assert len(ought) > 150
    assert len(dropped & ought) >= 0.95 * len(ought)
    assert all(any(len(bags[d] & bags[o]) >= 0.7 * len(bags[d] | bags[o]) for o in found if o < d) for d in dropped)


def test_documents_that_share_boilerplate_are_compared_with_the_likeliest():
    random = Random(4)
    boilerplate = [f"b{number}" for number in range(30)]
    texts = [" ".join(boilerplate + [f"w{random.randrange(9999)}" for _ in range(40)]) for _ in range(300)]
    copies = [text.replace("w", "x", 1) for text in random.sample(texts, 100)]
    # Each of the 300 shares bands with many others, and is compared with three; the copies are found all the same.
    # How many share a band is chance, of which the seed is one: here many do.
    technique = NearDedup(threshold=0.6, max_candidates=3, seed=1)
    keys = KeyList(technique.key(Document(text)) for text in texts + copies)
    first = [np.frombuffer(bands, dtype=np.uint32)[1:] for bands, _ in keys[:300]]
    assert np.median([sum((own == other).any() for other in first) for own in first]) > 10
    outcome = list(technique.decide(keys))
    assert outcome[:300] == [None] * 300
    assert outcome[300:].count("near_duplicate") >= 95


def test_decisions_look_up_few_shingles():
    class Counted(KeyList):
        looked_up = 0

        def __getitem__(self, number):
            self.looked_up += 1
            return super().__getitem__(number)

    technique = NearDedup()
    different = [" ".join(f"w{Random(f'{n}/{k}').randrange(10**6)}" for k in range(40)) for n in range(200)]
    keys = Counted(technique.key(Document(text)) for text in [*different, different[7]])
    assert list(technique.decide(keys)) == [None] * 200 + ["near_duplicate"]
    assert keys.looked_up <= 10


def test_band_hashes_are_equal_where_all_rows_are():
    signatures = np.random.default_rng(0).integers(0, 3, (400, 12), dtype=np.uint32)
    hashed = np.array([band_hashes(row, 4, 3) for row in signatures])
    for a, b in combinations(range(400), 2):
        equal = (signatures[a] == signatures[b]).reshape(4, 3).all(axis=1)
        assert ((hashed[a] == hashed[b]) == equal).all()


def test_words_are_the_same_with_and_without_characters_outside_of_ascii():
    texts = ["It's_a 2nd TEST-case;\tend.", "a\x00b\x7fc", "x" * 70]
    for text in texts:
        assert words(text + " é")[:-1] == words(text)
    assert words("Ünï “quoted” word—dash कि") == [w.encode() for w in ("ünï", "quoted", "word", "dash", "कि")]


def test_the_threshold_itself_is_a_duplicate():
    # Two sets of 4 words with 3 in common: 3 / 5.
    texts = ["a b c d", "a b c e"]
    assert kept(NearDedup(threshold=0.6, ngram=1, permutations=1024), texts) == texts[:1]
    assert kept(NearDedup(threshold=0.61, ngram=1, permutations=1024), texts) == texts
    assert kept(NearDedup(threshold=0.6, ngram=1, permutations=1024), texts[::-1]) == texts[1:]
    hindi = ["कि की कु", "का के को"]
    assert kept(NearDedup(threshold=0.6, ngram=1), hindi) == hindi


@given(st.lists(st.text("ab ", max_size=8), max_size=10))
def test_at_threshold_1_texts_of_the_same_words_are_dropped(texts):
    technique = NearDedup(threshold=1, ngram=2)
    # Shorter texts are one n-gram; longer ones are their set of pairs; those without a word are not compared.
    wanted = {frozenset(grams(text, 2)) for text in texts if text.strip()}
    assert len(kept(technique, texts)) == len(wanted) + sum(not text.strip() for text in texts)


def test_bands_find_a_pair_at_the_threshold_in_97_of_100_cases():
    for threshold in (0.3, 0.5, 0.7, 0.9):
        for permutations in (64, 128, 256):
            bands, rows = bands_for(threshold, permutations)
            assert bands * rows <= permutations
            assert 1 - (1 - threshold**rows) ** bands >= 0.97
            more = permutations // (rows + 1)
            assert more == 0 or 1 - (1 - threshold ** (rows + 1)) ** more < 0.97


def test_length_counts_characters_and_words_within_both_bounds():
    technique = Length(min_characters=3, max_characters=5)
    outcomes = [technique.process(Document(text)) for text in ("  ab \n", "abc", " abcde ", "abcdef", "äöü")]
    assert [o.reason if isinstance(o, Dropped) else o.text for o in outcomes] == [
        "too_short",
        "abc",
        " abcde ",
        "too_long",
        "äöü",
    ]
    words = Length(min_characters=0, min_words=2, max_words=3)
    outcomes = [words.process(Document(text)) for text in ("", "a", "a b", "a\n b\tc", "a b c d")]
    assert [getattr(o, "reason", None) for o in outcomes] == ["too_short", "too_short", None, None, "too_long"]
    assert Length(fields=("question",)).process(Document("x" * 30)) == Dropped("too_short")


@pytest.mark.parametrize("wrong", [{"min_characters": 9, "max_characters": 8}, {"min_words": -1}, {"max_words": 0}])
def test_bounds_must_be_in_order(wrong):
    with pytest.raises(ValidationError):
        Length(**wrong)
