"""Settings of a sweep: many runs from one line."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pluglm.config.settings import Settings
from pluglm.errors import Problem

if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig

LOSS = "loss"


class PruningSettings(Settings):
    """Ending members that others leave behind: asynchronous successive halving (Li et al. 2018,
    https://arxiv.org/abs/1810.05934)."""

    enabled: Annotated[bool, Field(description="Whether members are ended early (needs Optuna)")] = False
    min_steps: Annotated[int, Field(ge=1, description="Steps that every member gets before it can be ended")] = 100
    reduction_factor: Annotated[
        int,
        Field(ge=2, description="Of so many members one goes on, at min_steps, at so many times min_steps, and so on"),
    ] = 3


class SweepSettings(Settings):
    """How many runs from one line (`pluglm train -m`) are gone about; nothing here changes what a member computes."""

    skip_invalid: Annotated[
        bool, Field(description="Leave members out whose config cannot run, instead of stopping before the first")
    ] = False
    fail_fast: Annotated[bool, Field(description="End the sweep when a member fails")] = False
    folder: Annotated[
        Path | None,
        Field(description="The sweep's folder; null for one below <output.dir>/sweeps that the same line finds again"),
    ] = None
    leave_one_out: Annotated[
        tuple[str, ...],
        Field(description="Families whose list is run whole and with each of its techniques left out: [preprocessor]"),
    ] = ()
    metric: Annotated[
        str,
        Field(
            description="What a sampler improves: loss (the best validation loss), or a score such as evaluator.name"
        ),
    ] = LOSS
    direction: Annotated[Literal["minimize", "maximize"], Field(description="Which way the metric is better")] = (
        "minimize"
    )
    pruning: Annotated[PruningSettings, Field(description="Ending members early that others leave behind")] = (
        PruningSettings()
    )


def sweep_problems(config: RunConfig) -> Iterator[Problem]:
    """What keeps the sweep's settings from working with this run's."""
    from pluglm.families import FAMILIES

    sweep, lists = config.sweep, [family for family, spec in FAMILIES.items() if spec.many]
    for family in sweep.leave_one_out:
        if family not in lists:
            reason = "is no family that takes a list; known: " + ", ".join(lists)
            yield Problem("sweep.leave_one_out", reason, family)
    evaluator = sweep.metric.partition(".")[0]
    if sweep.metric != LOSS and evaluator not in config.evaluator:
        known = ", ".join([LOSS, *(f"{label}.<score>" for label in config.evaluator)])
        yield Problem("sweep.metric", f"no evaluator of this run gives it; known: {known}", sweep.metric)
    if sweep.pruning.enabled:
        if find_spec("optuna") is None:
            yield Problem("sweep.pruning", "needs optuna, which is not installed", hint="pip install 'pluglm[optuna]'")
        if not config.train.eval_every:
            yield Problem("sweep.pruning", "acts at validations, and there are none", hint="set train.eval_every")
