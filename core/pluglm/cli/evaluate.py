"""`pluglm evaluate RUN`: measure a finished run's model again, with other evaluators if you like."""

from __future__ import annotations

import json

from pluglm.cli.flags import JSON
from pluglm.cli.folders import check_run
from pluglm.verbs import Arguments

FLAGS = JSON


def run(given: Arguments) -> int:
    """Measures RUN's model. Overrides choose evaluators: 'evaluator=[a,b]'."""
    check_run("evaluate", given.words)
    from pluglm.lifecycle.again import evaluate_again

    evaluation = evaluate_again(given.words, quiet="json" in given.flags)
    if "json" in given.flags:
        print(json.dumps(evaluation, indent=1))
        return 0
    for score in evaluation["scores"]:
        interval = "" if score["low"] is None else f"  [{score['low']:.4g}, {score['high']:.4g}]"
        print(f"{score['evaluator']:<18} {score['name']:<28} {score['value']:.4g}{interval}")
    return 0
