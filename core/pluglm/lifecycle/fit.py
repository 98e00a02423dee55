"""The training part of a run: the loop, with its state read from and written to the run folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from pluglm import events
from pluglm.errors import PluglmError
from pluglm.lifecycle.assemble import Assembly
from pluglm.reporting.progress import Progress
from pluglm.training.checkpoint import Snapshot, checkpoints, load_checkpoint, newest_valid, save_checkpoint
from pluglm.training.distribution import gather
from pluglm.training.loop import Loop, TrainingProgress, train
from pluglm.training.metrics import MetricsLog
from pluglm.training.randomness import generator_states, restore_generators

Notify = Callable[[str, Any], None]


def fit(assembly: Assembly, folder: Path, progress: Progress, notify: Notify) -> TrainingProgress:
    """Train from the newest valid checkpoint in `folder`, or from the start, to the end.

    Raises:
        Interrupted: after a signal, with a checkpoint written.
        PluglmError: where there are checkpoints and none is valid, or training diverged.
    """
    main = assembly.accelerator.is_main_process
    log = MetricsLog(folder / "metrics.jsonl") if main else None
    # As built: a checkpoint holds the rates that the schedule had made of them.
    rates = [group["lr"] for group in assembly.optimizer.param_groups]
    state = _restore(assembly, folder, log, progress)
    with progress.task("Training", total=assembly.steps, unit="steps") as task:
        task.advance(state.step)

        def write(kind: str, step: int, values: dict[str, Any]) -> None:
            if log is not None:
                line = log.write(kind, step, values)
                notify("metrics_logged", events.MetricsLogged(folder, step, line))

        def show(loss: float, rate: float) -> None:
            task.advance(1, loss=loss, tokens_per_second=rate)

        config = assembly.config
        train(
            Loop(
                settings=config.train,
                steps=assembly.steps,
                module=assembly.module,
                model=assembly.model,
                objective=config.objective,
                optimizer=assembly.optimizer,
                learning_rate=config.optimizer.lr,
                base_rates=rates,
                schedule=config.schedule,
                loader=assembly.loader,
                accelerator=assembly.accelerator,
                progress=state,
                log=write,
                save=partial(_save, assembly, folder, state, log, notify),
                after_step=[partial(t.after_step, run) for t, run in assembly.acting_at("after_step")],
                during_validation=[
                    partial(t.during_validation, run) for t, run in assembly.acting_at("during_validation")
                ],
                should_stop=[partial(t.should_stop, run) for t, run in assembly.acting_at("should_stop")],
                shown=show,
            )
        )
    return state


def _restore(assembly: Assembly, folder: Path, log: MetricsLog | None, progress: Progress) -> TrainingProgress:
    path, skipped = newest_valid(folder / "checkpoints")
    for line in skipped:
        progress.say(line)
    if path is None:
        if checkpoints(folder / "checkpoints"):
            raise PluglmError(
                f"no checkpoint in {folder / 'checkpoints'} is whole; start a new run of {folder}/config.yaml"
            )
        if log is not None:
            if log.count():
                progress.say("No checkpoint was written yet: training begins anew")
            log.cut(0)
        return TrainingProgress()
    snapshot = load_checkpoint(path, assembly.step_module, assembly.optimizer)
    for name, saved in snapshot.techniques.items():
        assembly.states[name].clear()
        assembly.states[name].update(saved)
    rank = assembly.accelerator.process_index
    if len(snapshot.generators) == assembly.accelerator.num_processes:
        restore_generators(snapshot.generators[rank])
    lines = snapshot.progress.pop("metrics_lines")
    if log is not None:
        log.cut(lines)
    progress.say(f"Going on after step {snapshot.progress['step']}")
    return TrainingProgress(**snapshot.progress)


def _save(
    assembly: Assembly, folder: Path, state: TrainingProgress, log: MetricsLog | None, notify: Notify, step: int
) -> None:
    own = generator_states()
    by_name = {name: gather(tensor, assembly.accelerator) for name, tensor in own.items()}
    if log is None:
        return
    generators = [
        {name: tensors[rank] for name, tensors in by_name.items()} for rank in range(assembly.accelerator.num_processes)
    ]
    plain = asdict(state) | {"metrics_lines": log.count()}
    snapshot = Snapshot(plain, assembly.step_module, assembly.optimizer, assembly.states, generators)
    path = save_checkpoint(folder / "checkpoints", step, snapshot, assembly.config.train.keep_checkpoints)
    notify("checkpoint_written", events.CheckpointWritten(folder, step, path))
