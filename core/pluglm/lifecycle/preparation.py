"""The corpus and the examples alone, without training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pluglm.config.run_config import RunConfig
from pluglm.errors import PluglmError, explained, system_error
from pluglm.progress import Progress
from pluglm.runs import folder as files
from pluglm.runs.accounts import AccountFiles
from pluglm.runs.in_use import working_in

if TYPE_CHECKING:
    from pluglm.batching.examples import Examples
    from pluglm.corpus.prepared import Corpus


def prepare(config: RunConfig, folder: Path | None = None, quiet: bool = False) -> Path:
    """Make the corpus and the examples of a run, and write their ledger and report into a run folder of their
    own."""
    named_by_config = folder is None
    folder = folder or files.new_folder(config)
    try:
        with working_in(folder, "prepare"):
            if named_by_config:
                files.check_free(config)
            _prepare(config, folder, quiet)
    except PluglmError:
        raise
    except Exception as error:
        if (refused := system_error(error)) is None:
            raise
        raise explained(refused, folder, "the same command") from error
    return folder


def _prepare(config: RunConfig, folder: Path, quiet: bool) -> None:
    from pluglm.planning.contributions import contributions, source_lines
    from pluglm.reporting.html import write_report

    files.write_config(folder, config)
    with Progress(quiet=quiet) as progress:
        corpus, examples = prepared(config, folder, progress)
        for line in source_lines(contributions(examples.ledger["tokens"]["train"])):
            progress.say(line)
        write_preparation(config, folder, corpus, examples)
    write_report(folder)


def prepared(config: RunConfig, folder: Path | None, progress: Progress) -> tuple[Corpus, Examples]:
    """The corpus and the examples of a run, from the cache where they have been made before.

    Args:
        folder: where the accounts of what is known so far are left if it ends early; None for nowhere.
    """
    from pluglm.batching.examples import prepare_examples
    from pluglm.corpus.prepared import prepare_corpus

    if folder is None or (folder / "manifest.json").exists():
        # Of a run that was prepared before, the accounts are there.
        corpus = prepare_corpus(config, progress)
        return corpus, prepare_examples(config, corpus, progress)
    with AccountFiles(folder) as accounts:
        corpus = prepare_corpus(config, progress, accounts.add)
        accounts.add(corpus.ledger, corpus.folder / "quarantine.jsonl")
        return corpus, prepare_examples(config, corpus, progress, accounts.add)


def write_preparation(config: RunConfig, folder: Path, corpus: Corpus, examples: Examples) -> None:
    """The accounts and the manifest of a run whose corpus and examples are made."""
    from pluglm.batching.examples import whole_ledger
    from pluglm.catalog import installed_catalog

    files.write_accounts(folder, whole_ledger(corpus, examples), [corpus.folder, examples.folder])
    found = {"corpus": corpus.key, "examples": examples.key, "inputs": corpus.inputs}
    files.write_manifest(folder, config, installed_catalog(), found)
