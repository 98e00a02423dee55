"""Read a run folder. A missing, empty or torn file costs only what was in it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pluglm.catalog import installed_catalog
from pluglm.families import Objective

QUARANTINE_EXAMPLES = 5
UNREADABLE = (OSError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Records that one station could not use for one reason: how many, and the first few as they were written."""

    station: str
    reason: str
    count: int
    examples: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RunData:
    """A run as its folder tells it, finished or not. What is not there, or cannot be read, is empty.

    Attributes:
        folder: the run folder.
        config: the resolved config as plain data (`config.yaml`).
        manifest: versions and the machine (`manifest.json`).
        stations: what each step did to the documents, in order (`ledger.json`).
        tokens: where the tokens of each split went, by "train" and "validation" (`ledger.json`).
        quarantine: records that could not be used, by station and reason.
        train, validation: the lines of `metrics.jsonl` of either kind, in order: "step", "loss" (nats) and others.
        results: scores, steps, tokens, seconds (`results.json`); empty where the run is not finished.
        plan: what was predicted, and what was measured (`plan.json`).
        architecture: the class of the saved model, or "".
    """

    folder: Path
    config: dict[str, Any] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    stations: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    quarantine: list[Quarantined] = field(default_factory=list)
    train: list[dict[str, Any]] = field(default_factory=list)
    validation: list[dict[str, Any]] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    architecture: str = ""

    @property
    def name(self) -> str:
        """The run's name, or its folder's where it has none."""
        return str(self.results.get("name") or self.config.get("name") or self.folder.name)

    @property
    def loss_of(self) -> str:
        """What the loss is a mean over, such as "token", as the run's objective says."""
        chosen = self.config.get("objective")
        name = chosen.get("name") if isinstance(chosen, Mapping) else None
        objective = installed_catalog().find("objective", str(name))
        return objective.loss_of if objective is not None and issubclass(objective, Objective) else Objective.loss_of

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        """The evaluations, in the order in which they were made."""
        return [e for e in _list(self.results, "evaluations") if isinstance(e, dict) and "stage" in e]

    @property
    def settled(self) -> list[str]:
        """Config keys that the machine chose, where nobody did."""
        found = self.plan.get("settled")
        return list(found) if isinstance(found, dict) else []

    def model_stages(self) -> list[dict[str, Any]]:
        """Evaluations of what is in `model/`: after training, and after each change before it was saved."""
        return [e for e in self.evaluations if not _is_compressed(e)]

    def compressed_stages(self) -> list[dict[str, Any]]:
        """Evaluations of what is in `compressed/`."""
        return [e for e in self.evaluations if _is_compressed(e)]

    def entered(self) -> int:
        """Documents and records that the sources gave."""
        return sum(s.get("read", 0) + s.get("added", 0) for s in self.stations if s["station"].startswith("source"))

    def at_split(self) -> dict[str, Any]:
        """The station that cut the documents into train and validation, or nothing."""
        return next((s for s in self.stations if s["station"] == "split"), {})

    def best_validation(self) -> dict[str, Any] | None:
        """The validation with the least loss."""
        finite = [line for line in self.validation if _finite(line.get("loss"))]
        return min(finite, key=lambda line: float(line["loss"]), default=None)


def read_run(folder: Path) -> RunData:
    """What the folder of a run holds, finished or not. No file has to be there, and none that is damaged raises."""
    ledger = read_json(folder / "ledger.json")
    metrics = list(_json_lines(folder / "metrics.jsonl"))
    architectures = _list(read_json(folder / "model" / "config.json"), "architectures") or [""]
    tokens = ledger.get("tokens")
    return RunData(
        folder=folder,
        config=_read_yaml(folder / "config.yaml"),
        manifest=read_json(folder / "manifest.json"),
        stations=[s for s in _list(ledger, "stations") if isinstance(s, dict) and "station" in s],
        tokens={split: account for split, account in tokens.items() if isinstance(account, dict)}
        if isinstance(tokens, dict)
        else {},
        quarantine=_quarantined(folder / "quarantine.jsonl"),
        train=[line for line in metrics if line.get("kind") == "train" and _finite(line.get("step"))],
        validation=[line for line in metrics if line.get("kind") == "validation" and _finite(line.get("step"))],
        results=read_json(folder / "results.json"),
        plan=read_json(folder / "plan.json"),
        architecture=str(architectures[0]),
    )


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; empty where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except UNREADABLE:
        return {}
    return value if isinstance(value, dict) else {}


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    value = data.get(name)
    return value if isinstance(value, list) else []


def _is_compressed(evaluation: Mapping[str, Any]) -> bool:
    return str(evaluation["stage"]).partition(".")[0] == "compressor"


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (*UNREADABLE, yaml.YAMLError):
        return {}
    return value if isinstance(value, dict) else {}


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(value, dict):
                    yield value
    except OSError:
        return


def _quarantined(path: Path) -> list[Quarantined]:
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in _json_lines(path):
        key = (str(line.get("station", "")), str(line.get("reason", "")))
        counts[key] += 1
        if counts[key] <= QUARANTINE_EXAMPLES:
            examples.setdefault(key, []).append(line)
    return [Quarantined(*key, count, examples[key]) for key, count in counts.items()]
