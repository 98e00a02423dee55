from __future__ import annotations

import copy
import pickle
from collections import Counter
from itertools import pairwise
from random import Random
from statistics import fmean, pvariance

import pytest
import xxhash

from pluglm.corpus.named_random import NamedRandom


def test_the_nth_bits_are_the_hash_of_the_name_with_n_for_a_seed() -> None:
    random, words = NamedRandom("naïve"), [xxhash.xxh3_64_intdigest("naïve".encode(), seed) for seed in (1, 2, 3)]
    assert random.random() == (words[0] >> 11) / 2**53
    assert random.getrandbits(100) == (words[1] << 64 | words[2]) >> 28
    assert random.getrandbits(0) == 0 and random.drawn == 3
    with pytest.raises(ValueError, match="negative"):
        random.getrandbits(-1)


def test_it_begins_again_with_its_name_and_goes_on_from_a_state() -> None:
    random = NamedRandom(b"a name")
    first = [random.random(), random.gauss(), random.sample(range(100), 5)]
    state = random.getstate()
    rest = [random.gauss(), random.getrandbits(7), random.choices("abc", k=4)]
    random.setstate(state)
    assert rest == [random.gauss(), random.getrandbits(7), random.choices("abc", k=4)]
    random.seed(b"a name")
    assert first == [random.random(), random.gauss(), random.sample(range(100), 5)]
    twins = [random, copy.deepcopy(random), pickle.loads(pickle.dumps(random))]
    assert len({twin.random() for twin in twins}) == 1
    assert NamedRandom("another").random() != NamedRandom("a name").random()


def test_numbers_are_spread_evenly_within_a_name_and_over_names() -> None:
    within = NamedRandom(0)
    for drawn in ([within.random() for _ in range(20_000)], [NamedRandom(n).random() for n in range(20_000)]):
        # The mean of n uniform numbers is normal with variance 1/12n; five deviations.
        assert abs(fmean(drawn) - 0.5) < 5 * (1 / 12 / len(drawn)) ** 0.5
        assert abs(pvariance(drawn) - 1 / 12) < 5 * (1 / 180 / len(drawn)) ** 0.5
        cells = Counter(int(number * 64) for number in drawn)
        chi_square = sum((cells[cell] - len(drawn) / 64) ** 2 for cell in range(64)) / (len(drawn) / 64)
        # 63 degrees of freedom: mean 63, deviation 11.2.
        assert 20 < chi_square < 120
        pairs = fmean((a - 0.5) * (b - 0.5) for a, b in pairwise(drawn))
        assert abs(pairs) < 5 / 12 / len(drawn) ** 0.5


def test_all_that_random_makes_of_bits_is_as_ever() -> None:
    """The library's own generator, given the same bits, draws the same."""

    class Replayed(Random):
        def random(self) -> float:
            return source.random()

        def getrandbits(self, k: int) -> int:
            return source.getrandbits(k)

    source, random = NamedRandom("bits"), NamedRandom("bits")
    replayed = Replayed()
    for draw in (
        lambda r: r.sample(range(1000), 30),
        lambda r: r.randrange(10**30),
        lambda r: r.shuffle(list(range(50))),
        lambda r: r.choice("abcdef"),
        lambda r: r.gammavariate(2.0, 1.0),
        lambda r: r.randbytes(11),
    ):
        assert draw(random) == draw(replayed)
