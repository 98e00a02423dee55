"""Harmful and biased content: precision and recall on labelled samples, and what is wrongly taken for either."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from pydoc_data.topics import topics
from random import Random

import numpy as np
import pytest
import safetext
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pluglm import Document, Dropped
from pluglm.config.compose import compose
from pluglm.corpus.keys import KeyList
from pluglm.errors import ConfigError
from pluglm_preprocessors.biased_content import BiasedContent, excess
from pluglm_preprocessors.harmful_content import LANGUAGES, HarmfulContent
from pluglm_preprocessors.unwanted.harm_classifier import Classifier
from pluglm_preprocessors.unwanted.stereotypes import GROUPS, stereotypes
from pluglm_preprocessors.unwanted.word_lists import NEUTRAL

# Neutral sentences with names of groups, medical and anatomical words, names of places, and words of everyday: what a
# filter must not take for harm. The first two kinds are those of HateCheck (Röttger et al. 2021) and of the Scunthorpe
# problem.
NEUTRAL_SENTENCES = [
    f"{group} {rest}"
    for group, rest in product(
        ("Gay people", "Lesbians", "Muslims", "Jews", "Black women", "Transgender people", "Asians", "Bisexual men"),
        ("in our town opened a library last spring.", "have lived in this country for centuries."),
    )
] + [
    "She was treated for breast cancer and the tumour did not come back.",
    "The examination of the rectum, the anus and the prostate takes ten minutes.",
    "Sperm and semen are examined where a couple has no children.",
    "Menstruation begins at puberty; the ovaries release one egg each month.",
    "The vagina and the vulva are covered in chapter four, the penis and the testicles in chapter five.",
    "The survivors of rape were heard by the court behind closed doors.",
    "They drove from Scunthorpe to Essex, past Penistone, Lightwater and Clitheroe.",
    "Mr Cockburn, Mrs Dickinson and Dr Hancock sat on the committee of the assembly.",
    "The class passed its assessment of the cumulative analysis.",
    "Moby Dick is about a sperm whale; Dick Turpin was a robber.",
    "The cock crowed, a tit sang in the beaver's wood, and the ass brayed.",
    "He graduated summa cum laude and went to Sussex to study sex chromosomes.",
    "The flange of the pipe is fixed with a knob of solder, to be escorted to the yard.",
    "Shiitake mushrooms, Shih Tzu dogs and the Matsushita company are on the list.",
    "Herpes, HIV and syphilis are infections; condoms protect from them.",
    "Der Mufti von Jerusalem sprach; das Dicke Ende kam nach.",
    "Sexual orientation and gender identity are protected by the law on equality.",
    "x86, i386 and a5e1 are numbers; 455 and 5417 are as well; $4 is a price.",
]


def listed_words(language="en"):
    path = Path(safetext.__file__).parent / "languages" / language / "words.txt"
    return sorted({line.strip().lower() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()})


def swear(random, word):
    """A sentence around a listed word; the words around it are harmless."""
    before = random.choice(["you are such a", "what a load of", "go away, you", "they called him a", "this is"])
    after = random.choice(["and everybody knows it.", "as I told you before.", "so leave us alone now.", "again!"])
    return f"{before} {word} {after}"


def obfuscated(random, word):
    """A word as people spell it who do not want it found."""
    letters = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "$"})
    middle = random.randrange(1, len(word) - 1)
    return random.choice(
        [
            word.translate(letters),
            word[:middle] + "*" + word[middle + 1 :],
            word[:middle] + word[middle] * 4 + word[middle + 1 :],
            " ".join(word),
            ".".join(word),
            word.upper(),
        ]
    )


def figures(predicted, actual):
    """(precision, recall) of yes-or-no answers."""
    right = sum(p and a for p, a in zip(predicted, actual, strict=True))
    return right / max(1, sum(predicted)), right / max(1, sum(actual))


def harmful(technique, text):
    return isinstance(technique.process(Document(text)), Dropped)


def sample():
    """(text, whether it is harmful): sentences with listed words, plain and obfuscated, and neutral ones and prose."""
    random = Random(0)
    words = [word for word in listed_words() if word.isascii() and word.isalpha() and len(word) > 3]
    words = [word for word in words if word not in NEUTRAL]
    rude = [swear(random, word) for word in random.sample(words, 100)]
    rude += [swear(random, obfuscated(random, word)) for word in random.sample(words, 100)]
    prose = [piece for _, text in sorted(topics.items()) for piece in text.split("\n\n") if len(piece.split()) > 15]
    return [(text, True) for text in rude] + [(text, False) for text in NEUTRAL_SENTENCES + random.sample(prose, 300)]


def test_precision_and_recall_of_words_on_a_labelled_sample():
    texts, labels = zip(*sample(), strict=True)
    found = [harmful(HarmfulContent(), text) for text in texts]
    precision, recall = figures(found, labels)
    assert precision >= 0.98 and recall >= 0.95, (precision, recall)
    # What it costs not to see through spellings.
    _, blind = figures([harmful(HarmfulContent(obfuscation=()), text) for text in texts], labels)
    assert blind <= 0.7


def test_neutral_sentences_stay_and_say_what_was_let_pass():
    technique = HarmfulContent()
    wrongly = [text for text in NEUTRAL_SENTENCES if harmful(technique, text)]
    assert wrongly == []
    # The lists as they are drop a third of them or more: this is what sparing names and terms is for.
    as_listed = [text for text in NEUTRAL_SENTENCES if harmful(HarmfulContent(neutral=True), text)]
    assert len(as_listed) >= len(NEUTRAL_SENTENCES) / 3
    noted = [technique.process(Document(text)).metadata for text in as_listed]
    assert all(set(note["harmful_spared"]) <= NEUTRAL and note["harmful"] is False for note in noted)
    assert "harmful_words" not in noted[0]


def test_masks_tags_and_thresholds():
    text = "What a load of bullshit, said the gay bastard. B.a.s.t.a.r.d!"
    masked = HarmfulContent(action="mask", mask="***").process(Document(text, fields={"n": "shit"}))
    assert masked.text == "What a load of ***, said the gay ***. ***!" and masked.fields == {"n": "shit"}
    tagged = HarmfulContent(action="tag").process(Document(text, metadata={"title": "a"}))
    assert tagged.text == text and tagged.metadata == {
        "title": "a",
        "harmful": True,
        "harmful_score": pytest.approx(3 / 10),
        "harmful_words": ["bastard", "bullshit"],
        "harmful_spared": ["gay"],
    }
    # One word in a long text is below the threshold; what is kept says so.
    long = Document(f"{'word ' * 999}bastard")
    assert HarmfulContent().process(long).metadata["harmful_words"] == ["bastard"]
    assert HarmfulContent(threshold=0.001).process(long) == Dropped("harmful_content", "bastard")
    clean = Document("Nothing to see here.")
    for action in ("drop", "mask", "tag"):
        assert HarmfulContent(action=action).process(clean) is clean


def test_words_of_ones_own_phrases_and_exceptions(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("# own\nSnow Flake\nzounds\n", encoding="utf-8")
    technique = HarmfulContent(languages=(), word_files=(str(path),), words=("gadzooks",), action="mask", mask="#")
    assert technique.process(Document("Zounds! A snow  flake, G4DZ00KS; snow melts, flake.")).text == (
        "#! A #, #; snow melts, flake."
    )
    assert technique.process(Document("A bastard.")).text == "A bastard."
    assert not harmful(HarmfulContent(allow=("Bastard",)), "You bastard.")
    # Your own word counts, also where a list would be spared it.
    assert harmful(HarmfulContent(words=("damn",)), "Damn it.") and not harmful(HarmfulContent(), "Damn it.")


def test_quotations_may_be_left_out():
    technique = HarmfulContent(quoted=False)
    for quoted in ('He said "you bastard" to him.', "He said “you bastard” to him.", "Er sagte „bastard“ zu ihm."):
        kept = technique.process(Document(quoted))
        assert kept.metadata["harmful_spared"] == ["bastard"]
        assert harmful(HarmfulContent(), quoted)
    assert harmful(technique, 'You bastard, he said: "go".')


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_list(language):
    technique = HarmfulContent(languages=(language,), neutral=True)
    words = [word for word in listed_words(language) if word.isalpha() and len(word) > 3][:50]
    assert len(words) >= 15
    found = [harmful(technique, f"a {word} b") for word in words]
    assert sum(found) >= 0.95 * len(found)
    assert not harmful(technique, "The committee met in the old town hall.")


def test_words_between_characters_are_found_where_no_spaces_are_written():
    word = next(word for word in listed_words("zh") if len(word) == 2)
    assert harmful(HarmfulContent(languages=("zh",), neutral=True), f"今天天气{word}很好")


@pytest.mark.parametrize(
    ("languages", "text"),
    [
        (("en", "zh", "ja"), "The gang plans a game of chess; combine http and LAN, says chapter 13."),
        (("zh",), "系统管理员检查性能和可能性，交换消息，比较服务器。"),
        (("zh",), "子宫和卵子的性别决定；艾滋病、淋病的官方提示。"),
        (("ja",), "子宮と直腸の検査に遅延はない。ユダヤ人の女の子。"),
        (("fr",), "Il faut faire bonne chère, mettre le chat au bout du tuyau."),
        (("fa",), "مادر و پدر این فیلم را در سرویس دادن دیدند"),
    ],
)
def test_words_of_everyday_in_other_languages_do_not_count(languages, text):
    assert not harmful(HarmfulContent(languages=languages), text)


def test_abuse_in_languages_without_spaces_counts():
    assert harmful(HarmfulContent(languages=("zh",)), "你这个傻逼，操你妈！")
    assert harmful(HarmfulContent(languages=("ja",)), "このクソ野郎め")


@given(st.text(st.sampled_from('fFuUcCkKİß* .4$\n"’'), max_size=30))
def test_masking_leaves_all_else(text):
    masked = HarmfulContent(action="mask", mask="").process(Document(text)).text
    rest = iter(text)
    assert all(letter in rest for letter in masked)


def template_sample(seed, count):
    """Labelled sentences in which the same groups are praised and abused, so that their names tell nothing."""
    random = Random(seed)
    groups = ("women", "gay people", "Muslims", "Jews", "immigrants", "old men", "teachers", "Germans", "neighbours")
    good = (
        "organised a concert",
        "won a prize for their garden",
        "voted last Sunday",
        "opened a bakery",
        "wrote to me",
    )
    bad = ("are filthy scum", "should all be beaten up", "make me vomit", "are subhuman trash", "deserve to rot")
    where = ("in this town", "as I said before", "again today", "near the station", "my brother says")
    rows = []
    for number in range(count):
        label = number % 2
        said = random.choice(bad if label else good)
        rows.append({"text": f"{random.choice(groups)} {said} {random.choice(where)}.", "label": label})
    return rows


@pytest.fixture(scope="module")
def labelled_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("labelled") / "labelled.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in template_sample(1, 120)) + "\n", encoding="utf-8")
    return path


def test_precision_and_recall_of_a_classifier_that_is_learnt(labelled_file):
    technique = HarmfulContent(method="classifier", classifier=str(labelled_file))
    rows = template_sample(2, 300)
    found = [harmful(technique, row["text"]) for row in rows]
    precision, recall = figures(found, [row["label"] for row in rows])
    assert precision >= 0.95 and recall >= 0.95
    # Names of groups alone are not what it goes by.
    assert not any(harmful(technique, f"{group} opened a bakery.") for group in ("Jews", "gay people", "Muslims"))


def test_a_classifier_is_saved_and_loaded_as_it_is(labelled_file, tmp_path):
    rows = template_sample(1, 120)
    texts, labels = [row["text"] for row in rows], [bool(row["label"]) for row in rows]
    model = Classifier.fit(texts, labels)
    model.save(tmp_path / "model.safetensors")
    again = Classifier.load(tmp_path / "model.safetensors")
    assert np.array_equal(model.weights, again.weights) and model.bias == again.bias
    assert [model.score(text) for text in texts] == [again.score(text) for text in texts]
    loaded = HarmfulContent(method="classifier", classifier=str(tmp_path / "model.safetensors"), action="tag")
    learnt = HarmfulContent(method="classifier", classifier=str(labelled_file), action="tag")
    document = Document("old men should all be beaten up")
    assert loaded.process(document) == learnt.process(document)
    assert loaded.process(document).metadata["harmful_probability"] > 0.5
    assert 0 <= model.score("") <= 1
    with pytest.raises(ValueError, match="one label"):
        Classifier.fit(["a", "b"], [True, True])
    (tmp_path / "bad.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(ValueError, match="no safetensors file"):
        Classifier.load(tmp_path / "bad.safetensors")


def test_methods_together(labelled_file):
    rude, abusive, both = "you bastard", "they are subhuman trash", "the bastards are subhuman trash, bastard"
    either = HarmfulContent(method="either", classifier=str(labelled_file))
    assert [harmful(either, text) for text in (rude, abusive, both)] == [True, True, True]
    agreed = HarmfulContent(method="both", classifier=str(labelled_file))
    assert [harmful(agreed, text) for text in (abusive, both)] == [False, True]


def test_wrong_settings_are_refused(tmp_path):
    bad, one = tmp_path / "bad.jsonl", tmp_path / "one.jsonl"
    bad.write_text('{"text": "a", "label": 1}\n{"text": "b", "label": 2}\n', encoding="utf-8")
    one.write_text('{"text": "a", "label": 1}\n', encoding="utf-8")
    with pytest.raises(ValidationError, match="needs classifier"):
        HarmfulContent(method="both")
    for setting, said in (
        ("languages=[xx]", "has no list; known: ar, az"),
        ("word_files=[nowhere.txt]", "cannot be read"),
        ("classifier=nowhere.jsonl", "is not a file"),
        (f"classifier={bad}", "line 2: needs a text"),
        (f"classifier={one}", "has texts of one label only"),
    ):
        with pytest.raises(ConfigError, match=said):
            compose(["preprocessor=[harmful_content]", f"preprocessor.harmful_content.{setting}"])
    with pytest.raises(ValueError, match="line 2: needs a text"):
        HarmfulContent(method="classifier", classifier=str(bad)).process(Document("a"))


# biased content

STEREOTYPES = [
    "Women are bad at maths.",
    "Girls are naturally worse at programming than boys.",
    "Everybody knows that men are all the same.",
    "Muslims are terrorists.",
    "Jews are greedy.",
    "Immigrants steal our jobs.",
    "Black people are lazy and that is that.",
    "Old people cannot handle technology.",
    "Poor people don't want to work.",
    "A woman belongs in the kitchen.",
    "Women should stay at home and cook.",
    "Gay men are so promiscuous.",
    "No woman can drive.",
    "Blondes are dumb.",
    "Refugees are all criminals.",
    "I tell you, Asians are terrible drivers!",
    "Teenagers are always up to no good.",
    "Gypsies are thieves, my father says.",
    "Foreigners are dirty.",
    "Homosexuals should not be allowed to adopt.",
    "Disabled people are a burden.",
    "Mexicans are just lazy.",
    "A true man cannot have feelings.",
    "Housewives gossip.",
    "Women are too emotional to lead.",
    "Christians are ignorant fanatics.",
    "Americans are stupid.",
    "Immigrants live off the state.",
    "Rich people are heartless.",
    "Boys will never understand girls, who are so moody.",
    # Not found by patterns: implied, or in other words.
    "She drives quite well for a woman.",
    "You know what those people are like.",
    "He throws like a girl.",
]
NO_STEREOTYPES = [
    "Women are half of the population.",
    "Women are underrepresented in parliament.",
    "Muslims are a minority in this country.",
    "The two men were lazy and did not finish.",
    "Some women are bad at maths, and some men are too.",
    "It is a myth that women are bad at maths.",
    "Not all Muslims are terrorists.",
    "The stereotype that Jews are greedy is centuries old.",
    "Studies show that girls are better at reading at that age.",
    "Black people are protected by the same law.",
    "Old people are welcome in our choir.",
    "The immigrants are from Syria and Iraq.",
    "He is wrong to say that immigrants steal jobs.",
    "Women can drive in Saudi Arabia since 2018.",
    "Women should have the same rights.",
    "Gay men are allowed to give blood now.",
    "Those girls are stupid to go there alone.",
    "Refugees are waiting at the border.",
    "Teenagers are between thirteen and nineteen years old.",
    "My brothers are lazy.",
    "Disabled people are entitled to a seat.",
    "The women are tired and want to go home.",
    "The Germans are known for bread.",
    "Mothers are invited to bring their children.",
    "Poor people are hit hardest by inflation.",
    "Men are more often colour-blind than women.",
    "Women are not weak.",
    "Christians celebrate Easter in spring.",
    "The dogs are dangerous and the men are armed.",
    "A woman is dead after a fire in Leeds.",
]


def test_precision_and_recall_of_stereotypes_on_a_labelled_sample():
    sentences, labels = STEREOTYPES + NO_STEREOTYPES, [True] * len(STEREOTYPES) + [False] * len(NO_STEREOTYPES)
    found = [any(stereotypes(sentence)) for sentence in sentences]
    wrong = [sentence for sentence, f, label in zip(sentences, found, labels, strict=True) if f != label]
    precision, recall = figures(found, labels)
    assert precision >= 0.95 and recall >= 0.85, wrong
    assert not any(any(stereotypes(text)) for text in topics.values())


def decided(technique, texts):
    documents = [Document(text, id=str(number)) for number, text in enumerate(texts)]
    decisions = technique.decide(KeyList(technique.key(document) for document in documents))
    return [technique.apply(document, decision) for document, decision in zip(documents, decisions, strict=True)]


def test_stereotypes_are_dropped_tagged_or_weighed_down():
    texts = ["We met. Women are bad at maths. We left.", "We met and left again.", "Blondes are dumb. " + "Yes. " * 99]
    dropped = decided(BiasedContent(action="drop"), texts)
    assert dropped[0] == Dropped("stereotypes") and dropped[1].text == texts[1]
    # One sentence of a hundred is below the threshold, and noted all the same.
    assert dropped[2].metadata == {"stereotypes": 1} and dropped[2].weight == 1
    lighter = decided(BiasedContent(weight=0.1), texts)
    assert [document.weight for document in lighter] == [0.1, 1.0, 1.0]
    tagged = decided(BiasedContent(action="tag"), texts)
    assert [document.metadata for document in tagged] == [{"stereotypes": 1}, {}, {"stereotypes": 1}]
    assert [document.weight for document in tagged] == [1, 1, 1]
    assert decided(BiasedContent(stereotypes=False), texts)[0].metadata == {}


HE, SHE, MIXED = "He and his brother met him, as he said. ", "She and her sister met her, as she said. ", "He saw her. "


def share_of_men(outcomes):
    """The weighted share of mentions of men in what is left."""
    counts = {"men": 0.0, "women": 0.0}
    for document in outcomes:
        if not isinstance(document, Dropped):
            for word in document.text.lower().replace(".", "").replace(",", "").split():
                for group, words in GROUPS["gender"].items():
                    counts[group] += document.weight * (word in words)
    return counts["men"] / sum(counts.values())


@pytest.mark.parametrize("action", ["drop", "downweight"])
def test_over_representation_comes_down_to_the_limit(action):
    texts = [HE] * 180 + [SHE] * 30 + [MIXED] * 20
    Random(3).shuffle(texts)
    assert share_of_men(map(Document, texts)) > 0.83
    outcomes = decided(BiasedContent(action=action, max_share=0.6, weight=0.1), texts)
    assert share_of_men(outcomes) == pytest.approx(0.6, abs=0.01)
    untouched = [o for o, text in zip(outcomes, texts, strict=True) if text != HE]
    assert all(document.weight == 1 and document.metadata == {} for document in untouched)
    if action == "drop":
        places = [number for number, outcome in enumerate(outcomes) if outcome == Dropped("over_represented")]
        # Spread over the corpus, not taken from its beginning.
        assert 0.4 < np.mean(places) / len(texts) < 0.6
    else:
        assert {o.metadata["over_represented"] for o, text in zip(outcomes, texts, strict=True) if text == HE} == {
            "men"
        }


def test_balance_stays_as_it_is():
    texts = [HE] * 20 + [SHE] * 20
    outcomes = decided(BiasedContent(), texts)
    assert [(document.weight, document.metadata) for document in outcomes] == [(1, {})] * 40
    assert all(o.weight == 1 for o in decided(BiasedContent(max_share=1), [HE] * 9))
    assert all(o.weight == 1 for o in decided(BiasedContent(categories=()), [HE] * 9))
    # Documents with fewer mentions than it takes are about nobody.
    assert all(o.weight == 1 for o in decided(BiasedContent(min_mentions=6), [HE] * 9))


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=5), st.floats(0.05, 0.95))
def test_without_the_excess_a_group_has_the_limit(mentions, most):
    for place, count in excess(mentions, most).items():
        assert 0 < count <= mentions[place] * (1 + 1e-9)
        assert mentions[place] - count == pytest.approx(most * (sum(mentions) - count), abs=1e-6)


def test_groups_of_ones_own(tmp_path):
    path = tmp_path / "groups.json"
    path.write_text(json.dumps({"pets": {"cats": ["Cat", "cats"], "dogs": ["dog"]}}), encoding="utf-8")
    technique = BiasedContent(groups_file=str(path), categories=("pets",), min_mentions=1, max_share=0.5, weight=0)
    outcomes = decided(technique, ["a cat", "CATS", "the cat", "a dog", "a horse"])
    assert [o.metadata.get("over_represented") for o in outcomes] == ["cats"] * 3 + [None] * 2
    assert sum(o.weight for o in outcomes[:3]) == pytest.approx(1, abs=0.01)
    for setting, said in (
        ("categories=[pets]", "does not exist; there are: age, gender, religion"),
        ("groups_file=nowhere.json", "cannot be used"),
        (f"groups_file={tmp_path / 'one.json'}", "two groups or more"),
    ):
        (tmp_path / "one.json").write_text('{"pets": {"cats": ["cat"]}}', encoding="utf-8")
        with pytest.raises(ConfigError, match=said):
            compose(["preprocessor=[biased_content]", f"preprocessor.biased_content.{setting}"])
