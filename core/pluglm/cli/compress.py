"""`pluglm compress RUN`: compress a finished run's model."""

from __future__ import annotations

from pluglm.cli.flags import QUIET, parse, usage, wants_help

FLAGS = QUIET


def run(arguments: list[str]) -> int:
    """Add compressed models to RUN, with their scores in its results and report."""
    if wants_help(arguments):
        about = "Compresses RUN's model: 'compressor=[a,b]', each made from the one before it."
        print(usage("compress RUN compressor=NAME [overrides]", about, FLAGS), end="")
        return 0
    given = parse(arguments, FLAGS)
    from pluglm.lifecycle.again import compress_again

    for evaluation in compress_again(given.words, quiet="quiet" in given.flags):
        print(f"{evaluation['stage']:<32} {evaluation['size_bytes'] / 1e6:8.2f} MB  {evaluation['latency_ms']:8.2f} ms")
    return 0
