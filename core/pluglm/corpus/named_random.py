"""Random numbers that belong to a name."""

from __future__ import annotations

from random import Random
from typing import Any

from xxhash import xxh3_64_intdigest

VERSION = "xxh3"
"""Of the numbers that a name stands for: what is kept in the cache depends on them."""


class NamedRandom(Random):
    """A generator whose n-th 64 bits are the XXH3 hash of its name with n for a seed.

    To give it another name costs a tenth of a microsecond, where to seed the Mersenne Twister takes longer than to
    change a sentence. Nothing else than the bits is different from `random.Random`.

    Source: of generators that encrypt a counter, Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
    """

    # What is in a slot is found in a third of the time.
    __slots__ = ("drawn", "gauss_next", "name")
    name: bytes
    drawn: int
    gauss_next: float | None

    def seed(self, a: Any = None, version: int = 2) -> None:
        """Take `a`, as UTF-8 if it is text, for the name, and begin with its first number."""
        self.name = a if isinstance(a, bytes) else str(a).encode("utf-8", "surrogatepass")
        self.drawn, self.gauss_next = 0, None

    def random(self) -> float:
        """A number from 0 to below 1, in steps of 2^-53."""
        self.drawn = drawn = self.drawn + 1
        return (xxh3_64_intdigest(self.name, drawn) >> 11) * 1.1102230246251565e-16

    def getrandbits(self, k: int) -> int:
        """A number of `k` bits."""
        if k < 0:
            raise ValueError("the number of bits is negative")
        bits = 0
        for _ in range(-(-k // 64)):
            self.drawn += 1
            bits = bits << 64 | xxh3_64_intdigest(self.name, self.drawn)
        return bits >> -k % 64

    def getstate(self) -> tuple[Any, ...]:
        """What `setstate` takes."""
        return self.name, self.drawn, self.gauss_next

    def setstate(self, state: tuple[Any, ...]) -> None:
        """Go on where another generator was."""
        self.name, self.drawn, self.gauss_next = state
