"""Evaluate or compress the model of a finished run again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pluglm.config.compose import CHANGEABLE, compose_over
from pluglm.errors import ConfigError, Problem
from pluglm.files.replacing import write_json
from pluglm.lifecycle.assemble import Parts, prepare_parts
from pluglm.progress import Progress
from pluglm.runs.folder import read_config
from pluglm.runs.saved_model import load_run_model


def evaluate_again(words: Sequence[str], quiet: bool = False) -> dict[str, Any]:
    """The scores of the model of the run that `words` begin with, under the overrides that follow."""
    from pluglm.lifecycle.finish import measure

    _folder, parts, progress = _finished(words, CHANGEABLE["evaluate"], quiet)
    with progress:
        return measure(parts, parts.model, "trained", progress, progress.say)


def compress_again(words: Sequence[str], quiet: bool = False) -> list[dict[str, Any]]:
    """Make the compressed models that the overrides ask for, and add them to the run's results and report."""
    from pluglm.lifecycle.finish import compress
    from pluglm.reporting.html import write_report

    folder, parts, progress = _finished(words, CHANGEABLE["compress"], quiet)
    if not parts.config.acting_at("compress"):
        raise ConfigError([Problem("compressor", "none is chosen that acts on a finished model")])
    with progress:
        evaluations = compress(parts, folder, progress, progress.say)
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    made = {evaluation["stage"] for evaluation in evaluations}
    results["evaluations"] = [e for e in results["evaluations"] if e["stage"] not in made] + evaluations
    write_json(folder / "results.json", results)
    write_report(folder)
    return evaluations


def _finished(words: Sequence[str], allowed: Sequence[str], quiet: bool) -> tuple[Path, Parts, Progress]:
    if not words or ("=" in words[0] and not Path(words[0]).is_dir()):
        raise ConfigError([Problem("RUN", "the first word must be a run folder")])
    folder = Path(words[0])
    config = compose_over(read_config(folder), words[1:], allowed)
    from pluglm.batching.examples import prepare_examples
    from pluglm.corpus.prepared import prepare_corpus
    from pluglm.progress import quiet_libraries

    quiet_libraries()
    progress = Progress(quiet=quiet)
    note: Callable[[str], None] = progress.say
    original = read_config(folder)
    corpus = prepare_corpus(original, progress)
    examples = prepare_examples(original, corpus, progress)
    # The model replaces the one that a new run would build; nothing acts on it before it is measured.
    parts = prepare_parts(replace(config, regularizer={}, debiaser={}), corpus, examples, note)
    model, _ = load_run_model(folder, config.objective.head)
    model.to(parts.accelerator.device)
    runs = {path: replace(run, model=model) for path, run in parts.runs.items()}
    return folder, replace(parts, model=model, runs=runs), progress
