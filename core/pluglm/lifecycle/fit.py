"""The training part of a run: the loop, with its state read from and written to the run folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from pluglm import events
from pluglm.errors import Diverged, PluglmError
from pluglm.lifecycle.assemble import Assembly, Parts, whole_again
from pluglm.lifecycle.diverged import explained_divergence
from pluglm.progress import Progress
from pluglm.training.checkpoint import Snapshot, checkpoints, load_checkpoint, newest_valid
from pluglm.training.counting import CountedStep
from pluglm.training.distribution import gather
from pluglm.training.external_stop import GoOn, asked_together
from pluglm.training.loop import Loop, train
from pluglm.training.metrics import MetricsLog
from pluglm.training.randomness import generator_states, restore_generators
from pluglm.training.state import restore_state, whole_state
from pluglm.training.training_progress import TrainingProgress
from pluglm.training.writing import CheckpointWriter

Notify = Callable[[str, Any], None]


def fit(
    assembly: Assembly,
    folder: Path,
    progress: Progress,
    notify: Notify,
    go_on: GoOn | None = None,
    counting: CountedStep | None = None,
) -> TrainingProgress:
    """Train from the newest valid checkpoint in `folder`, or from the start, to the end, or as far as `go_on` lets it;
    `counting` counts the operations of a step.

    Raises:
        Interrupted: after a signal, with a checkpoint written.
        Diverged: with the documents of the step and the checkpoint before it.
        PluglmError: where there are checkpoints and none is valid, or one cannot be written.
    """
    config, main = assembly.config, assembly.accelerator.is_main_process
    log = MetricsLog(folder / "metrics.jsonl") if main else None
    state = _restore(assembly, folder, log, progress)

    def write(kind: str, step: int, values: dict[str, Any]) -> None:
        if log is not None:
            line = log.write(kind, step, values)
            notify("metrics_logged", events.MetricsLogged(folder, step, line))

    def written(step: int, path: Path) -> None:
        notify("checkpoint_written", events.CheckpointWritten(folder, step, path))

    should_stop = [partial(t.should_stop, run) for t, run in assembly.acting_at("should_stop")]
    asked = [] if go_on is None else [asked_together(go_on, assembly.steps, assembly.accelerator)]
    keep = config.train.keep_checkpoints, config.train.keep_best
    with (
        progress.task("Training", total=assembly.steps, unit="steps") as task,
        CheckpointWriter(folder / "checkpoints", *keep, written) if main else nullcontext() as writer,
    ):
        task.advance(state.step)
        loop = Loop(
            settings=config.train,
            steps=assembly.steps,
            module=assembly.module,
            optimizer=assembly.optimizer,
            learning_rate=config.optimizer.lr,
            base_rates=assembly.base_rates,
            schedule=config.schedule,
            parallelism=config.parallelism,
            loader=assembly.loader,
            accelerator=assembly.accelerator,
            progress=state,
            log=write,
            save=partial(_save, assembly, state, log, writer),
            after_step=[
                *([] if counting is None else [counting.done]),
                *(partial(t.after_step, run) for t, run in assembly.acting_at("after_step")),
            ],
            during_validation=[partial(t.during_validation, run) for t, run in assembly.acting_at("during_validation")],
            should_stop=[*should_stop, *asked],
            shown=lambda loss, rate: task.advance(1, loss=loss, tokens_per_second=rate),
        )
        try:
            with counting or nullcontext():
                train(loop)
        except Diverged as problem:
            if writer is not None:
                writer.wait()
            raise explained_divergence(problem, assembly, folder) from None
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
        train = assembly.config.train
        return TrainingProgress(loss_scale=train.loss_scale if train.precision == "fp16" else 1.0)
    snapshot = load_checkpoint(path)
    try:
        restore_state(snapshot.whole(), assembly.step_module, assembly.optimizer, assembly.states)
    except (KeyError, ValueError, RuntimeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise PluglmError(f"{path} does not fit {folder / 'config.yaml'}: was that changed? ({reason})") from error
    rank = assembly.accelerator.process_index
    if len(snapshot.generators) == assembly.accelerator.num_processes:
        restore_generators(snapshot.generators[rank])
    lines = snapshot.progress.pop("metrics_lines")
    if log is not None:
        log.cut(lines)
    progress.say(f"Going on after step {snapshot.progress['step']}")
    return TrainingProgress(**snapshot.progress)


def plain_model(assembly: Assembly, folder: Path, note: Callable[[str], None]) -> Parts:
    """What training left, with an ordinary model, for the main process to work on alone: where the parallelism cut it,
    out of the last checkpoint, which holds it whole."""
    if not assembly.config.parallelism.cuts:
        return assembly
    path, _ = newest_valid(folder / "checkpoints")
    assert path is not None
    return whole_again(assembly, note, load_checkpoint(path).whole())


def _save(
    assembly: Assembly, state: TrainingProgress, log: MetricsLog | None, writer: CheckpointWriter | None, step: int
) -> None:
    own = generator_states()
    by_name = {name: gather(tensor, assembly.accelerator) for name, tensor in own.items()}
    held = whole_state(assembly.step_module, assembly.optimizer, assembly.states)
    whole = assembly.config.parallelism.collect(held)
    if log is None or writer is None:
        return
    generators = [
        {name: tensors[rank] for name, tensors in by_name.items()} for rank in range(assembly.accelerator.num_processes)
    ]
    plain = asdict(state) | {"metrics_lines": log.count()}
    writer.write(step, Snapshot(plain, generators=generators, **whole))
