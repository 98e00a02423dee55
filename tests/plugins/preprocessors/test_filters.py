"""Filters and repairs, held against the libraries and standards they follow."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import pairwise
from pydoc_data.topics import topics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pluglm import Document, Dropped
from pluglm.config.compose import compose
from pluglm.errors import ConfigError
from pluglm_preprocessors.c4 import C4
from pluglm_preprocessors.decontaminate import Decontaminate, evaluation_ngrams
from pluglm_preprocessors.fix_encoding import FixEncoding
from pluglm_preprocessors.gopher import Gopher
from pluglm_preprocessors.language import Language
from pluglm_preprocessors.personal_data import PersonalData
from pluglm_preprocessors.quality import Quality
from pluglm_preprocessors.regex import Regex
from pluglm_preprocessors.unwanted.identifiers import CARD, EMAIL, IBAN, IP4, KINDS, PHONE, SIGNS, iban, luhn, spans
from pluglm_preprocessors.word_tokenize import WordTokenize

PROSE = [text for _, text in sorted(topics.items())]


def after(technique, text, **fields):
    return technique.process(Document(text, id="d", fields=fields))


# regex


def test_regex_replaces_drops_and_keeps():
    years = Regex(pattern=r"\b(?P<c>\d\d)\d\d\b", replacement=r"\g<c>th")
    assert after(years, "In 1984 and 2001.").text == "In 19th and 20th."
    assert after(Regex(pattern="x", action="drop"), "a x") == Dropped("pattern_found")
    assert after(Regex(pattern="X", action="keep", ignore_case=True), "a x").text == "a x"
    assert after(Regex(pattern="X", action="keep"), "a x") == Dropped("pattern_not_found")
    both = Regex(pattern="b", fields=("text", "title"))
    assert after(both, "ab", title="bc").fields["title"] == "c"


@pytest.mark.parametrize(
    "wrong",
    [
        {"pattern": "("},
        {"pattern": "a", "replacement": r"\1"},
        {"pattern": ""},
        {"pattern": "a{99999999999999}"},
        {"pattern": "(" * 3000 + ")" * 3000},
    ],
)
def test_regex_that_does_not_compile_is_refused(wrong):
    with pytest.raises(ValidationError):
        Regex(**wrong)


def test_a_pattern_with_a_doubtful_bracket_is_taken_without_a_warning(recwarn):
    assert after(Regex(pattern="[[a]", replacement="x"), "[ab").text == "xxb" and not recwarn.list


# fix_encoding


@pytest.mark.parametrize("text", ["café", "Größe – “naïve”", "日本語", "déjà vu… it’s"])
@pytest.mark.parametrize("wrong", ["latin-1", "windows-1252"])
def test_text_decoded_with_the_wrong_encoding_is_repaired(text, wrong):
    spoilt = text.encode().decode(wrong, errors="ignore")
    if spoilt.encode(wrong) != text.encode():
        pytest.skip("bytes that this encoding cannot hold")
    assert after(FixEncoding(), spoilt).text == text


@pytest.mark.parametrize("text", ["café", "Ça và", "naïve “quotes” ﬁ ½", "Ünïcödé", *PROSE[:30]])
def test_good_text_stays(text):
    assert after(FixEncoding(), text).text == text
    assert after(FixEncoding(always=True), text).text == text


# word_tokenize


def test_words_are_those_of_nltk():
    from nltk.tokenize import NLTKWordTokenizer

    assert after(WordTokenize(), "The cat sat on the mat.").text == "The cat sat on the mat ."
    assert after(WordTokenize(), 'It isn\'t, "is it"?\nNo.').text == "It is n't , `` is it '' ?\nNo ."
    for text in PROSE[:20]:
        lines = [" ".join(NLTKWordTokenizer().tokenize(line)) for line in text.split("\n")]
        assert after(WordTokenize(), text).text.split("\n") == lines


def test_words_do_not_depend_on_the_speed_of_the_machine(monkeypatch):
    from nltk import redos

    monkeypatch.setattr(redos, "DEFAULT_TIMEOUT", 1e-9)
    assert after(WordTokenize(), "(a) " * 1000).text == " ".join(["( a )"] * 1000)
    assert redos.DEFAULT_TIMEOUT == 1e-9


# language

SENTENCES = {
    "en": "The committee met in the old town hall, and nobody could say afterwards what it had decided.",
    "de": "Der Ausschuss tagte im alten Rathaus, und niemand konnte nachher sagen, was er beschlossen hatte.",
    "fr": "Le comité se réunit dans l'ancien hôtel de ville, et personne ne savait ce qu'il avait décidé.",
    "es": "El comité se reunió en el viejo ayuntamiento y nadie supo decir después qué había decidido.",
    "pl": "Komisja zebrała się w starym ratuszu i nikt nie potrafił potem powiedzieć, co postanowiła.",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_language_is_found(code):
    found = after(Language(languages=(code,)), SENTENCES[code])
    assert found.metadata["language"] == code and found.metadata["language_probability"] > 0.9
    others = tuple(set(SENTENCES) - {code})
    assert after(Language(languages=others), SENTENCES[code]) == Dropped("other_language")
    assert after(Language(languages=others, action="tag"), SENTENCES[code]).metadata["language"] == code


@pytest.mark.parametrize("text", ["La casa è piccola.", "Das ist gut.", "Det er en god bok.", "O rato roeu a rolha."])
def test_lingua_says_what_lingua_says(text):
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    candidates = ("de", "it", "nb", "pt")
    codes = [getattr(IsoCode639_1, code.upper()) for code in candidates]
    detector = LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()
    best = detector.compute_language_confidence_values(text)[0]
    technique = Language(model="lingua", candidates=candidates, action="tag")
    found = after(technique, text).metadata
    assert found["language"] == detector.detect_language_of(text).iso_code_639_1.name.lower()
    assert found["language_probability"] == round(best.value, 4)
    assert after(technique, "17 + 4").metadata["language"] == "und"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("{model: lingua, languages: [xx]}", r"languages=xx: has no model"),
        ("{model: lingua, candidates: [de]}", "needs two"),
        ("{model: lingua, candidates: [de, xx]}", "candidates=xx: has no model"),
        ("{model: lingua, candidates: [de, fr], languages: [en]}", "languages=en: has none of candidates"),
        ("{candidates: [de, en]}", "candidates=de, en: are for model=lingua"),
    ],
)
def test_lingua_refuses_what_it_does_not_know(setting, said):
    with pytest.raises(ConfigError, match=said):
        compose(["preprocessor=[language]", f"preprocessor.language={setting}"])


def test_language_of_next_to_nothing_is_unsure():
    assert after(Language(min_probability=0.99), "ok 17") == Dropped("unsure")
    for text in ("", "17 + 4"):
        assert after(Language(action="tag"), text).metadata["language"] == "und"


def test_language_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match=r"preprocessor\.language\.languages=xx: has no model"):
        compose(["preprocessor=[language]", "preprocessor.language.languages=[xx,en]"])
    with pytest.raises(ConfigError, match="not an ISO 639-1 code"):
        compose(["preprocessor=[language]", "preprocessor.language.languages=[english]"])


# personal_data


@given(st.from_regex(r"[0-9]{12,18}", fullmatch=True))
def test_every_number_has_one_luhn_digit(number):
    # ISO/IEC 7812-1: exactly one check digit completes a number, and a wrong digit is noticed.
    (digit,) = [d for d in "0123456789" if luhn(number + d)]
    wrong = str((int(number[-1]) + 1) % 10)
    assert not luhn(number[:-1] + wrong + digit)


def test_known_numbers():
    assert luhn("4111 1111 1111 1111") and luhn("5500-0000-0000-0004") and not luhn("4111 1111 1111 1112")
    # The examples of the IBAN registry.
    for good in ("GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "FR1420041010050500013M02606"):
        assert iban(good) and not iban(good.replace("3", "4"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to jane.doe+x@mail.example.co.uk, please.", "Write to <email>, please."),
        ("Call +44 20 7946 0958 or (030) 123 45 67.", "Call <phone> or <phone>."),
        ("+49 30 123456, +49 (0)30 1234567, +49 151 12345678", "<phone>, <phone>, <phone>"),
        ("1-800-555-0199, 030/1234567, 07700 900123", "<phone>, <phone>, <phone>"),
        ("555.123.4567 12 Elm Street", "<phone> 12 Elm Street"),
        ("From 192.168.0.17 and 2001:db8::1 at night", "From <ip> and <ip> at night"),
        ("Card 4111 1111 1111 1111, once", "Card <card>, once"),
        ("4111 1111 1111 1111 12/27, 3400 000000 00009 123", "<card> 12/27, <card> 123"),
        ("To GB82 WEST 1234 5698 7654 32 today", "To <iban> today"),
        ("BE68 5390 0754 7034 BIC KREDBEBB", "<iban> BIC KREDBEBB"),
        ("key=AKIAIOSFODNN7EXAMPLE;", "key=<secret>;"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nend", "<secret>\nend"),
    ],
)
def test_what_is_personal_is_replaced(text, expected):
    assert after(PersonalData(), text).text == expected
    assert isinstance(after(PersonalData(action="drop"), text), Dropped)


@pytest.mark.parametrize(
    "text",
    [
        "Version 1.2.3.4.5 of 2024-05-17, at 10:30:15, pages 120-135.",
        "Born 17.05.1984, died 12 10 2001; 1914-1918.",
        "Number 4111 1111 1111 1112 is no card, 999.1.1.1 no address.",
        "std::vector<int> a::b; @decorator; user@localhost; 10 000 000 people",
        "x = [1, 22, 333]; 3.14159265358979; 0x1234567890; 1234567890123",
        "padded as +000000120 or 00 120 000",
        "2024-01-31 12:30:45 start; root 40504 2010-10-05 03:22; 1999 2000 2001",
        "12.50 13.75 14.25 and 0.09999999999999995, 00 00 00 00, mask 0000000000000000; 3-2 4-1 1234 5678 9; 2004::",
        "https://web.archive.org/web/20210124233728/x",
    ],
)
def test_what_is_not_personal_stays(text):
    assert after(PersonalData(), text).text == text


def test_hashes_tell_equal_from_different():
    technique = PersonalData(action="hash", salt="s")
    text = after(technique, "a@b.example wrote to c@d.example and a@b.example").text
    first, second, third = [word for word in text.split() if word.startswith("<")]
    assert first == third != second and first.startswith("<email:") and "b.example" not in text
    assert first not in after(PersonalData(action="hash", salt="t"), "a@b.example").text


@given(st.text())
def test_spans_do_not_overlap(text):
    found = list(spans(text * 2, ("email", "phone", "ip", "card", "iban", "secret")))
    assert all(a[1] <= b[0] for a, b in pairwise(found))


# decontaminate


def test_documents_of_the_evaluation_are_dropped(tmp_path):
    question = "Which of the seven rivers of the old province flows past the castle before it reaches the sea?"
    (tmp_path / "eval.jsonl").write_text(json.dumps({"question": question, "id": 5}) + "\n")
    technique = Decontaminate(paths=(str(tmp_path / "eval.jsonl"),))
    spoilt = f"Somebody asked: {question.upper().replace(' the ', ', the ')} Nobody knew."
    assert after(technique, spoilt) == Dropped("in_evaluation")
    # Twelve words in a row are not thirteen.
    assert after(technique, " ".join(question.split()[:12]) + " runs where?").text
    assert after(technique, PROSE[0]).text == PROSE[0]
    share = Decontaminate(paths=technique.paths, min_share=0.5)
    assert after(share, spoilt + " " + PROSE[0]).text and after(share, question) == Dropped("in_evaluation")


def test_shared_ngrams_are_those_that_sets_share(tmp_path):
    path = tmp_path / "eval.txt"
    evaluation = [" ".join(text.split()[20:45]).replace("\n", " ") for text in PROSE[:40]]
    path.write_text("\n".join(evaluation), encoding="utf-8")

    def grams(text):
        found = [word.casefold() for word in re.findall(r"\w+", text)]
        return set(zip(*(found[place:] for place in range(8)), strict=False))

    known = set().union(*map(grams, evaluation))
    outcomes = set()
    for text in [*PROSE[:80], *(" ".join(text.split()[:60]) for text in PROSE[:80])]:
        own = grams(text)
        for share in (0.0, 0.2):
            wanted = bool(own & known) and len(own & known) >= share * len(own)
            technique = Decontaminate(paths=(str(path),), ngram=8, min_share=share)
            assert isinstance(after(technique, text), Dropped) == wanted
            outcomes.add((share, wanted))
    assert len(outcomes) == 4


def test_decontaminate_reads_lines_and_refuses_what_is_not_there(tmp_path):
    path = tmp_path / "eval.txt"
    path.write_text("one two three four\n\nfive six\n")
    technique = Decontaminate(paths=(str(path),), ngram=4)
    assert after(technique, "zero One, two; three FOUR five") == Dropped("in_evaluation")
    # A shorter record only as a whole.
    assert after(technique, "five six seven eight nine").text
    with pytest.raises(ConfigError, match="is not a file"):
        compose(["preprocessor=[decontaminate]", "preprocessor.decontaminate.paths=[nowhere.jsonl]"])
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"turns": [{"by": "user", "says": ["one two three four"]}], "n": 1}\n')
    nested = Decontaminate(paths=(str(bad),), ngram=4)
    assert after(nested, "zero one two three four five") == Dropped("in_evaluation")
    for content, said in (
        (b'{"n": 1}', r"bad\.jsonl holds no text"),
        (b"{}\n{\n", r"bad\.jsonl:2"),
        (b"\xff\xfe", r"bad\.jsonl: 'utf-8' codec"),
    ):
        bad.write_bytes(content)
        with pytest.raises(ConfigError, match=said):
            compose(["preprocessor=[decontaminate]", f"preprocessor.decontaminate.paths=[{bad}]"])
        evaluation_ngrams.cache_clear()


# what has nothing to do

GOOD = " ".join(
    """
    The committee met in the old town hall, and nobody could say afterwards what it had decided. We walked down to the
    river with both dogs and looked at boats that have been there since winter. Rain fell before anybody slept. To be
    honest, most guests preferred tea. Later a train came, slowly, out of dark hills, carrying letters for people who
    had moved away long ago. Her brother kept bees behind his workshop until last autumn.
    """.split()
)


def test_what_does_not_change_is_the_same_document(tmp_path):
    (tmp_path / "eval.txt").write_text("one two three four five six seven\n", encoding="utf-8")
    document = Document(GOOD, id="d", fields={"label": "a"})
    techniques = (
        FixEncoding(),
        FixEncoding(always=True),
        Regex(pattern="xyz"),
        Regex(pattern="xyz", action="drop"),
        PersonalData(),
        PersonalData(action="drop"),
        Gopher(),
        C4(min_sentences=1, terminal_punctuation=False),
        Quality(),
        Decontaminate(paths=(str(tmp_path / "eval.txt"),)),
    )
    for technique in techniques:
        assert technique.process(document) is document, technique


@given(st.text(st.sampled_from("aA1 .-@:+()/"), max_size=60))
def test_a_quick_look_misses_no_identifier(text):
    with_signs = list(spans(text, tuple(KINDS)))
    every = {kind: re.compile("") for kind in SIGNS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pluglm_preprocessors.unwanted.identifiers.SIGNS", every)
        assert list(spans(text, tuple(KINDS))) == with_signs


@given(
    st.from_regex(r"[ .,(]?(?:" + "|".join(p.pattern for p in (EMAIL, PHONE, IP4, CARD, IBAN)) + ")", fullmatch=False)
)
def test_a_quick_look_misses_no_generated_identifier(text):
    for kind, (patterns, _) in KINDS.items():
        assert not any(pattern.search(text) for pattern in patterns) or SIGNS[kind].search(text)


# what is not installed


def test_a_missing_library_is_one_line():
    code = """
import sys
from importlib.abc import MetaPathFinder
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in ("ftfy", "nltk") else real(name, package)
sys.argv = ["pluglm", "check", "preprocessor=[fix_encoding,word_tokenize]"]
from pluglm.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "pluglm: preprocessor.fix_encoding: needs ftfy, which is not installed; pip install 'pluglm[data]'",
        "pluglm: preprocessor.word_tokenize: needs nltk, which is not installed; pip install 'pluglm[data]'",
    ]
