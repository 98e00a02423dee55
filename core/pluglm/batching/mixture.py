"""How often each source's documents are seen in one pass over the training documents."""

from __future__ import annotations

from collections.abc import Mapping

import xxhash

from pluglm.config.settings import MixtureSettings
from pluglm.errors import DataError


def passes(mixture: MixtureSettings, sizes: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    """The passes over each source in one pass over the mixture, of which `sizes` has the documents and tokens.

    With shares w, a source of size n out of N in all is seen w N / n times: a pass is as long as all sources together.
    A temperature T makes shares of sizes, w ~ n^(1/T) (Conneau et al. 2020, https://arxiv.org/abs/1911.02116).

    Raises:
        DataError: where the only sources with a weight have no document left.
    """
    if mixture.epochs:
        return {source: mixture.epochs.get(source, 1.0) for source in sizes}
    if not mixture.weights and mixture.temperature == 1:
        return dict.fromkeys(sizes, 1.0)
    measured = {source: counts[mixture.unit] for source, counts in sizes.items() if counts[mixture.unit]}
    shares = dict(mixture.weights) or {source: size ** (1 / mixture.temperature) for source, size in measured.items()}
    total, whole = sum(shares.get(source, 0.0) for source in measured), sum(measured.values())
    if measured and not total:
        raise DataError(f"data.mixture.weights: 0 for all sources that have documents left: {', '.join(measured)}")
    return {
        source: shares.get(source, 0.0) / total * whole / measured[source] if source in measured else 1.0
        for source in sizes
    }


def copies(passes_of_source: float, source: str, document: str, seed: int) -> int:
    """How often a document stands in a pass: 1.5 passes have every document once and half of them again."""
    whole = int(passes_of_source)
    draw = xxhash.xxh3_64_intdigest(f"{seed}\0mixture\0{source}\0{document}".encode()) / 2**64
    return whole + (draw < passes_of_source - whole)
