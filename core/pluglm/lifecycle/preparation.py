"""The corpus and the examples alone, without training."""

from __future__ import annotations

from pathlib import Path

from pluglm.config.run_config import RunConfig
from pluglm.errors import explained
from pluglm.progress import Progress
from pluglm.runs import folder as files


def prepare(config: RunConfig, folder: Path | None = None, quiet: bool = False) -> Path:
    """Make the corpus and the examples of a run, and write their ledger and report into a run folder of their
    own."""
    from pluglm.batching.examples import prepare_examples, whole_ledger
    from pluglm.catalog import installed_catalog
    from pluglm.corpus.prepared import prepare_corpus
    from pluglm.planning.contributions import contributions, source_lines
    from pluglm.reporting.html import write_report

    folder = folder or files.unfinished(config) or files.new_folder(config)
    files.write_config(folder, config)
    try:
        with Progress(quiet=quiet) as progress:
            corpus = prepare_corpus(config, progress)
            examples = prepare_examples(config, corpus, progress)
            for line in source_lines(contributions(examples.ledger["tokens"]["train"])):
                progress.say(line)
            files.write_accounts(folder, whole_ledger(corpus, examples), [corpus.folder, examples.folder])
            found = {"corpus": corpus.key, "examples": examples.key, "inputs": corpus.inputs}
            files.write_manifest(folder, config, installed_catalog(), found)
        write_report(folder)
    except OSError as error:
        raise explained(error, folder, "the same command") from error
    return folder
