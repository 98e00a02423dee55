"""A whole run."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm import events
from pluglm.catalog import installed_catalog
from pluglm.config.run_config import RunConfig
from pluglm.deprecation import deprecations
from pluglm.errors import Interrupted, PluglmError, explained
from pluglm.files.replacing import write_json
from pluglm.lifecycle.observers import Observers
from pluglm.progress import Progress
from pluglm.runs import folder as files
from pluglm.runs.run_data import read_json
from pluglm.training.distribution import check_world_size, join, launched_processes
from pluglm.training.external_stop import GoOn
from pluglm.training.launching import launch, leave_failure, restarted

if TYPE_CHECKING:
    from pluglm.batching.examples import Examples
    from pluglm.corpus.prepared import Corpus
    from pluglm.training.progress import TrainingProgress


def run(
    config: RunConfig,
    folder: Path | None = None,
    quiet: bool = False,
    resume: bool = False,
    go_on: GoOn | None = None,
) -> Path:
    """Run `config` from documents to report, or go on with the run in `folder`, and return its folder.

    Args:
        go_on: asked by the main process after each validation but the last, with the step and what was measured; a
            reason that it returns ends the training. Where this starts processes, they ask for themselves.

    Raises:
        PluglmError: with a line for the user; what was done so far stays in the folder and can be resumed.
    """
    check_world_size(config)
    main = int(os.environ.get("RANK", "0")) == 0
    processes = config.parallelism.world_size()
    if folder is None:
        folder, resume = _agreed_folder(config)
        config = files.read_config(folder) if resume else config
    if main and not resume:
        files.write_config(folder, config)
    if processes > 1 and launched_processes() is None:
        words = ["resume", str(folder)] + (["--quiet"] if quiet else [])
        launch(processes, config.launch.restarts, words, folder)
        return folder
    progress = Progress(quiet=quiet or not main)
    observers = Observers(folder, config, progress.say) if main else None
    error: BaseException | None = None
    try:
        with progress:
            if main:
                progress.say(f"Run folder: {folder}")
                if restarted():
                    progress.say(f"A process had died: all were started again ({restarted()})")
            _run(config, folder, progress, observers, go_on)
    except OSError as problem:
        error = explained(problem, folder, f"pluglm resume {folder}")
        raise error from problem
    except KeyboardInterrupt:
        error = Interrupted(f"stopped by Ctrl-C; go on with: pluglm resume {folder}")
        raise error from None
    except Interrupted as stopped:
        error = stopped
        raise Interrupted(f"{stopped}; a checkpoint is written; go on with: pluglm resume {folder}") from None
    except BaseException as problem:
        error = problem
        raise
    finally:
        if error is not None and launched_processes() is not None:
            leave_failure(folder, error)
        if observers is not None:
            results = read_json(folder / "results.json") if error is None else None
            observers("run_ended", events.RunEnded(folder, error, results))
    return folder


def quiet_libraries() -> None:
    """Keep the libraries' own progress bars and hints out of ours."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def _agreed_folder(config: RunConfig) -> tuple[Path, bool]:
    """The folder of this run, which the main process names, and whether it is there already: a launcher that starts all
    processes again starts them with the same words."""
    if launched_processes() in (None, 1):
        return files.new_folder(config), False
    import torch
    from accelerate import PartialState
    from accelerate.utils import broadcast_object_list

    join()
    state = PartialState(cpu=not torch.cuda.is_available())
    named: list[Any] = [_named_folder(config) if state.is_main_process else None]
    broadcast_object_list(named)
    folder, there = named[0]
    return folder, there


def _named_folder(config: RunConfig) -> tuple[Path, bool]:
    # Where a launcher gives its runs no id of their own, its process has one.
    run = os.environ.get("TORCHELASTIC_RUN_ID", "none").replace("/", "_")
    noted = config.output.dir / ".launched" / (run if run != "none" else f"{platform.node()}-{os.getppid()}")
    if restarted() and noted.is_file():
        folder = Path(noted.read_text(encoding="utf-8"))
        if (folder / "config.yaml").is_file():
            return folder, True
    folder = files.new_folder(config)
    noted.parent.mkdir(parents=True, exist_ok=True)
    noted.write_text(str(folder.resolve()), encoding="utf-8")
    return folder, False


def _run(config: RunConfig, folder: Path, progress: Progress, observers: Observers | None, go_on: GoOn | None) -> None:
    from pluglm.batching.examples import prepare_examples
    from pluglm.corpus.prepared import prepare_corpus
    from pluglm.lifecycle.assemble import prepare_parts, spread
    from pluglm.lifecycle.fit import fit, plain_model
    from pluglm.lifecycle.plan_or_reason import plan_or_reason
    from pluglm.planning.hardware import remember
    from pluglm.planning.lines import plan_lines
    from pluglm.planning.measured import begin_peak, folder_bytes, peak_bytes, with_measured
    from pluglm.training.counting import CountedStep

    started = time.monotonic()
    quiet_libraries()
    if observers is not None:
        observers("run_started", observers.started)
    corpus = prepare_corpus(config, progress)
    examples = prepare_examples(config, corpus, progress)
    notes: list[str] = list(examples.notes)

    def note(line: str) -> None:
        if line not in notes:
            notes.append(line)
            progress.say(line)

    for line in deprecations(config, installed_catalog()):
        note(line)
    if observers is not None:
        write_accounts(folder, corpus, examples)
        found = {"corpus": corpus.key, "examples": examples.key, "inputs": corpus.inputs}
        files.write_manifest(folder, config, installed_catalog(), found)
    parts = prepare_parts(config, corpus, examples, note)
    config = parts.config
    if observers is not None:
        plan = plan_or_reason(parts)
        # With what was settled by measuring, so that a resume does not measure again.
        files.write_config(folder, config)
        write_json(folder / "plan.json", plan)
        observers.track(config)
        for line in plan_lines(plan):
            progress.say(line)
    assembly = spread(parts)
    counting = CountedStep(assembly.model, config.train, assembly.accelerator.num_processes)
    begin_peak()
    state = fit(assembly, folder, progress, observers or (lambda hook, event: None), go_on, counting)
    if state.step != assembly.steps and state.stopped is None:
        raise PluglmError(f"{state.step} of {assembly.steps} steps were done; this is a defect")
    if state.skipped:
        note(f"{state.skipped} steps moved no weight, because their gradients overflowed fp16")
    assembly.accelerator.wait_for_everyone()
    assembly.accelerator.end_training()
    if observers is None:
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


def write_accounts(folder: Path, corpus: Corpus, examples: Examples) -> None:
    """ledger.json and quarantine.jsonl of the run, out of those of its corpus and examples."""
    ledger = {"stations": corpus.ledger + examples.ledger["stations"], "tokens": examples.ledger["tokens"]}
    write_json(folder / "ledger.json", ledger)
    with (folder / "quarantine.jsonl").open("wb") as target:
        for part in (corpus.folder, examples.folder):
            with (part / "quarantine.jsonl").open("rb") as source:
                shutil.copyfileobj(source, target)


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
