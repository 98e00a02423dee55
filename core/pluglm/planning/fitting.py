"""Which parallelisms fit the hardware of a plan, and what would where none does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pluglm.catalog import installed_catalog
from pluglm.config.problems import cut_problems
from pluglm.errors import PluglmError
from pluglm.families import Parallelism
from pluglm.families.parallelism import MemoryShares
from pluglm.formatting import format_size
from pluglm.planning.memory import Held

if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig

DRIVER = 10**9
"""Bytes of a device's memory for its driver and kernels."""
MOST = 1 << 16
"""Devices that are thought of at most."""


@dataclass(frozen=True, slots=True)
class Way:
    """A parallelism over all devices: `bytes` that the fullest holds, or None and the `reason` why it cannot be
    used."""

    parallelism: Parallelism
    bytes: int | None
    reason: str = ""

    def words(self) -> str:
        """As a user types it."""
        chosen, fields = self.parallelism, type(self.parallelism).model_fields
        given = {name: value for name, value in chosen.model_dump().items() if value != fields[name].default}
        return " ".join([f"parallelism={chosen.name}", *(f"parallelism.{n}={v}" for n, v in given.items())])

    def fits(self, room: int) -> bool:
        """Whether a device with so much memory is enough."""
        return self.bytes is not None and not self.reason and self.bytes <= room


@dataclass(frozen=True, slots=True)
class Fitting:
    """The model of a run over devices. `inside`: the share of its parameters that lies in blocks."""

    config: RunConfig
    model: Any
    held: Held
    inside: float

    def bytes_of(self, shares: MemoryShares, activations: float = 1.0) -> int:
        """Bytes of the fullest device, with activations so many times as large as planned."""
        held = self.held
        state = held.weights + held.gradients + held.state
        lasting = state * (self.inside * shares.blocks + (1 - self.inside) * shares.rest)
        beside = shares.copies * held.gradients + shares.gathered * self.inside * held.weights + held.extra
        working = max(held.activations, held.passing - held.weights - held.state - held.extra)
        return round(lasting + beside + shares.activations * activations * working)

    def ways(self, devices: int, activations: float = 1.0) -> Iterator[Way]:
        """Every way of every installed parallelism to use so many devices."""
        catalog = installed_catalog()
        for name in catalog.names("parallelism"):
            kind = catalog.find("parallelism", name)
            assert kind is not None and issubclass(kind, Parallelism)
            for chosen in kind.over(devices):
                yield self._way(chosen, activations)

    def _way(self, chosen: Parallelism, activations: float) -> Way:
        config = replace(self.config, parallelism=chosen)
        problems = [*chosen.problems(config), *cut_problems(config)]
        if problems:
            return Way(chosen, None, f"{problems[0].path}: {problems[0].reason}")
        try:
            shares = chosen.memory_shares(self.model)
        except PluglmError as error:
            return Way(chosen, None, str(error))
        if shares.close > self.config.hardware.per_node:
            reason = f"{shares.close} processes exchange every block, and {self.config.hardware.per_node} are joined"
            return Way(chosen, self.bytes_of(shares, activations), reason)
        needed, batch = chosen.share(0)[1], self.config.train.batch_size
        if batch != "auto" and batch < needed:
            reason = f"train.batch_size={batch} is less than the {needed} devices that share it"
            return Way(chosen, self.bytes_of(shares, activations), reason)
        return Way(chosen, self.bytes_of(shares, activations))

    def best(self, room: int, devices: int, activations: float = 1.0) -> Way | None:
        """Of the ways that fit, the one that is told in the fewest words, and then the smallest."""
        fitting = [way for way in self.ways(devices, activations) if way.fits(room)]
        return min(fitting, key=lambda way: (len(way.words().split()), way.bytes or 0), default=None)


def fitted(fitting: Fitting, room: int | None) -> dict[str, Any]:
    """`parallelism`: by the words of each way, whether it `fits` into devices with `room` bytes, `bytes` and `reason`,
    of a technique with many ways the first that fits, or the smallest; and `advice`, where none does."""
    config = fitting.config
    if room is None:
        return {}
    free = room if config.hardware.measured else room - DRIVER
    by_name: dict[str, list[Way]] = {}
    for way in fitting.ways(config.hardware.count):
        by_name.setdefault(way.parallelism.name, []).append(way)
    found = {}
    for ways in by_name.values():
        way = next(
            (way for way in ways if way.fits(free)),
            min(ways, key=lambda way: (bool(way.reason), float("inf") if way.bytes is None else way.bytes)),
        )
        reason = way.reason
        if not reason and not way.fits(free):
            reason = f"needs {format_size(way.bytes)} per device, which has {format_size(free)} free"
        found[way.words()] = {"fits": way.fits(free), "bytes": way.bytes, "reason": reason}
    plan: dict[str, Any] = {"parallelism": found}
    if not any(entry["fits"] for entry in found.values()):
        plan["advice"] = _advice(fitting, free)
    return plan


def _advice(fitting: Fitting, free: int) -> str:
    """The nearest that fits: fewer examples at once, or more devices."""
    config = fitting.config
    devices, batch = config.hardware.count, config.train.batch_size
    assert batch != "auto"
    smaller = batch // 2
    while smaller >= 1:
        found = fitting.best(free, devices, smaller / batch)
        if found is not None and smaller >= found.parallelism.share(0)[1]:
            steps = config.train.gradient_accumulation * -(-batch // smaller)
            words = f"train.batch_size={smaller} train.gradient_accumulation={steps}"
            return f"{words} {found.words()} fits ({format_size(found.bytes)} per device)"
        smaller //= 2
    more = devices * 2
    while more <= MOST:
        found = fitting.best(free, more)
        if found is not None:
            return f"hardware.count={more} {found.words()} fits ({format_size(found.bytes)} per device)"
        more *= 2
    needed = format_size(fitting.held.peak)
    return f"nothing up to {MOST:,} devices of {format_size(free)} fits {needed} of this model and batch"
