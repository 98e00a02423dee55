"""Evaluate or compress the model of a finished run again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.config.compose import CHANGEABLE, compose_over
from pluglm.config.run_config import RunConfig
from pluglm.errors import ConfigError, Problem
from pluglm.files.replacing import write_json
from pluglm.progress import Progress
from pluglm.runs.folder import read_config
from pluglm.runs.in_use import check_not_in_use, working_in
from pluglm.runs.run_data import read_json
from pluglm.runs.saved_model import load_run_model, model_folder

if TYPE_CHECKING:
    from pluglm.lifecycle.assemble import Parts


def evaluate_again(words: Sequence[str], quiet: bool = False) -> dict[str, Any]:
    """The scores of the model of the run that `words` begin with, under the overrides that follow."""
    folder, original, config = _chosen("evaluate", words)
    from pluglm.lifecycle.finish import measure

    parts, progress = _finished(folder, original, config, quiet)
    with progress:
        return measure(parts, parts.model, "trained", progress, progress.say)


def compress_again(words: Sequence[str], quiet: bool = False) -> list[dict[str, Any]]:
    """Make the compressed models that the overrides ask for, and add them to the run's results and report."""
    folder, original, config = _chosen("compress", words)
    if not config.acting_at("compress"):
        raise ConfigError([Problem("compressor", "none is chosen that acts on a finished model")])
    with working_in(folder, "compress"):
        results = read_json(folder / "results.json")
        if not isinstance(results.get("evaluations"), list):
            reason = "is missing or damaged, and the scores are to be added to it"
            raise ConfigError(
                [Problem(str(folder / "results.json"), reason, hint=f"make it again: pluglm resume {folder}")]
            )
        from pluglm.lifecycle.finish import compress
        from pluglm.reporting.html import write_report

        parts, progress = _finished(folder, original, config, quiet)
        with progress:
            evaluations = compress(parts, folder, progress, progress.say)
        made = {evaluation["stage"] for evaluation in evaluations}
        results["evaluations"] = [e for e in results["evaluations"] if e.get("stage") not in made] + evaluations
        write_json(folder / "results.json", results)
        write_report(folder)
    return evaluations


def _chosen(verb: str, words: Sequence[str]) -> tuple[Path, RunConfig, RunConfig]:
    """The run folder, its config, and that config under the overrides; all that can be refused without torch is."""
    if not words or ("=" in words[0] and not Path(words[0]).is_dir()):
        raise ConfigError([Problem(verb, "the first word must be a run folder", " ".join(words[:1]) or None)])
    folder = Path(words[0])
    original = read_config(folder)
    config = compose_over(original, words[1:], CHANGEABLE[verb])
    check_not_in_use(folder)
    model_folder(folder)
    return folder, original, config


def _finished(folder: Path, original: RunConfig, config: RunConfig, quiet: bool) -> tuple[Parts, Progress]:
    from pluglm.batching.examples import prepare_examples
    from pluglm.corpus.prepared import prepare_corpus
    from pluglm.lifecycle.assemble import prepare_parts
    from pluglm.progress import quiet_libraries

    quiet_libraries()
    progress = Progress(quiet=quiet)
    note: Callable[[str], None] = progress.say
    corpus = prepare_corpus(original, progress)
    examples = prepare_examples(original, corpus, progress)
    # The model replaces the one that a new run would build; nothing acts on it before it is measured.
    parts = prepare_parts(replace(config, regularizer={}, debiaser={}), corpus, examples, note)
    model, _ = load_run_model(folder, config.objective.head)
    model.to(parts.accelerator.device)
    runs = {path: replace(run, model=model) for path, run in parts.runs.items()}
    return replace(parts, model=model, runs=runs), progress
