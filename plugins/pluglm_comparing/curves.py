"""The loss while training, over steps, tokens, operations and seconds; seeds of a configuration as one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pluglm import RunData
from pluglm_comparing.configurations import Configuration
from pluglm_comparing.figures import finite
from pluglm_comparing.members import LeftOut, Member

AXES = {"step": "step", "tokens": "tokens", "flops": "floating-point operations", "seconds": "seconds of training"}


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: `x` by axis, and `y`, the mean over `seeds` seeds between the `low`est and `high`est of them.

    `configuration` is None for a run that is not compared.
    """

    label: str
    configuration: int | None
    x: Mapping[str, tuple[float, ...]]
    y: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: int = 1


def curves(
    members: Sequence[Member],
    left_out: Sequence[LeftOut],
    found: Sequence[Configuration],
    kind: Literal["train", "validation"],
) -> list[Curve]:
    """The curves of all configurations, then of the runs that are left out and had begun to train."""
    made = []
    for position, one in enumerate(found):
        lines = [line for line in (_line(members[run].run, kind) for run in one.runs) if line]
        if lines:
            made.append(_joined(one.label, position, lines))
    for other in left_out:
        line = _line(other.run, kind) if other.run else {}
        if line:
            made.append(_joined(f"{other.name} ({other.status})", None, [line]))
    return made


def _joined(label: str, configuration: int | None, lines: Sequence[Mapping[int, dict[str, float]]]) -> Curve:
    # Where a seed stopped early, the mean of those that went on would be of other seeds.
    steps = sorted(set.intersection(*(set(line) for line in lines))) or sorted(lines[0])
    lines = [line for line in lines if all(step in line for step in steps)]
    axes = [axis for axis in AXES if all(axis in line[step] for line in lines for step in steps)]
    losses = [[line[step]["loss"] for line in lines] for step in steps]
    return Curve(
        label,
        configuration,
        {axis: tuple(sum(line[step][axis] for line in lines) / len(lines) for step in steps) for axis in axes},
        tuple(sum(several) / len(several) for several in losses),
        tuple(map(min, losses)),
        tuple(map(max, losses)),
        len(lines),
    )


def _line(run: RunData, kind: str) -> dict[int, dict[str, float]]:
    """By step: the loss, and where the run was then on each axis, as far as the run tells."""
    import numpy as np

    logged = [line for line in run.train if finite(line.get("step"))]
    steps = [0.0, *(float(line["step"]) for line in logged)]
    known: dict[str, list[float]] = {}
    for axis in ("tokens", "seconds"):
        if logged and all(finite(line.get(axis)) for line in logged):
            known[axis] = [0.0, *(float(line[axis]) for line in logged)]
    planned, flops = run.plan.get("tokens"), run.plan.get("flops")
    if "tokens" in known and finite(planned) and finite(flops) and planned:
        known["flops"] = [tokens * float(flops or 0) / float(planned) for tokens in known["tokens"]]
    found: dict[int, dict[str, float]] = {}
    lines: list[dict[str, Any]] = run.train if kind == "train" else run.validation
    for line in lines:
        if finite(line.get("loss")) and finite(line.get("step")):
            step = int(line["step"])
            places = {axis: float(np.interp(step, steps, values)) for axis, values in known.items()}
            found[step] = {"loss": float(line["loss"]), "step": float(step), **places}
    return found
