"""`pluglm compress RUN`: compress a finished run's model."""

from __future__ import annotations

from pluglm.cli.flags import QUIET
from pluglm.cli.folders import check_run
from pluglm.verbs import Arguments

FLAGS = QUIET


def run(given: Arguments) -> int:
    """Compresses RUN's model: 'compressor=[a,b]', each made from the one before it."""
    check_run("compress", given.words)
    from pluglm.lifecycle.again import compress_again

    for evaluation in compress_again(given.words, quiet="quiet" in given.flags):
        print(f"{evaluation['stage']:<32} {evaluation['size_bytes'] / 1e6:8.2f} MB  {evaluation['latency_ms']:8.2f} ms")
    return 0
