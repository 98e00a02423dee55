"""What came of each run, as figures by name."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pluglm import ConfigError, Problem, RunData

LOSS, BEST_LOSS = "validation loss", "best validation loss"
SIZE, LATENCY, PARAMETERS, TOKENS = "size_bytes", "latency_ms", "parameters", "tokens"
FLOPS, SECONDS, COST = "flops", "training_seconds", "cost"
COMPRESSED = "compressed: "
WORDS = {SIZE: "size", LATENCY: "latency", SECONDS: "training time", FLOPS: "operations"}
SEVERAL = "nats, in each run of what its objective predicts"
# Per byte of text, so that tokenizers do not matter.
PER_BYTE = "bits_per_byte"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure about one run. `low`, `high`, `better`, `kind`, `of`, `target` and `meaning` as in a score; `unit` of a
    cost is its currency."""

    value: float
    low: float | None = None
    high: float | None = None
    better: str = ""
    kind: str = ""
    of: str = ""
    target: float | None = None
    meaning: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that all may have: its name, and what is better: "lower", "higher", "" or, with `target`, near to it."""

    name: str
    better: str
    kind: str = ""
    of: str = ""
    target: float | None = None
    meaning: str = ""
    unit: str = ""

    @property
    def words(self) -> str:
        """The name for people, without the evaluator's where the score's own says enough."""
        prefix, rest = (COMPRESSED, self.name.removeprefix(COMPRESSED)) if COMPRESSED in self.name else ("", self.name)
        return prefix + (WORDS.get(rest) or rest.rpartition(".")[2].replace("_", " "))

    def loss(self, value: float) -> float:
        """How bad `value` is: less is better."""
        if self.target is not None:
            return abs(value - self.target)
        return -value if self.better == "higher" else value

    @property
    def judged(self) -> bool:
        """Whether one value can be better than another."""
        return self.better in ("lower", "higher") or self.target is not None


def figures(run: RunData, comparable: bool) -> dict[str, Figure]:
    """The figures of a finished run by name; `comparable`: whether its loss is of the same thing as the others'."""
    better = "lower" if comparable else ""
    best, last = run.best_validation(), run.validation[-1] if run.validation else {}
    measured = run.plan.get("measured")
    found: dict[str, Any] = {
        "steps": run.results.get("steps_done"),
        TOKENS: run.results.get("tokens"),
        "epochs": run.plan.get("epochs"),
        FLOPS: _flops(run),
        SECONDS: run.results.get("training_seconds"),
        "peak_memory_bytes": measured.get("peak_memory_bytes") if isinstance(measured, Mapping) else None,
    }
    own = {name: Figure(float(value)) for name, value in found.items() if finite(value)}
    cost = run.plan.get("cost")
    if isinstance(cost, Mapping) and finite(cost.get("amount")):
        own[COST] = Figure(float(cost["amount"]), unit=str(cost.get("currency", "")))
    for name, line in ((LOSS, last), (BEST_LOSS, best or {})):
        if finite(line.get("loss")):
            own[name] = Figure(float(line["loss"]), better=better, meaning=f"nats for a {run.loss_of}")
    for prefix, stages in (("", run.model_stages()), (COMPRESSED, run.compressed_stages())):
        for stage in stages[-1:]:
            own |= {prefix + name: figure for name, figure in stage_figures(stage).items()}
    return own


def stage_figures(stage: Mapping[str, Any]) -> dict[str, Figure]:
    """The figures of one evaluation: scores by "evaluator.name", without yardsticks; then parameters, size, latency."""
    found = {}
    for score in stage.get("scores") or []:
        if isinstance(score, Mapping) and not score.get("baseline") and finite(score.get("value")):
            low, high, target = (score.get(key) for key in ("low", "high", "target"))
            known = finite(low) and finite(high)
            found[f"{score.get('evaluator', '')}.{score.get('name', '')}"] = Figure(
                float(score["value"]),
                low if known else None,
                high if known else None,
                str(score.get("better") or ""),
                str(score.get("kind") or ""),
                str(score.get("of") or ""),
                target if finite(target) else None,
                str(score.get("meaning") or ""),
            )
    for key in (PARAMETERS, SIZE, LATENCY):
        if finite(stage.get(key)):
            found[key] = Figure(float(stage[key]), better="" if key == PARAMETERS else "lower")
    return found


def metrics(found: Iterable[Mapping[str, Figure]]) -> dict[str, Metric]:
    """Every figure that any run has, in the order in which they come up."""
    every: dict[str, Metric] = {}
    for own in found:
        for name, one in own.items():
            known = every.get(name)
            if name in (LOSS, BEST_LOSS) and known is not None and one.meaning != known.meaning:
                every[name] = replace(known, meaning=SEVERAL)
            elif known is None or (one.better and not known.better):
                every[name] = Metric(name, one.better, one.kind, one.of, one.target, one.meaning, one.unit)
    return every


def quality(found: Sequence[Mapping[str, Figure]], wanted: str | None, comparable: bool) -> Metric | None:
    """The figure by which runs are ranked: the one `wanted`; else the validation loss where all losses are of the same
    thing; else bits per byte; else the first score of which lower or higher is better. All have it; where there is none
    that all have, as many as possible, and at least two. None where there is none.

    Raises:
        ConfigError: where no run has the figure that is wanted, or nothing of it is better.
    """
    every = metrics(found)
    if wanted is not None:
        return _wanted(every, wanted)
    judged = [name for name, metric in every.items() if metric.judged and metric.kind != "bias"]
    scores = [name for name in judged if "." in name and COMPRESSED not in name]
    first = [LOSS] if comparable and LOSS in judged else []
    order = [*first, *(name for name in scores if name.endswith(f".{PER_BYTE}")), *scores]
    # A run whose loss is no number any more must not take the figure from all others.
    count = {name: sum(name in own for own in found) for name in order}
    best = max(order, key=lambda name: count[name], default=None)
    return every[best] if best is not None and count[best] >= min(2, len(found)) else None


def _wanted(every: Mapping[str, Metric], wanted: str) -> Metric:
    plain = {name.replace(" ", "_"): name for name in every}
    asked = wanted.replace(" ", "_")
    matches = [name for key, name in plain.items() if key == asked]
    trained = {key: name for key, name in plain.items() if not name.startswith(COMPRESSED)}
    matches = matches or [name for key, name in trained.items() if key.rpartition(".")[2] == asked]
    if len(matches) > 1:
        raise ConfigError([Problem("--metric", f"could be {' or '.join(matches)}", wanted)])
    if not matches:
        close = difflib.get_close_matches(asked, [*plain, *(key.rpartition(".")[2] for key in plain)], n=1)
        hint = f"did you mean {close[0]}?" if close else ""
        raise ConfigError([Problem("--metric", "no run has such a figure", wanted, hint)])
    metric = every[matches[0]]
    if metric.name in (LOSS, BEST_LOSS) or metric.name in (FLOPS, SECONDS, COST):
        return Metric(metric.name, "lower", meaning=metric.meaning, unit=metric.unit)
    if not metric.judged:
        raise ConfigError([Problem("--metric", "neither lower nor higher is better", wanted)])
    return metric


def finite(value: Any) -> bool:
    """Whether `value` is a number that can be computed with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _flops(run: RunData) -> float | None:
    """Of the tokens that were trained on: a run that stopped early took less than was planned."""
    flops, planned, done = run.plan.get("flops"), run.plan.get("tokens"), run.results.get("tokens")
    if not finite(flops):
        return None
    share = float(done or 0) / float(planned) if finite(done) and finite(planned) and planned else 1.0
    return float(flops or 0) * share
