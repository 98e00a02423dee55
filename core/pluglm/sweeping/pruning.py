"""Ending hopeless members early: what every member reported is a file of lines in the sweep's folder, and Optuna's
pruner decides over it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pluglm.config.run_config import RunConfig
from pluglm.config.sweep_settings import PruningSettings
from pluglm.files.locks import Lock
from pluglm.sweeping import record
from pluglm.training.external_stop import GoOn

REPORTS = "reports.jsonl"


def pruner(config: RunConfig, member: Path) -> GoOn | None:
    """What the run in `member` is to ask at its validations; None where it is in no sweep that ends members early."""
    if not (config.sweep.pruning.enabled and (member.parent / record.SWEEP).is_file()):
        return None
    sweep, settings = member.parent, config.sweep.pruning

    def go_on(step: int, validation: Mapping[str, float]) -> str | None:
        loss = validation["loss"]
        with Lock(sweep / record.LOCKS / REPORTS):
            reports = read_reports(sweep / REPORTS)
            asked = next((i for i, r in enumerate(reports) if r["member"] == member.name and r["step"] == step), None)
            if asked is None:
                # Whoever was killed and resumed has reported this step already, and is told the same again.
                asked = len(reports)
                reports.append({"member": member.name, "step": step, "loss": loss})
                with (sweep / REPORTS).open("a", encoding="utf-8") as file:
                    # On a line of its own, also behind half a line.
                    file.write("\n" + json.dumps(reports[-1]) + "\n")
        if not hopeless(reports[: asked + 1], settings):
            return None
        return f"{record.PRUNED_AT}{step}: its validation loss of {loss:.4g} is not among the best there"

    return go_on


def read_reports(path: Path) -> list[dict[str, Any]]:
    """All reports in their order; half a line, which a killed process left, is none."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def hopeless(reports: Sequence[Mapping[str, Any]], settings: PruningSettings) -> bool:
    """Whether the member that reported last should end, by asynchronous successive halving (Li et al. 2018,
    https://arxiv.org/abs/1810.05934): at each rung, min_steps times a power of the reduction factor, only members
    go on whose loss is among the best of all that came so far. Optuna decides, over a study made of the reports."""
    import optuna

    optuna.logging.set_verbosity(logging.WARNING)
    halving = optuna.pruners.SuccessiveHalvingPruner(
        min_resource=settings.min_steps, reduction_factor=settings.reduction_factor
    )
    study = optuna.create_study(direction="minimize", pruner=halving)
    trials: dict[str, Any] = {}
    ended = False
    for report in reports:
        trial = trials[report["member"]] = trials.get(report["member"]) or study.ask()
        trial.report(report["loss"], report["step"])
        ended = trial.should_prune()
    return ended
