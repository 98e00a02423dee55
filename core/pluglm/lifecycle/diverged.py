"""Explain a divergence: the documents of the step and the last checkpoint before it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from pluglm.errors import Diverged
from pluglm.lifecycle.assemble import Assembly
from pluglm.training.checkpoint import newest_valid

SHOWN = 5
SNIPPET = 80  # characters by which a document is found again
SEARCHED = 1_000_000  # documents


def explained_divergence(problem: Diverged, assembly: Assembly, folder: Path) -> Diverged:
    """The same with the documents of the step and the last checkpoint, which is from before it."""
    path, _ = newest_valid(folder / "checkpoints")
    before = f"the last good checkpoint is {path}" if path else "there is no checkpoint yet"
    documents = documents_of_step(assembly, problem.step)
    named = ", ".join(documents[:SHOWN]) + (f" and {len(documents) - SHOWN} more" if len(documents) > SHOWN else "")
    step = f"; its documents: {named}" if documents else ""
    hint = "a lower optimizer.lr, a longer schedule.warmup or a lower train.max_grad_norm may help"
    return Diverged(f"{problem}{step}; {before}; {hint}", problem.step)


def documents_of_step(assembly: Assembly, step: int) -> list[str]:
    """The ids of documents that the examples of a step, counted from 0, were made of, found by their text. Those whose
    text the tokenizer does not give back are left out."""
    tokenizer, loader = assembly.examples.tokenizer, assembly.loader
    snippets: set[str] = set()
    for _, index in loader.order().step(step):
        text = tokenizer.decode(loader.train[index]["input_ids"])
        for special in sorted(tokenizer.all_special_tokens, key=len, reverse=True):
            text = text.replace(special, "\0")
        snippets |= {part[:SNIPPET] for part in text.split("\0") if len(part) >= SNIPPET // 4}
    found = []
    for document in islice(assembly.corpus.train(), SEARCHED):
        inside = {snippet for snippet in snippets if snippet in document.text}
        if inside:
            found.append(document.id)
            snippets -= inside
        if not snippets:
            break
    return found
