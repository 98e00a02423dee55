"""English inflection, by the rules and lists of exceptions of WordNet (morphy(7WN)) in both directions."""

from __future__ import annotations

import re
from typing import NamedTuple

from pluglm_augmenters.wordnet import PARTS, WordNet

# For each part of speech: the ending of a form, what takes its place in the lemma, and the kind of form.
ENDINGS = {
    "n": [(e, b, "s") for e, b in (("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"),
                                   ("men", "man"), ("ies", "y"))],
    "v": [("s", "", "s"), ("ies", "y", "s"), ("es", "e", "s"), ("es", "", "s"), ("ed", "e", "ed"), ("ed", "", "ed"),
          ("ing", "e", "ing"), ("ing", "", "ing")],
    "a": [("er", "", "er"), ("est", "", "est"), ("er", "e", "er"), ("est", "e", "est")],
    "r": [],
}  # fmt: skip


class Reading(NamedTuple):
    """A word as a form of a lemma: `kind` is "" for the lemma itself, else s, ed, ing, er or est."""

    lemma: str
    part: str
    kind: str


def _kind(part: str, form: str) -> str:
    if part == "n":
        return "s"
    endings = {"v": ("ing", "s"), "a": ("est",)}.get(part, ())
    return next((e for e in endings if form.endswith(e)), "ed" if part == "v" else "er")


def readings(word: str, wordnet: WordNet) -> list[Reading]:
    """What a word in lower case can be, the most frequent lemma first."""
    found: list[Reading] = []
    for part in PARTS:
        if wordnet.knows(word, part):
            found.append(Reading(word, part, ""))
        irregular = wordnet.lemmas.get((part, word))
        if irregular:
            found += [Reading(lemma, part, _kind(part, word)) for lemma in irregular if lemma != word]
            continue
        for ending, base, kind in ENDINGS[part]:
            lemma = word.removesuffix(ending) + base
            if word.endswith(ending) and len(lemma) > 2 and wordnet.knows(lemma, part):
                found.append(Reading(lemma, part, kind))
    return sorted(dict.fromkeys(found), key=lambda r: -wordnet.frequency(r.lemma, r.part))


def inflected(lemma: str, part: str, kind: str, wordnet: WordNet) -> str | None:
    """The form of that kind, or None where it is not certain: `took` or `taken`, `more curious`."""
    if not kind:
        return lemma
    irregular = [form for form in wordnet.forms.get((part, lemma), ()) if _kind(part, form) == kind]
    if irregular:
        return irregular[0] if len(irregular) == 1 else None
    if kind in ("er", "est"):
        syllables = len(re.findall(r"[aeiouy]+", lemma.removesuffix("e")))
        if syllables > 1 + lemma.endswith("y"):
            return None
    stem_y = bool(re.search(r"[^aeiou]y$", lemma))
    if kind == "s":
        if stem_y:
            return lemma[:-1] + "ies"
        return lemma + ("es" if re.search(r"(s|x|z|ch|sh)$", lemma) else "s")
    if kind == "ing":
        if lemma.endswith("ie"):
            return lemma[:-2] + "ying"
        return (lemma[:-1] if re.search(r"[^eoy]e$", lemma) else lemma) + "ing"
    if stem_y:
        return lemma[:-1] + "i" + kind
    return lemma + (kind[1:] if lemma.endswith("e") else kind)
