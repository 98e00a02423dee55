"""`pluglm plan`: what a run will take."""

from __future__ import annotations

import json
from pathlib import Path

from pluglm.cli.flags import CONFIG_DIR, JSON, parse, usage, wants_help

FLAGS = CONFIG_DIR | JSON


def run(arguments: list[str]) -> int:
    """Prepare the data (or take it from the cache) and print the plan."""
    if wants_help(arguments):
        print(
            usage("plan [overrides]", "Takes the words of train; prepares the data and plans the training.", FLAGS),
            end="",
        )
        return 0
    given = parse(arguments, FLAGS)
    from pluglm.config.compose import compose

    config = compose(given.words, Path(given.flags["config-dir"]) if "config-dir" in given.flags else None)
    from pluglm.batching.examples import prepare_examples
    from pluglm.corpus.prepare import prepare_corpus
    from pluglm.lifecycle.assemble import prepare_parts
    from pluglm.lifecycle.run import quiet_libraries
    from pluglm.planning.estimate import estimate, plan_lines
    from pluglm.reporting.progress import Progress

    quiet_libraries()
    with Progress(quiet="json" in given.flags) as progress:
        corpus = prepare_corpus(config, progress)
        examples = prepare_examples(config, corpus, progress)
        plan = estimate(prepare_parts(config, corpus, examples, progress.say))
    print(json.dumps(plan, indent=1) if "json" in given.flags else "\n".join(plan_lines(plan)))
    return 0
