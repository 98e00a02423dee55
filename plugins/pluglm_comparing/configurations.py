"""Runs alike in everything but the seed are one configuration; configurations differ in factors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pluglm import FAMILIES
from pluglm_comparing.differences import SEED, Difference, shown

LONGEST_LABEL = 60
# How a run is measured, watched and kept does not make it another.
MEASURING = ("evaluator", "train.eval_every", "train.eval_batches", "train.log_every", "train.save_every")


@dataclass(frozen=True, slots=True)
class Configuration:
    """`runs`: their positions, `seeds` beside them. `settings`: what is particular to it, by config key."""

    label: str
    runs: tuple[int, ...]
    seeds: tuple[Any, ...]
    settings: Mapping[str, Any]

    def by_seed(self, values: Sequence[float | None]) -> dict[Any, float]:
        """Of one value for each run, this configuration's by seed; the mean of runs of the same seed."""
        found: dict[Any, list[float]] = {}
        for run, seed in zip(self.runs, self.seeds, strict=True):
            value = values[run]
            if value is not None:
                found.setdefault(seed, []).append(value)
        return {seed: sum(several) / len(several) for seed, several in found.items()}


@dataclass(frozen=True, slots=True)
class Factor:
    """Something that differs between configurations. `levels`: the value of each configuration, as text.

    `keys` are the config keys that always change together, the first giving the name.
    """

    keys: tuple[str, ...]
    levels: tuple[str, ...]

    @property
    def name(self) -> str:
        """The first key, and how many others go with it."""
        others = len(self.keys) - 1
        return self.keys[0] + (f" (with {self.keys[1]})" if others == 1 else f" (with {others} others)" * bool(others))

    def distinct(self) -> list[str]:
        """The levels, each once, in the order of the configurations."""
        return list(dict.fromkeys(self.levels))


def configurations(rows: Sequence[Difference], seeds: Sequence[Any], names: Sequence[str]) -> list[Configuration]:
    """The configurations, in the order of their first runs. `names` are the runs', for configurations that differ in
    too much for a label."""
    own = [row for row in rows if not _measuring(row.key) and row.key != SEED]
    groups: dict[str, list[int]] = {}
    for run in range(len(names)):
        groups.setdefault(json.dumps([row.values[run] for row in own], default=str, sort_keys=True), []).append(run)
    labels = [_label(own, runs[0], names[runs[0]]) for runs in groups.values()]
    labels = [
        label if labels.count(label) == 1 else f"{label} ({names[runs[0]]})"
        for label, runs in zip(labels, groups.values(), strict=True)
    ]
    return [
        Configuration(
            label, tuple(runs), tuple(seeds[run] for run in runs), {row.key: row.values[runs[0]] for row in own}
        )
        for label, runs in zip(labels, groups.values(), strict=True)
    ]


def factors(found: Sequence[Configuration]) -> list[Factor]:
    """What configurations differ in. A key whose value follows from another's (a model that an objective brings with
    it) is no factor of its own: it goes with that one. Where the other is different in every configuration anything
    follows from it, so that says nothing of parameters; of techniques it is taken to be meant."""
    keys = list(found[0].settings) if found else []
    levels = {key: tuple(shown(one.settings[key]) for one in found) for key in keys}
    heads: dict[str, list[str]] = {}
    for key in sorted(keys, key=lambda key: -len(set(levels[key]))):
        leader = next(
            (head for head in heads if _follows(levels[key], levels[head]) and _meant(key, head, levels)), None
        )
        heads.setdefault(leader or key, []).append(key)
    together = [
        tuple(sorted(group, key=lambda key: (-len(set(levels[key])), keys.index(key)))) for group in heads.values()
    ]
    made = [Factor(group, levels[group[0]]) for group in together]
    return sorted(made, key=lambda factor: min(keys.index(key) for key in factor.keys))


def baseline(found: Sequence[Configuration], of: Sequence[Factor]) -> int:
    """The configuration that has most in common with the others; the first among equals."""
    shared = [
        sum(factor.levels[one] == factor.levels[other] for factor in of for other in range(len(found)))
        for one in range(len(found))
    ]
    return max(range(len(found)), key=lambda one: (shared[one], -one))


def _follows(levels: Sequence[str], head: Sequence[str]) -> bool:
    return len(set(zip(head, levels, strict=True))) == len(set(head))


def _meant(key: str, head: str, levels: Mapping[str, Sequence[str]]) -> bool:
    return len(set(levels[head])) < len(levels[head]) or (key in FAMILIES and head in FAMILIES)


def _label(rows: Sequence[Difference], run: int, name: str) -> str:
    parts = []
    for row in rows:
        value, last = row.values[run], row.key.rpartition(".")[2]
        if value is None and "." in row.key:
            continue
        clear = sum(other.key.rpartition(".")[2] == last for other in rows) == 1
        if row.key in FAMILIES and not FAMILIES[row.key].many:
            parts.append(shown(value))
        elif row.key in FAMILIES:
            parts.append(_list_label(row.key, value or [], [other or [] for other in row.values]))
        else:
            parts.append(f"{last if clear else row.key} {shown(value)}")
    label = ", ".join(parts)
    return label if 0 < len(label) <= LONGEST_LABEL else name


def _list_label(family: str, chosen: Sequence[str], others: Sequence[Sequence[str]]) -> str:
    """A list of techniques; where it is most of the longest one, by what is missing."""
    longest = max(others, key=len)
    missing = [one for one in longest if one not in chosen]
    if not chosen:
        return f"no {family}"
    if list(chosen) == list(longest) and len(chosen) > 2:
        return f"whole {family}"
    if list(chosen) == [one for one in longest if one in chosen] and 0 < len(missing) < len(chosen):
        return f"without {', '.join(missing)}"
    return f"{family} {shown(list(chosen))}"


def _measuring(key: str) -> bool:
    return any(key == part or key.startswith(part + ".") for part in MEASURING)
