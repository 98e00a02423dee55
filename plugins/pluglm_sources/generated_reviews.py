"""Short reviews made by a small grammar, labelled by construction: for trying classification without any data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Annotated

from pydantic import Field

from pluglm import Document, Source, Unreadable

THINGS = ("film", "novel", "play", "album", "meal", "hotel", "phone", "lamp", "course", "concert", "museum", "game")
ASPECTS = {
    "film": ("plot", "cast", "ending"),
    "novel": ("plot", "style", "ending"),
    "play": ("cast", "staging", "music"),
    "album": ("sound", "lyrics", "mix"),
    "meal": ("soup", "service", "dessert"),
    "hotel": ("room", "staff", "breakfast"),
    "phone": ("screen", "battery", "camera"),
    "lamp": ("light", "switch", "finish"),
    "course": ("teacher", "pace", "notes"),
    "concert": ("sound", "band", "hall"),
    "museum": ("guide", "rooms", "cafe"),
    "game": ("story", "controls", "art"),
}
GOOD = (
    "wonderful",
    "superb",
    "lovely",
    "delightful",
    "solid",
    "brilliant",
    "charming",
    "excellent",
    "pleasing",
    "fine",
)
BAD = ("dreadful", "poor", "dull", "clumsy", "awful", "tiresome", "shoddy", "bland", "weak", "annoying")
WOMEN = ("Mary", "Anna", "Susan", "Laura", "Emma", "Julia", "Alice", "Helen")
MEN = ("John", "Peter", "David", "Mark", "James", "Paul", "Henry", "Robert")
PATTERNS = (
    "{name} said the {thing} was {word}.",
    "The {aspect} of this {thing} is {word}.",
    "I found the {aspect} {word}, and {name} agreed.",
    "For {name}, the {aspect} was {word} from start to end.",
    "What a {word} {thing}!",
)
NEGATED = (
    "The {aspect} was not {opposite} at all.",
    "Nobody could call this {thing} {opposite}.",
    "{name} expected a {opposite} {thing}, but it was {word}.",
)
NEUTRAL = (
    "{name} bought it in spring.",
    "We were there for two hours.",
    "It came in a grey box.",
    "The street outside was quiet.",
    "{name} had told us about it.",
    "There are three parts.",
)


def review(random: Random, positive: bool, names: tuple[str, ...], mixed: float) -> str:
    """Two to five sentences, most of which say what the label says, some of them by negation."""
    thing = random.choice(THINGS)
    sentences = []
    for position in range(random.randint(2, 5)):
        says = positive if position < 2 or random.random() >= mixed else not positive
        words = {
            "thing": thing,
            "aspect": random.choice(ASPECTS[thing]),
            "name": random.choice(names),
            "word": random.choice(GOOD if says else BAD),
            "opposite": random.choice(BAD if says else GOOD),
        }
        kind = random.random()
        patterns = NEUTRAL if position > 1 and kind < 0.3 else NEGATED if kind > 0.75 else PATTERNS
        sentences.append(random.choice(patterns).format(**words))
    random.shuffle(sentences)
    return " ".join(sentences)


class GeneratedReviews(Source):
    """Short made-up reviews with a `label` (positive, negative) and a `group` (women, men).

    The group is whose names occur. The reviews come out of a grammar with negations and mixed sentences, not from
    people: good for trying a task or a debiaser, no measure of how well a model does on real reviews. `bias` makes the
    label depend on the group, as a skewed corpus would.
    """

    documents: Annotated[int, Field(ge=2, description="How many reviews")] = 4000
    bias: Annotated[
        float, Field(ge=0, le=1, description="How much more often women's reviews are positive: 0 not, 1 always")
    ] = 0.0
    mixed: Annotated[float, Field(ge=0, lt=1, description="Chance that a later sentence says the opposite")] = 0.2
    seed: Annotated[int, Field(ge=0, description="Another seed gives other reviews")] = 0

    def inputs(self) -> Iterable[Path]:
        """None: the reviews follow from the parameters."""
        return ()

    def read(self) -> Iterator[Document | Unreadable]:
        """The reviews, each drawn from (seed, number)."""
        for number in range(self.documents):
            random = Random(f"{self.seed}/{number}")
            women = random.random() < 0.5
            share = 0.5 + (0.5 if women else -0.5) * self.bias
            positive = random.random() < share
            text = review(random, positive, WOMEN if women else MEN, self.mixed)
            fields = {"label": "positive" if positive else "negative", "group": "women" if women else "men"}
            yield Document(text, id=f"review-{number}", fields=fields, metadata={"licence": "CC0-1.0"})
