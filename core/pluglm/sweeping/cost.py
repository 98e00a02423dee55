"""What the members of a sweep will take, one by one and together, before the first of them runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pluglm.config.run_config import RunConfig
from pluglm.errors import PluglmError
from pluglm.formatting import format_number, format_seconds, format_size
from pluglm.planning.forecast import forecast

if TYPE_CHECKING:
    from rich.table import Table

UNKNOWN = "?"


def plan_of(config: RunConfig) -> dict[str, Any]:
    """The plan of a member; where it cannot be made, only `notes` that say why."""
    try:
        return forecast(config)
    except (PluglmError, OSError, ValueError) as error:
        return {"notes": [f"no plan can be made: {' '.join(str(error).split())}"]}


def total(plans: Sequence[Mapping[str, Any]], at_once: int = 1) -> dict[str, Any]:
    """All of them together. Tokens, operations, time, disk and money add up, time over `at_once` members that run side
    by side; memory is that of the largest members that run at once. A sum in which something is not known is None."""
    peaks = sorted((plan.get("peak_bytes") for plan in plans), key=lambda peak: peak or 0, reverse=True)
    spent = _sum(plan.get("seconds") for plan in plans)
    costs = [plan.get("cost") for plan in plans]
    known = [cost for cost in costs if cost]
    same = len(known) == len(costs) > 0 and len({cost["currency"] for cost in known}) == 1
    return {
        "tokens": _sum(plan.get("tokens") for plan in plans),
        "flops": _sum(plan.get("flops") for plan in plans),
        "seconds": None if spent is None else spent / max(1, min(at_once, len(plans))),
        "peak_bytes": _sum(peaks[:at_once]),
        "storage_bytes": {"all": _sum(_disk(plan) for plan in plans)},
        "cost": {**known[0], "amount": sum(cost["amount"] for cost in known)} if same else None,
    }


def cost_table(rows: Sequence[tuple[str, str, Mapping[str, Any]]], whole: Mapping[str, Any], title: str) -> Table:
    """A line for each member (its number, what it is, its plan), and one for all of them together."""
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=SIMPLE, show_footer=True, pad_edge=False)
    table.add_column("")
    table.add_column("member", footer="together")
    footers = _cells(whole)
    for name, footer in zip(
        ("parameters", "steps", "tokens", "FLOPs", "time", "memory", "disk"), footers, strict=False
    ):
        table.add_column(name, footer=footer, justify="right")
    priced = any(plan.get("cost") for _, _, plan in rows)
    if priced:
        table.add_column("cost", footer=_money(whole.get("cost")), justify="right")
    for name, label, plan in rows:
        cells = [*_cells(plan), *([_money(plan.get("cost"))] if priced else [])]
        table.add_row(name, Text(label), *cells)
    return table


def _cells(plan: Mapping[str, Any]) -> list[str]:
    parameters = plan.get("parameters") or {}
    flops = plan.get("flops")
    return [
        format_number(parameters["all"]) if "all" in parameters else "",
        format_number(plan["steps"]) if "steps" in plan else "",
        format_number(plan["tokens"]) if plan.get("tokens") is not None else UNKNOWN,
        f"{flops:.3g}" if flops is not None else UNKNOWN,
        _known(plan.get("seconds"), format_seconds),
        _known(plan.get("peak_bytes"), format_size),
        _known(_disk(plan), format_size),
    ]


def _known(value: Any, shown: Any) -> str:
    return UNKNOWN if value is None else str(shown(value))


def _money(cost: Mapping[str, Any] | None) -> str:
    return UNKNOWN if not cost else f"{cost['amount']:,.2f} {cost['currency']}"


def _disk(plan: Mapping[str, Any]) -> int | None:
    stored = plan.get("storage_bytes")
    return None if stored is None else _sum(stored.values())


def _sum(values: Any) -> Any:
    found = list(values)
    return None if any(value is None for value in found) else sum(found)
