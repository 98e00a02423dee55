"""Tables of pieces, made apart, to the one table that a split is trained or validated on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pluglm.batching.encode_documents import COPIES
from pluglm.batching.packing import BlockPacker, TokenAccount
from pluglm.batching.table import ExampleTable, TableWriter


def join(parts: Sequence[Path], folder: Path, length: int, packs: bool, account: TokenAccount) -> int:
    """Write the examples of all parts, in order, into `folder`, as blocks of `length` tokens where `packs`; how many.

    A pass over a mixture goes through the parts once with all pieces that stand in it, and again with those that stand
    in it twice, so that no document stands beside itself.
    """
    writer = TableWriter(folder)
    small = all(_most(table) < 2**16 for table in _opened(parts))
    dtype = "<u2" if small else "<u4"
    if packs:
        return _packed(parts, writer, length, dtype, account)
    columns = next((table.columns for table in _opened(parts)), {"input_ids": {"kind": "list"}})
    for name, column in columns.items():
        if name != COPIES:
            writer.declare(name, column["kind"], dtype if column["kind"] == "list" else column["dtype"])
    count = 0
    for table, chosen in _passes(parts):
        for name, column in table.columns.items():
            if name == COPIES:
                continue
            if column["kind"] == "list":
                writer.extend(name, *_lists(table, name, chosen))
            else:
                writer.extend(name, table.values[name] if chosen is None else table.values[name][chosen])
        count += len(table) if chosen is None else len(chosen)
    whole, used = _whole(parts), _used(parts)
    _count_mixture(whole, used, account)
    account.tokens_used += used - whole
    account.examples = count
    writer.close(count)
    return count


def _opened(parts: Sequence[Path]) -> Iterator[ExampleTable]:
    """The tables that have examples, one after the other: those that were read would fill the memory while they are
    mapped into it."""
    for part in parts:
        if len(table := ExampleTable(part)):
            yield table
        del table


def _packed(parts: Sequence[Path], writer: TableWriter, length: int, dtype: str, account: TokenAccount) -> int:
    weights = {float(weight) for table in _opened(parts) for weight in np.unique(table.values["weight"])}
    packer = BlockPacker(writer, length, dtype, account, weights.pop() if len(weights) == 1 else None)
    for table, chosen in _passes(parts):
        ids, lengths = _lists(table, "input_ids", chosen)
        packer.add(ids, lengths, table.values["weight"] if chosen is None else table.values["weight"][chosen])
    _count_mixture(_whole(parts), _used(parts), account)
    packer.close()
    return writer.examples


def _most(table: ExampleTable) -> int:
    lists = [table.values[name] for name, column in table.columns.items() if column["kind"] == "list"]
    return max((int(values.max()) for values in lists if len(values)), default=0)


def _passes(parts: Sequence[Path]) -> Iterator[tuple[ExampleTable, Any]]:
    """Each table with the pieces taken of it, None for all; again for those that are taken again."""
    most = max((int(t.values[COPIES].max()) if COPIES in t.columns else 1 for t in _opened(parts)), default=0)
    for taken in range(most):
        for table in _opened(parts):
            yield table, np.flatnonzero(table.values[COPIES] > taken) if COPIES in table.columns else None


def _lists(table: ExampleTable, name: str, chosen: Any) -> tuple[Any, Any]:
    offsets = np.asarray(table.offsets[name])
    if chosen is None:
        return table.values[name], np.diff(offsets)
    lengths = offsets[chosen + 1] - offsets[chosen]
    # For each number its place: where its list begins, and how far it stands in it.
    places = np.repeat(offsets[chosen] - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
    return table.values[name][places], lengths


def _whole(parts: Sequence[Path]) -> int:
    return sum(len(table.values["input_ids"]) for table in _opened(parts))


def _used(parts: Sequence[Path]) -> int:
    return sum(
        int((np.diff(t.offsets["input_ids"]) * t.values[COPIES]).sum())
        if COPIES in t.columns
        else len(t.values["input_ids"])
        for t in _opened(parts)
    )


def _count_mixture(whole: int, used: int, account: TokenAccount) -> None:
    # Of some sources tokens are left out while those of others are repeated: what counts is how many there are.
    if used > whole:
        account.repeated += used - whole
    elif used < whole:
        account.dropped["mixture"] += whole - used
