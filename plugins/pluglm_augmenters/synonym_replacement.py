"""Synonym replacement."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pluglm import Augmenter, Document, Problem
from pluglm_augmenters.inflection import inflected, readings
from pluglm_augmenters.made_by import made_by
from pluglm_augmenters.wordnet import HOW_TO_GET, find_wordnet, nltk_places, wordnet
from pluglm_augmenters.words import as_written, change_count

if TYPE_CHECKING:
    from pluglm import RunConfig

WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
SENTENCE_START = re.compile(r"(?:^|[.!?:\n]|[\"'\u201c(])\s*$")
ARTICLE = re.compile(r"\b([Aa])n?(\s+)$")
# Words whose senses in WordNet are not what they mostly do in a sentence (may, can, will, like, in, it, have ...).
FUNCTION_WORDS = frozenset(
    "a about above across after again against ago all almost along already also although always am among an and "
    "another any anybody anyone anything are around as at away back be became because become been before behind "
    "being below beside besides between beyond both but by can cannot could dare did do does doing done down during "
    "each either else enough even ever every everybody everyone everything except far few for former from further "
    "get gets getting go goes going got had has have having he hence her here hers herself him himself his how "
    "however i if in indeed instead into is it its itself just last least less let like made make makes many may "
    "maybe me might mine more most much must my myself near need neither never next no nobody none nor not nothing "
    "now of off often on once one ones only onto or other others otherwise ought our ours ourselves out over own "
    "per perhaps please quite rather really same shall she should since so some somebody someone something "
    "sometimes still such than that the their theirs them themselves then there therefore these they this those "
    "though through thus to together too toward towards under until up upon us very was we well were what whatever "
    "when where whether which while who whole whom whose why will with within without would yes yet you your yours "
    "yourself yourselves first second third two three four five six seven eight nine ten".split()
)
TAGS = {"N": "n", "V": "v", "J": "a", "R": "r"}


@functools.cache
def choices(folder: Path | None, word: str, part: str | None, senses: int) -> tuple[str, ...]:
    """The synonyms of a word in lower case, in the form that the word has; of the part of speech, or where it is None
    of the lemma that is the most frequent."""
    known = wordnet(folder)
    for reading in readings(word, known):
        if part is None or reading.part == part:
            found = known.synonyms(reading.lemma, reading.part, senses)
            forms = (inflected(synonym, reading.part, reading.kind, known) for synonym in found)
            return tuple(form for form in forms if form is not None and form != word)
    return ()


@functools.cache
def _tagger() -> Any:
    from nltk.tag import PerceptronTagger

    return PerceptronTagger()


class SynonymReplacement(Augmenter):
    """Replace n = alpha * l words of an English text of l words by synonyms from WordNet.

    Function words and names (capitals within a sentence) stay. A word is taken in its most frequent sense that has a
    synonym, among the first `senses`, and only words of which that is a frequent sense too take its place; they get its
    capitals and its ending (dogs: hounds), and a or an before them is put right. Without a tagger the part of speech is
    that in which the word is the most frequent.

    WordNet itself is not part of pluglm: it is looked for in `folder`, in NLTK's data and in /usr/share/wordnet.

    Sources: Wei and Zou 2019, "EDA", https://arxiv.org/abs/1901.11196; Fellbaum 1998, WordNet 3.0,
    https://wordnet.princeton.edu.
    """

    alpha: Annotated[float, Field(gt=0, le=1, description="Share of words that are replaced")] = 0.1
    folder: Annotated[Path | None, Field(description="Folder with WordNet's data.noun; null to look for it")] = None
    senses: Annotated[int, Field(ge=1, description="How many of a word's senses, the frequent first, are used")] = 1
    tagger: Annotated[
        Literal["none", "nltk"], Field(description="nltk: parts of speech by NLTK's averaged_perceptron_tagger_eng")
    ] = "none"

    def files_read(self) -> list[Path]:
        """WordNet's."""
        place = find_wordnet(self.folder)
        return [place] if place is not None else []

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """WordNet, and the tagger where it is asked for, must be there."""
        for label, technique in run.augmenter.items():
            if technique is not self:
                continue
            if find_wordnet(self.folder) is None:
                yield Problem(f"augmenter.{label}.folder", "holds no WordNet", self.folder, HOW_TO_GET)
            if self.tagger == "nltk" and not nltk_places("taggers/averaged_perceptron_tagger_eng"):
                how = "pip install 'pluglm[data]' && python -m nltk.downloader averaged_perceptron_tagger_eng"
                yield Problem(f"augmenter.{label}.tagger", "is not on this machine", self.tagger, how)

    def augment(self, document: Document, random: Random) -> Document | None:
        """A copy with words replaced, or None where no word has a synonym."""
        changed = document.map_text(self.fields, lambda text: self._replaced(text, random))
        return made_by(self.name, document, changed)

    def _replaced(self, text: str, random: Random) -> str:
        words = list(WORD.finditer(text))
        parts = self._parts([word.group() for word in words])
        wanted = change_count(self.alpha, len(words))
        new: dict[int, str] = {}
        order = list(range(len(words)))
        random.shuffle(order)
        for number in order:
            if len(new) == wanted:
                break
            word = words[number].group()
            small = word.lower()
            if len(word) < 3 or small in FUNCTION_WORDS or _is_name(text, words[number]):
                continue
            found = choices(self.folder, small, parts[number], self.senses)
            if found:
                new[number] = as_written(random.choice(found), like=word)
        return _spliced(text, words, new)

    def _parts(self, words: list[str]) -> list[str | None]:
        if self.tagger == "none" or not words:
            return [None] * len(words)
        return [TAGS.get(tag[:1], "none") for _, tag in _tagger().tag(words)]


def _is_name(text: str, word: re.Match[str]) -> bool:
    """Whether a word has a capital without standing at the start of a sentence, or in capitals altogether."""
    if not word.group()[0].isupper():
        return False
    return not SENTENCE_START.search(text[max(0, word.start() - 8) : word.start()])


def _spliced(text: str, words: list[re.Match[str]], new: dict[int, str]) -> str:
    """The text with the words of those numbers replaced, and a or an before them after the sound that follows."""
    pieces, end = [], 0
    for number in sorted(new):
        before = text[end : words[number].start()]
        old, word = words[number].group(), new[number]
        vowel = word[0].lower() in "aeiou"
        if vowel != (old[0].lower() in "aeiou"):
            before = ARTICLE.sub(r"\1n\2" if vowel else r"\1\2", before)
        pieces += [before, word]
        end = words[number].end()
    return "".join([*pieces, text[end:]])
