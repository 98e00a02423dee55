"""`pluglm evaluate RUN`: measure a finished run's model again, with other evaluators if you like."""

from __future__ import annotations

import json

from pluglm.cli.flags import JSON, parse, usage, wants_help

FLAGS = JSON


def run(arguments: list[str]) -> int:
    """Print the scores of RUN's model."""
    if wants_help(arguments):
        about = "Measures RUN's model. Overrides choose evaluators: 'evaluator=[a,b]'."
        print(usage("evaluate RUN [overrides]", about, FLAGS), end="")
        return 0
    given = parse(arguments, FLAGS)
    from pluglm.lifecycle.again import evaluate_again

    evaluation = evaluate_again(given.words, quiet="json" in given.flags)
    if "json" in given.flags:
        print(json.dumps(evaluation, indent=1))
        return 0
    for score in evaluation["scores"]:
        interval = "" if score["low"] is None else f"  [{score['low']:.4g}, {score['high']:.4g}]"
        print(f"{score['evaluator']:<18} {score['name']:<28} {score['value']:.4g}{interval}")
    return 0
