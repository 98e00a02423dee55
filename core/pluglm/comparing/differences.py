"""What differs between the configs of runs, and only that."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pluglm.config.identity import is_computed
from pluglm.families import FAMILIES
from pluglm.formatting import flatten, number

SEED = "seed"


@dataclass(frozen=True, slots=True)
class Difference:
    """A config key and its `values`, one for each run, None where a run has none."""

    key: str
    values: tuple[Any, ...]


def config_keys(config: Mapping[str, Any], settled: Collection[str] = ()) -> dict[str, Any]:
    """Config keys and their values, and for each family its choice: a name, or a list of labels. `settled`: keys that
    the machine chose, which are left out."""
    flat = {key: value for key, value in flatten(config).items() if value != {}}
    found = {key: value for key, value in flat.items() if is_computed(key) and key not in settled}
    for family, spec in FAMILIES.items():
        chosen = config.get(family)
        if isinstance(chosen, Mapping) and is_computed(family):
            found[family] = list(chosen) if spec.many else chosen.get("name")
    return found


def differences(configs: Sequence[Mapping[str, Any]]) -> Iterator[Difference]:
    """What is not alike in all of `configs`, as `config_keys` gives them. A parameter of a technique that only some of
    the runs chose is told by the choice; where those differ among themselves in it, it is told too."""
    families = [family for family in FAMILIES if any(family in config for config in configs)]
    keys = dict.fromkeys([*families, *(key for config in configs for key in config)])
    for key in keys:
        values = tuple(config.get(key) for config in configs)
        family, _, rest = key.partition(".")
        if rest and family in FAMILIES:
            path = f"{family}.{rest.partition('.')[0]}.name" if FAMILIES[family].many else f"{family}.name"
            names = [config.get(path) for config in configs]
            same = [(name, value) for name, value in zip(names, values, strict=True) if name is not None]
            if key == path and not FAMILIES[family].many:
                continue
            if all(value == other for name, value in same for also, other in same if name == also):
                continue
        if any(value != values[0] for value in values):
            yield Difference(key, values)


def shown(value: Any) -> str:
    """A config value for people."""
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value) if abs(value) >= 1e-4 or value == 0 else f"{value:g}"
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)
