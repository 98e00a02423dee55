"""What a run will take, out of its config: nothing is prepared, and no weights are allocated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pluglm.files.digests import digest
from pluglm.planning.contributions import contributions
from pluglm.planning.fitting import Fitting, fitted
from pluglm.planning.hardware import Figures, figures_of, measured_peaks
from pluglm.planning.material import Material, material_of
from pluglm.planning.memory import Held, cache_bytes, held
from pluglm.planning.parameters import by_role
from pluglm.planning.price import priced
from pluglm.planning.scaling_laws import scaling_of
from pluglm.planning.storage_estimate import cached, storage_of
from pluglm.planning.tokens import ASSUMED_BATCH, Extent, extent_of
from pluglm.planning.work import Work, extended, work_of

if TYPE_CHECKING:
    from pluglm.batching.examples import Examples
    from pluglm.config.run_config import RunConfig
    from pluglm.corpus.prepared import Corpus
    from pluglm.planning.passes import Update


KEPT = 64
"""Rehearsals that are remembered."""
BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a rehearsal found out of a run."""

    parameters: dict[str, int]
    tensors: int
    weights: int
    gradients: int
    extra: int
    work: Work
    update: Update
    held: Held
    model_config: Any
    notes: tuple[str, ...]
    fitting: dict[str, Any]


def forecast(
    config: RunConfig, corpus: Corpus | None = None, examples: Examples | None = None, whole: bool = False
) -> dict[str, Any]:
    """The plan of a run before anything of it is done, as written to plan.json.

    Keys: `parameters` {all, trainable, and by role}, `steps`, `tokens`, `epochs`, `sources` (where examples are there),
    `flops` (of all forward and backward passes; `flops_exact` says whether to the last), `memory_bytes`, `peak_bytes`,
    `generation_bytes` (keys and values while the model writes), `storage_bytes` (the run folder), `cache_bytes` (what
    runs share), `hardware`, `seconds`, `energy_kwh`, `co2_kg`, `cost` (None where they are not known), `scaling`, and
    `notes`: what was taken for granted.

    With `whole`, also `parallelism` (which fits the hardware, and why others do not), `advice` (the nearest that fits)
    and `precisions`.
    """
    config, notes = settled(config)
    material = material_of(config, corpus, examples)
    extent = extent_of(material)
    figures = figures_of(config)
    rehearsed = rehearse(material, extent, figures) if whole else _remembered(material, extent)
    plan = plan_of(material, extent, figures, rehearsed, [*notes, *material.notes, *extent.notes])
    return plan | (precisions(material, extent, rehearsed) if whole else {})


def settled(config: RunConfig) -> tuple[RunConfig, list[str]]:
    """The config with an assumption where it leaves the batch size to be measured, and a line that says so."""
    if config.train.batch_size != "auto":
        return config, []

    note = f"train.batch_size=auto is measured when the run begins: {ASSUMED_BATCH} examples are planned"
    return config.with_train(batch_size=ASSUMED_BATCH), [note]


_KNOWN: dict[str, Rehearsed] = {}


def _remembered(material: Material, extent: Extent) -> Rehearsed:
    """What was rehearsed before in this process of a run that computes the same: members of a sweep often do."""
    config, kept = material.config, ("model", "objective", "regularizer", "debiaser", "compressor", "data", "tokenizer")
    optimizer = {k: v for k, v in config.resolved["optimizer"].items() if k not in ("lr", "weight_decay")}
    parts = [config.resolved[name] for name in kept] + [optimizer, config.train.model_dump(mode="json"), extent.steps]
    key = digest([*parts, len(material.tokenizer), material.examples and [material.examples.key, config.seed]])
    if key not in _KNOWN:
        if len(_KNOWN) >= KEPT:
            _KNOWN.pop(next(iter(_KNOWN)))
        _KNOWN[key] = rehearse(material, extent)
    return _KNOWN[key]


def rehearse(material: Material, extent: Extent, figures: Figures | None = None) -> Rehearsed:
    """Rehearse the steps of a run; without what techniques put around its loss where these cannot be rehearsed. With
    `figures`, find out which parallelisms fit these devices."""
    try:
        return _rehearsed(material, extent, figures, wrapped=True)
    except Exception as error:
        wrapping = list(material.config.acting_at("wrap_loss"))
        if not wrapping:
            raise
        found = _rehearsed(material, extent, figures, wrapped=False)
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        line = f"what {', '.join(wrapping)} add is not counted, since it cannot be computed without numbers: {reason}"
        return Rehearsed(**{name: getattr(found, name) for name in Rehearsed.__slots__} | {"notes": (line,)})


def _rehearsed(material: Material, extent: Extent, figures: Figures | None, wrapped: bool) -> Rehearsed:
    from pluglm.planning.rehearsal import rehearsal
    from pluglm.training.parameters import layer_stacks

    config = material.config
    shown = [material.batch(min(2, _size(config)), config.data.sequence_length)]
    inputs = (config, material.tokenizer, material.fitted, shown, material.documents, extent.steps)
    with rehearsal(*inputs, wrapped=wrapped) as rehearsed:
        work = work_of(material, rehearsed, extent)
        update = rehearsed.update()
        weights, gradients, extra = rehearsed.weights, rehearsed.gradients, rehearsed.extra
        sizes = [p.numel() * p.element_size() for p in rehearsed.module.parameters()]
        memory = held(config, extent.steps, sizes, gradients, extra, work.largest, update)
        roles = by_role(rehearsed.model)
        stacks = layer_stacks(rehearsed.model).values()
        inside = sum(p.numel() for stack in stacks for p in stack.parameters()) / max(1, roles["all"])
        fitting = Fitting(config, rehearsed.model, memory, inside)
        return Rehearsed(
            parameters=roles,
            tensors=sum(1 for _ in rehearsed.module.parameters()),
            weights=weights,
            gradients=gradients,
            extra=extra,
            work=work,
            update=update,
            held=memory,
            model_config=rehearsed.model.config,
            notes=(),
            fitting={} if figures is None else fitted(fitting, figures.memory),
        )


def _size(config: RunConfig) -> int:
    assert config.train.batch_size != "auto"
    return config.train.batch_size


def plan_of(
    material: Material, extent: Extent, figures: Figures, rehearsed: Rehearsed, notes: list[str]
) -> dict[str, Any]:
    """The plan, put together."""
    config, work, memory = material.config, rehearsed.work, rehearsed.held
    operations = work.operations + extent.steps * rehearsed.update.operations
    seconds = None if figures.speed is None else operations / figures.speed / config.hardware.count
    state = rehearsed.update.state
    storage = storage_of(config, extent.steps, rehearsed.weights, state, rehearsed.tensors, len(material.tokenizer))
    base = process_bytes()
    writes = config.objective.head in ("AutoModelForCausalLM", "AutoModelForSeq2SeqLM")
    length, texts = config.data.sequence_length, config.plan.generation_batch
    plan = {
        "parameters": rehearsed.parameters,
        "steps": extent.steps,
        "tokens": extent.tokens,
        "tokens_from": extent.source,
        "unique_tokens": extent.unique,
        "epochs": None if extent.epochs is None else round(extent.epochs, 3),
        "flops": operations,
        "flops_exact": work.exact and not rehearsed.notes,
        "flops_per_step": work.first_step + rehearsed.update.operations,
        "flops_of_a_step": None if work.counted_step is None else work.counted_step + rehearsed.update.operations,
        "memory_bytes": {**memory.as_dict(), "process": base},
        "peak_bytes": memory.resident + base if config.hardware.measured else memory.peak,
        "generation_bytes": cache_bytes(rehearsed.model_config, length, texts) if writes else None,
        "storage_bytes": storage,
        "cache_bytes": cached(material, extent.unique),
        "hardware": {
            "name": config.hardware.name,
            "count": config.hardware.count,
            "precision": figures.precision,
            "peak_flops": figures.peak,
            "memory_bytes": figures.memory,
            "speed": figures.speed,
            "speed_from": figures.source,
        },
        "seconds": None if seconds is None else round(seconds, 2),
        "scaling": scaling_of(operations, rehearsed.parameters["all"], extent.tokens, extent.unique),
        **rehearsed.fitting,
        "notes": [*notes, *work.notes, *rehearsed.notes, *figures.notes],
    }
    if material.examples is not None:
        account = material.examples.ledger["tokens"]["train"]
        passes = extent.tokens / max(1, extent.unique or 1)
        plan["sources"] = contributions(account, passes)
    return priced(config, plan)


def precisions(material: Material, extent: Extent, known: Rehearsed) -> dict[str, Any]:
    """`precisions`: of each number format that the hardware has, the most `bytes` of all tensors at once on one device,
    and the `seconds` of training on all."""

    config = material.config
    peaks = measured_peaks(config)[0] if config.hardware.measured else config.hardware.peak_flops
    found = {}
    working = {BYTES[figures_of(config).precision]: known.work.largest.working}
    for name in peaks:
        other = config.with_train(precision=name)
        width = BYTES[name]
        if width not in working:
            working[width] = _working(replace(material, config=other), known)
        speed = figures_of(other).speed
        operations = known.work.operations + extent.steps * known.update.operations
        seconds = None if speed is None else round(operations / speed / config.hardware.count, 2)
        lasting = known.held.peak - known.work.largest.working
        found[name] = {"bytes": lasting + working[width], "seconds": seconds}
    return {"precisions": found}


def _working(material: Material, known: Rehearsed) -> int:
    from pluglm.planning.rehearsal import rehearsal

    length = material.config.data.sequence_length
    batch = material.batch(known.work.size, length)
    inputs = (material.config, material.tokenizer, material.fitted, [batch], material.documents, 1)
    with rehearsal(*inputs, wrapped=not known.notes) as rehearsed:
        found, wanted = rehearsed.run(batch), _size(material.config)
        return extended(material, rehearsed, found, known.work.size, wanted, length).working


def process_bytes() -> int:
    """Bytes that this process takes without a model: the interpreter and its libraries."""
    import psutil

    return int(psutil.Process().memory_info().rss)
