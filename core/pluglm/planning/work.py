"""The operations of all steps of a run, out of a few that are rehearsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pluglm.batching.examples import packs
from pluglm.batching.order import ExampleOrder, growing_sizes
from pluglm.families import Batch
from pluglm.planning.material import Material
from pluglm.planning.passes import Pass
from pluglm.planning.tokens import Extent, examples_per_step
from pluglm.training.counting import COUNTED_STEP

if TYPE_CHECKING:
    from pluglm.planning.rehearsal import Rehearsal

IGNORED = -100
"""What marks a position without a loss, as in `transformers`."""
LARGEST = 1 << 12
"""Tokens of a micro-batch that are rehearsed at most; what larger ones take is on a line through two smaller ones."""
MOST_REHEARSED = 4
"""Micro-batches of a step that are rehearsed one by one at most."""
COUNTED_STEPS = 4000
"""Steps whose lengths are looked at; of longer runs, so many evenly spread."""


@dataclass(frozen=True, slots=True)
class Work:
    """`operations` of the forward and backward passes of a run, and whether they are `exact`; `first_step`: those of a
    step of full examples, `counted_step` of the step that the run counts, exactly; `largest`: the pass of a whole
    micro-batch of full examples, of which `size` were rehearsed."""

    operations: int
    first_step: int
    counted_step: int | None
    exact: bool
    largest: Pass
    size: int
    notes: tuple[str, ...] = ()


def work_of(material: Material, rehearsed: Rehearsal, extent: Extent) -> Work:
    """Rehearse the micro-batches of a run, one of each kind."""
    config = material.config
    wanted = examples_per_step(config) // config.train.gradient_accumulation
    length = config.data.sequence_length
    if material.examples is not None:
        length = int(material.examples.train.lengths().max())
    size = max(1, min(wanted, LARGEST // length))
    batch = material.batch(size, length)
    largest = rehearsed.run(batch)
    each, notes, exact = _random_labels(material, rehearsed, batch, largest, length)
    if size < wanted:
        largest = extended(material, rehearsed, largest, size, wanted, length)
    total = _examples(config, extent.steps)
    widths = {value.shape[1] for value in batch.values() if getattr(value, "ndim", 0) == 2}
    uniform = packs(config) or material.examples is None
    if material.examples is not None and not uniform:
        exact = exact and len(widths) == 1 and extent.steps <= COUNTED_STEPS
        operations = _by_length(material, rehearsed, extent, size)
        if operations is None:
            operations, exact = each * total * float(material.examples.train.lengths().mean()) / length, False
    else:
        operations = each * total
        exact = exact and packs(config)
    if config.train.sequence_length_warmup:
        exact = False
        notes.append("while blocks are read in parts, attention takes less than is counted")
    step = round(each * examples_per_step(config))
    counted = _counted(material, rehearsed, exact, step)
    return Work(round(operations), step, counted, exact, largest, size, tuple(notes))


def _counted(material: Material, rehearsed: Rehearsal, exact: bool, step: int) -> int | None:
    if exact and not any((material.config.train.batch_size_warmup, material.config.train.sequence_length_warmup)):
        return step
    if material.config.train.gradient_accumulation > MOST_REHEARSED:
        return None
    batches = material.step(COUNTED_STEP - 1)
    return None if batches is None else sum(rehearsed.run(batch).operations for batch in batches)


def extended(material: Material, rehearsed: Rehearsal, found: Pass, size: int, wanted: int, length: int) -> Pass:
    """The pass of `wanted` examples, given that of `size`, after rehearsing that of another number."""
    if size == wanted:
        return found
    other = size // 2 if size > 1 else 2
    return _on_a_line(rehearsed.run(material.batch(other, length)), other, found, size, wanted)


def _on_a_line(one: Pass, few: int, two: Pass, many: int, wanted: int) -> Pass:
    """The pass of `wanted` examples, out of those of `few` and of `many`."""

    def line(first: float, second: float) -> int:
        return round(first + (second - first) * (wanted - few) / (many - few))

    found = {name: line(getattr(one, name), getattr(two, name)) for name in ("operations", "activations", "working")}
    scale = wanted / many
    return Pass(**found, logits=two.logits, blocks=tuple(round(scale * block) for block in two.blocks))


def _random_labels(
    material: Material, rehearsed: Rehearsal, batch: Batch, largest: Pass, length: int
) -> tuple[float, list[str], bool]:
    """Operations of an example: where it is drawn at random which positions have a loss, of the mean number of them."""
    size = len(batch["input_ids"])
    draws = [material.batch(size, length, seed) for seed in range(1, 9)]
    counts = [_ignored(batch), *(_ignored(other) for other in draws)]
    if len(set(counts)) == 1:
        return largest.operations / size, [], True
    other = max(draws, key=lambda draw: abs(_ignored(draw) - counts[0]))
    slope = (rehearsed.run(other).operations - largest.operations) / (_ignored(other) - counts[0])
    mean = largest.operations + slope * (float(np.mean(counts)) - counts[0])
    error = abs(slope) * float(np.std(counts)) / mean
    if error < 1e-9:
        return largest.operations / size, [], True
    return mean / size, [f"positions with a loss are drawn at random: operations of a batch vary by {error:.1%}"], False


def _ignored(batch: Batch) -> int:
    return sum(int((value == IGNORED).sum()) for value in batch.values() if hasattr(value, "ndim"))


def _examples(config: Any, steps: int) -> int:
    """Examples of all steps."""
    from pluglm.batching.steps import warmups

    per_step = examples_per_step(config)
    grown = growing_sizes(per_step, warmups(config, steps)[0])
    return sum(grown) + max(0, steps - len(grown)) * per_step


def _by_length(material: Material, rehearsed: Rehearsal, extent: Extent, size: int) -> float | None:
    """Operations where examples are padded to the longest of their micro-batch: those of an example are c0 + c1 n +
    c2 n^2 of that length n, found by rehearsing three lengths. None where all lengths are alike."""
    from pluglm.batching.steps import warmups

    assert material.examples is not None
    config, table = material.config, material.examples.train
    lengths = np.asarray(table.lengths())
    chosen = sorted({int(np.quantile(lengths, q)) for q in (0.0, 0.5, 1.0)})
    points = {}
    for wanted in chosen:
        batch = material.batch(1, wanted)
        points[batch["input_ids"].shape[1]] = rehearsed.run(batch).operations
    if len(points) < 3:
        return None
    places = np.array(sorted(points), float)
    fitted = np.polyfit(places, [points[int(place)] for place in places], 2)
    per_step = examples_per_step(config)
    micro = per_step // config.train.gradient_accumulation
    order = ExampleOrder(lengths, per_step, config.seed, warmups(config, extent.steps)[0])
    steps = range(extent.steps)
    looked = steps if len(steps) <= COUNTED_STEPS else np.linspace(0, len(steps) - 1, COUNTED_STEPS).astype(int)
    total = 0.0
    for step in looked:
        of_step = lengths[[index for _, index in order.step(int(step))]]
        for start in range(0, len(of_step), micro):
            part = of_step[start : start + micro]
            total += len(part) * float(np.polyval(fitted, part.max()))
    return total * len(steps) / len(looked)
