"""Examples that come with others of their table."""

from __future__ import annotations

from collections import Counter

import numpy as np

from pluglm.batching.loader import with_partners


class Table(list[dict[str, int]]):
    """Counts what is read of it."""

    def __init__(self, items):
        super().__init__(items)
        self.read: Counter[int] = Counter()

    def __getitem__(self, place):
        self.read[place] += 1
        return super().__getitem__(place)


def test_partners_are_drawn_from_the_whole_table_and_read_when_looked_at():
    table = Table({"number": number} for number in range(20))
    drawn: Counter[int] = Counter()
    for seed in range(400):
        example = with_partners({"number": 0}, table, np.random.default_rng(seed), 3)
        assert not table.read
        partners = example["partners"]
        assert len(partners) == 3
        found = [partner["number"] for partner in partners]
        assert sum(table.read.values()) == 3
        assert found == np.random.default_rng(seed).integers(20, size=3).tolist()
        drawn.update(found)
        table.read.clear()
    expected = 400 * 3 / 20
    assert sum((drawn[n] - expected) ** 2 / expected for n in range(20)) < 44  # chi-squared, 19 degrees of freedom


def test_examples_of_objectives_that_want_none_are_as_they_were():
    generator = np.random.default_rng(0)
    state = generator.bit_generator.state
    assert with_partners({"number": 0}, [], generator, 0) == {"number": 0}
    assert generator.bit_generator.state == state
