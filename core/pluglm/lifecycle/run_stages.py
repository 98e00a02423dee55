"""The stages of a run in one process, from documents to report."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.catalog import installed_catalog
from pluglm.config.run_config import RunConfig
from pluglm.deprecation import deprecations
from pluglm.errors import PluglmError
from pluglm.files.replacing import write_json
from pluglm.lifecycle.observers import Observers
from pluglm.lifecycle.preparation import prepared, write_preparation
from pluglm.progress import Progress, quiet_libraries
from pluglm.runs.folder import write_config
from pluglm.runs.run_data import read_json
from pluglm.training.external_stop import GoOn

if TYPE_CHECKING:
    from pluglm.training.training_progress import TrainingProgress


def run_stages(
    config: RunConfig, folder: Path, progress: Progress, observers: Observers, main: bool, go_on: GoOn | None
) -> None:
    """Run `config` in this process: prepare, plan, train, finish, evaluate, report.

    Args:
        observers: who is told of the run.
        main: whether this is the main process, which alone writes to `folder`.
        go_on: see `pluglm.lifecycle.run.run`.
    """
    from pluglm.lifecycle.assemble import prepare_parts, spread
    from pluglm.lifecycle.fit import fit, plain_model
    from pluglm.lifecycle.plan_or_reason import plan_or_reason
    from pluglm.planning.hardware import remember
    from pluglm.planning.lines import plan_lines
    from pluglm.planning.measured import begin_peak, folder_bytes, peak_bytes, with_measured
    from pluglm.training.counting import CountedStep

    started = time.monotonic()
    quiet_libraries()
    observers("run_started", observers.started)
    corpus, examples = prepared(config, folder if main else None, progress)
    notes: list[str] = list(examples.notes)

    def note(line: str) -> None:
        if line not in notes:
            notes.append(line)
            progress.say(line)

    for line in (*config.notes, *deprecations(config, installed_catalog())):
        note(line)
    if main:
        write_preparation(config, folder, corpus, examples)
    asked_threads = config.train.threads
    parts = prepare_parts(config, corpus, examples, note)
    config = parts.config
    if main:
        plan = plan_or_reason(parts)
        # What this machine settled, and nobody chose: not a difference between runs.
        settled = read_json(folder / "plan.json").get("settled")
        if asked_threads != config.train.threads or settled:
            plan["settled"] = settled or {"train.threads": config.train.threads}
        # With what was settled by measuring, so that a resume does not measure again.
        write_config(folder, config)
        write_json(folder / "plan.json", plan)
        for line in plan_lines(plan):
            progress.say(line)
    observers.track(config)
    assembly = spread(parts)
    counting = CountedStep(assembly.model, config.train, assembly.accelerator.num_processes)
    begin_peak()
    state = fit(assembly, folder, progress, observers, go_on, counting)
    if state.step != assembly.steps and state.stopped is None:
        raise PluglmError(f"{state.step} of {assembly.steps} steps were done; this is a defect")
    if state.skipped:
        note(f"{state.skipped} steps moved no weight, because their gradients overflowed fp16")
    assembly.accelerator.wait_for_everyone()
    assembly.accelerator.end_training()
    if not main:
        return
    from pluglm.lifecycle.finish import finish

    measured = {"training_seconds": round(state.seconds, 1), "peak_memory_bytes": peak_bytes()}
    plan = with_measured(plan, **measured, parameters=counting.parameters, flops_of_a_step=counting.operations)
    write_json(folder / "plan.json", plan)
    if state.step == assembly.steps and "hardware" in plan and "flops_per_second" in plan["measured"]:
        remember(config, plan["hardware"]["precision"], plan["measured"]["flops_per_second"])
    evaluations = finish(plain_model(assembly, folder, note), folder, progress, note)
    _write_results(config, folder, assembly.steps, state, evaluations, notes, time.monotonic() - started)
    _report(folder, progress)
    write_json(folder / "plan.json", with_measured(plan, storage_bytes=folder_bytes(folder)))


def _write_results(
    config: RunConfig,
    folder: Path,
    steps: int,
    state: TrainingProgress,
    evaluations: list[dict[str, Any]],
    notes: list[str],
    seconds: float,
) -> None:
    results = {
        "name": config.name,
        "evaluations": evaluations,
        "notes": notes,
        "steps_done": state.step,
        "steps_planned": steps,
        "stopped": state.stopped,
        "tokens": state.tokens,
        "training_seconds": round(state.seconds, 1),
        "total_seconds": round(seconds, 1),
    }
    write_json(folder / "results.json", results)


def _report(folder: Path, progress: Progress) -> None:
    from pluglm.reporting.html import write_report
    from pluglm.reporting.model_card import write_model_card
    from pluglm.reporting.summary import summary_lines

    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    write_model_card(folder / "model", folder, results)
    write_report(folder)
    for line in summary_lines(folder):
        progress.say(line)
