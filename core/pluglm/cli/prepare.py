"""`pluglm prepare`: the corpus and the examples alone."""

from __future__ import annotations

import json
from typing import Any

from pluglm.cli.flags import CONFIG_DIR, QUIET, config_dir, tell_notes
from pluglm.verbs import Arguments, Flag

FLAGS = {"--inspect": Flag("show documents before and after each step")} | CONFIG_DIR | QUIET


def run(given: Arguments) -> int:
    """Makes the corpus and examples that train would use."""
    from pluglm.config.compose import compose

    config = compose(given.words, config_dir(given))
    tell_notes(config)
    from pluglm.corpus.prepared import prepared_corpus
    from pluglm.errors import DataError
    from pluglm.lifecycle.preparation import prepare

    try:
        folder = prepare(config, quiet="quiet" in given.flags)
    except DataError:
        # What the steps did is all the more to be seen where too little is left for an example.
        corpus = prepared_corpus(config) if "inspect" in given.flags else None
        if corpus is not None:
            _inspect(corpus.ledger)
        raise
    ledger = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
    if "inspect" in given.flags:
        _inspect(ledger["stations"])
    for station in ledger["stations"]:
        lost = {**station["dropped"], **station["quarantined"]}
        said = "".join(f"  {name} {station[name]}" for name in ("changed", "noted", "added") if station.get(name))
        if station.get("characters_added"):
            said += f" ({station['characters_added'] / station['characters_out']:.1%} of the text)"
        said += "".join(f"  {reason} {count}" for reason, count in lost.items())
        print(f"{station['station']:<28} read {station['read']:>8}  kept {station['kept']:>8}{said}")
    for split, tokens in ledger["tokens"].items():
        print(f"{split:<28} examples {tokens['examples']:>8}  tokens {tokens['tokens_used']:>10}")
    print(folder)
    return 0


def _inspect(stations: list[dict[str, Any]]) -> None:
    from rich.console import Console

    from pluglm.reporting.changes import shown_samples

    console = Console(highlight=False)
    for part in shown_samples(stations):
        console.print(part)
