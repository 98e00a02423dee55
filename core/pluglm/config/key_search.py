"""Where a key belongs that stands at the wrong place: one search over all keys of a config."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pluglm.catalog import Catalog
from pluglm.config.sections import SCALARS, SETTINGS
from pluglm.families import FAMILIES
from pluglm.recipes import GROUPS
from pluglm.suggestions import folded, look_alikes, nearest, nearest_name, squeezed
from pluglm.technique import parameters

NEAR = 0.8
MOST = 3
OF_LISTS = 3
OTHER_NAMES = {
    "learning_rate": "lr",
    "max_steps": "steps",
    "num_steps": "steps",
    "max_iters": "steps",
    "num_epochs": "epochs",
    "num_train_epochs": "epochs",
    "block_size": "sequence_length",
    "context_length": "sequence_length",
    "max_length": "sequence_length",
    "max_seq_length": "sequence_length",
    "per_device_train_batch_size": "batch_size",
    "grad_clip": "max_grad_norm",
    "gradient_clip_val": "max_grad_norm",
    "warmup_steps": "warmup",
    "mixed_precision": "precision",
    "dtype": "precision",
    "fp16": "precision",
    "bf16": "precision",
    "random_seed": "seed",
    "output_dir": "output.folder",
    "out_dir": "output.folder",
    "run_name": "name",
}
"""What other trainers call a key, and what it is called here."""
DEVICES = ("device", "devices", "gpu", "gpus", "cuda", "cpu", "use_cpu", "num_gpus", "n_gpu", "accelerator")
BY_THE_MACHINE = "; a device is not set: a GPU is used where there is one, and `parallelism` says how many processes"


def roots() -> list[str]:
    """What a key can begin with."""
    return list(dict.fromkeys([*SCALARS, *GROUPS, *FAMILIES, *SETTINGS]))


def all_keys(catalog: Catalog) -> Iterator[str]:
    """Every key that a config can have, those of the settings first; of families that take a list with the label that a
    technique has by default."""
    yield from roots()
    for section, settings in SETTINGS.items():
        yield from (f"{section}.{name}" for name, _ in parameters(settings))
        yield from (f"{section}.{name}" for name in settings.model_fields)
    for technique in catalog:
        many = FAMILIES[technique.family].many
        prefix = f"{technique.family}.{technique.name}" if many else technique.family
        yield from ([prefix] if many else [])
        yield from (f"{prefix}.{name}" for name, _ in parameters(technique))
        yield from (f"{prefix}.{name}" for name in technique.model_fields)


def elsewhere(key: str, catalog: Catalog) -> list[str]:
    """Keys that end as `key` does, by the longest such end: those of the same section or family, else of the settings,
    else parameters of families of which there is one, else of the others."""
    parts = [squeezed(part) for part in key.split(".")]
    last = folded(key.rpartition(".")[2])
    parts[-1] = squeezed(OTHER_NAMES.get(last, parts[-1]))
    known = {path: [squeezed(part) for part in path.split(".")] for path in all_keys(catalog)}
    for length in range(len(parts), 0, -1):
        found = [path for path, own in known.items() if own[-length:] == parts[-length:] and path != key]
        if found:
            first = min(map(_distance(key), found))
            return [path for path in found if _distance(key)(path) == first][:MOST]
    return [OTHER_NAMES[last]] if last in OTHER_NAMES else []


def _distance(key: str) -> Callable[[str], int]:
    def distance(path: str) -> int:
        root = path.partition(".")[0]
        if root == key.partition(".")[0]:
            return 0
        return 1 if root not in FAMILIES else OF_LISTS if FAMILIES[root].many else 2

    return distance


def where_else(key: str, catalog: Catalog) -> str:
    """`; did you mean data.sequence_length?` for a key whose first part is unknown."""
    first, last = key.split(".")[0], key.split(".")[-1]
    strange = look_alikes(key)
    if folded(first) in DEVICES:
        return BY_THE_MACHINE
    near = nearest_name(first, roots())
    if near and "." in key:
        return f"; did you mean {near!r}?{strange}"
    if found := elsewhere(key, catalog):
        return f"; did you mean {_either(found)}?{strange}"
    if near is None and (like := nearest_name(last, _ends(catalog), NEAR)):
        return f"; did you mean {_either(elsewhere(like, catalog) or [like])}?{strange}"
    return nearest(first, roots())


def unknown_key(where: str, fields: Sequence[str], catalog: Catalog) -> str:
    """The same for a key whose section or technique is known and has `fields`."""
    last = where.rpartition(".")[2]
    strange = look_alikes(last)
    same = [name for name in fields if squeezed(name) == squeezed(last)]
    if same:
        return f"; did you mean {same[0]!r}?{strange}"
    if folded(last) in DEVICES:
        return BY_THE_MACHINE
    found = elsewhere(where, catalog)
    local = nearest_name(last, fields, NEAR)
    if local and (not found or _distance(where)(found[0]) == OF_LISTS):
        return f"; did you mean {local!r}?{strange}"
    if found:
        return f"; did you mean {_either(found)}?{strange}"
    if nearest_name(last, fields) is None and (like := nearest_name(last, _ends(catalog), NEAR)):
        return f"; did you mean {_either(elsewhere(like, catalog) or [like])}?{strange}"
    return nearest(last, fields)


def _ends(catalog: Catalog) -> list[str]:
    return sorted({path.rpartition(".")[2] for path in all_keys(catalog)})


def _either(paths: Sequence[str]) -> str:
    return " or ".join(_typed(path) for path in paths)


def _typed(path: str) -> str:
    """A path of a technique of a list is what its family is set to."""
    family, _, name = path.partition(".")
    many = family in FAMILIES and FAMILIES[family].many
    return f"{family}=[{name}]" if many and name and "." not in name else path
