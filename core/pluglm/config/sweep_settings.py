"""Settings of a sweep: many runs from one line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pluglm.config.settings import Settings

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
