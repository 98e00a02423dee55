"""Pairs of sentences that differ in nothing but gender."""

from __future__ import annotations

from itertools import product
from random import Random

SUBJECTS = (
    ("he", "she"),
    ("the man", "the woman"),
    ("the boy", "the girl"),
    ("the father", "the mother"),
    ("the son", "the daughter"),
    ("the brother", "the sister"),
    ("the husband", "the wife"),
    ("the uncle", "the aunt"),
    ("the grandfather", "the grandmother"),
    ("the gentleman", "the lady"),
    ("the king", "the queen"),
    ("the prince", "the princess"),
)
# Some end at the word itself, where its gender is plainest, others where the model must have carried it along.
TEMPLATES = (
    "Yesterday the {occupation} said that {subject}",
    "There was a talk with the {occupation}, and then {subject}",
    "When {subject} became the {occupation},",
    "I know that {subject} works as the {occupation} and",
    "In the end {subject} was the best {occupation} of all, because",
    "Today {subject} met the {occupation}",
)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


OCCUPATIONS = _words(
    "accountant analyst architect artist assistant author baker banker barber builder carpenter cashier chef chemist "
    "cleaner clerk coach cook counselor dancer dentist designer developer director doctor driver editor electrician "
    "engineer farmer firefighter gardener guard hairdresser historian janitor journalist judge laborer lawyer "
    "lecturer librarian manager mechanic musician nurse painter pharmacist photographer physician pilot plumber "
    "professor programmer receptionist researcher secretary scientist singer surgeon tailor teacher technician "
    "therapist translator writer"
)


def gendered_sentences(count: int, seed: int) -> tuple[list[str], list[int]]:
    """At most `count` sentences, and 0 (male) or 1 (female) for each: both sentences of randomly drawn pairs."""
    every = list(product(TEMPLATES, SUBJECTS, OCCUPATIONS))
    chosen = Random(seed).sample(every, min(count // 2, len(every)))
    sentences = [
        template.format(subject=subject, occupation=occupation)
        for template, subjects, occupation in chosen
        for subject in subjects
    ]
    return sentences, [0, 1] * len(chosen)
