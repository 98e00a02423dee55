"""A plan for a person: a few lines before a run, all of it for `pluglm plan`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pluglm.formatting import format_seconds, format_size
from pluglm.planning.contributions import source_lines
from pluglm.planning.measured import beside

ROLES = {"embedding": "embedding", "attention": "attention", "feed_forward": "feed-forward", "norm": "norms"}
ROLES |= {"head": "head", "other": "other"}
KINDS = ("weights", "gradients", "optimizer", "activations", "other", "process")


def plan_lines(plan: Mapping[str, Any]) -> list[str]:
    """The few lines at the start of a run."""
    parameters = plan["parameters"]
    epochs = "" if plan["epochs"] is None else f", {plan['epochs']:.3g} epochs"
    lines = [
        f"parameters  {parameters['all']:,} ({parameters['trainable']:,} trained)",
        f"training    {plan['steps']:,} steps, {plan['tokens']:,} tokens{epochs}, "
        f"{plan['flops']:.3g} floating-point operations{_time(plan)}",
    ]
    if "peak_bytes" not in plan:
        return [*lines, *plan["notes"]]
    memory, storage = plan["memory_bytes"], plan["storage_bytes"]
    parts = ", ".join(f"{format_size(memory[kind])} {kind}" for kind in ("weights", "optimizer", "activations"))
    lines += [
        f"memory      {format_size(plan['peak_bytes'])}: {parts}",
        f"storage     {format_size(sum(storage.values()))} for the model, its checkpoints and records",
    ]
    if plan["cost"]:
        lines.append(_cost(plan))
    return [*lines, *source_lines(plan.get("sources", {}))]


def long_lines(plan: Mapping[str, Any]) -> list[str]:
    """All of a plan."""
    return [
        line for part in (_model, _training, _memory, _storage, _hardware, _parallelism, _notes) for line in part(plan)
    ]


def beside_lines(plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, planned and measured) of all that was both."""
    lines = []
    for name, planned, found in beside(plan):
        off = "exact" if planned == found else f"{planned / found - 1:+.1%}" if found else "–"
        what = name.removesuffix("_bytes").replace("_", " ")
        lines.append((f"{what}, planned / measured", f"{_shown(name, planned)} / {_shown(name, found)} ({off})"))
    return lines


def _model(plan: Mapping[str, Any]) -> Iterator[str]:
    parameters = plan["parameters"]
    roles = [f"{ROLES[name]} {parameters[name]:,}" for name in ROLES if parameters[name]]
    yield f"parameters   {parameters['all']:,} ({parameters['trainable']:,} trained): " + ", ".join(roles)


def _training(plan: Mapping[str, Any]) -> Iterator[str]:
    epochs = "" if plan["epochs"] is None else f", {plan['epochs']:.3g} epochs of {plan['unique_tokens']:,}"
    yield f"training     {plan['steps']:,} steps, {plan['tokens']:,} tokens (of {plan['tokens_from']}){epochs}"
    yield from source_lines(plan.get("sources", {}))
    exact = "exact" if plan["flops_exact"] else "about"
    yield f"operations   {exact} {plan['flops']:.4g} floating-point operations, {plan['flops_per_step']:.4g} a step"
    scaling = plan["scaling"]
    best, needed = scaling["optimal_parameters"], scaling["optimal_tokens"]
    yield (
        f"scaling      {scaling['tokens_per_parameter']:.3g} tokens per parameter; for as many operations the best is "
        f"{best:.3g} parameters on {needed:.3g} tokens (Hoffmann et al. 2022)"
    )
    if scaling.get("worth", 1) < 0.999:
        yield (
            f"repetition   {plan['epochs']:.3g} epochs are worth {scaling['effective_tokens']:,} new tokens, "
            f"{scaling['worth']:.0%} of those read (Muennighoff et al. 2023)"
        )


def _memory(plan: Mapping[str, Any]) -> Iterator[str]:
    memory = plan["memory_bytes"]
    parts = ", ".join(f"{kind} {format_size(memory[kind])}" for kind in KINDS if memory.get(kind))
    yield f"memory       {format_size(plan['peak_bytes'])} at most: {parts}" + (
        f"; logits {format_size(memory['logits'])} for a moment" if memory["logits"] else ""
    )
    if plan["generation_bytes"]:
        yield f"generation   {format_size(plan['generation_bytes'])} for keys and values while the model writes"


def _storage(plan: Mapping[str, Any]) -> Iterator[str]:
    stored, cached = plan["storage_bytes"], plan["cache_bytes"]
    own = ", ".join(f"{name} {format_size(value)}" for name, value in stored.items())
    kept = ", ".join(f"{name} {format_size(value)}" for name, value in cached.items())
    shared = f"; in the cache {kept}" if cached else ""
    yield f"storage      {format_size(sum(stored.values()))}: {own}{shared}"


def _hardware(plan: Mapping[str, Any]) -> Iterator[str]:
    hardware = plan["hardware"]
    peak = "" if hardware["peak_flops"] is None else f", peak {hardware['peak_flops'] / 1e12:,.4g} TFLOP/s"
    memory = "" if hardware["memory_bytes"] is None else f", {format_size(hardware['memory_bytes'])}"
    yield f"hardware     {hardware['count']} x {hardware['name']} in {hardware['precision']}{peak}{memory} each"
    if plan["seconds"] is not None:
        speed = hardware["speed"] / 1e12
        yield f"time         {format_seconds(plan['seconds'])} at {speed:,.3g} TFLOP/s each: {hardware['speed_from']}"
    else:
        yield "time         not known: the hardware's peak in this precision is not"
    if plan["energy_kwh"] is not None:
        yield f"energy       {plan['energy_kwh']:,.3g} kWh, {plan['co2_kg']:,.3g} kg of CO2"
    yield _cost(plan) if plan["cost"] else f"cost         no price for {hardware['name']}"


def _parallelism(plan: Mapping[str, Any]) -> Iterator[str]:
    for name, found in plan.get("parallelism", {}).items():
        verdict = "fits" if found["fits"] else "no"
        told = found["reason"] or f"{format_size(found['bytes'])} per device"
        yield f"  {verdict:<5} {name}: {told}"
    for precision, found in plan.get("precisions", {}).items():
        time = "" if found["seconds"] is None else f", {format_seconds(found['seconds'])} on all"
        yield f"  {precision}  {format_size(found['bytes'])} where one device holds everything{time}"
    if plan.get("advice"):
        yield f"instead      {plan['advice']}"


def _notes(plan: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"note         {note}" for note in plan["notes"])


def _time(plan: Mapping[str, Any]) -> str:
    return "" if plan["seconds"] is None else f", about {format_seconds(plan['seconds'])}"


def _cost(plan: Mapping[str, Any]) -> str:
    cost = plan["cost"]
    parts = ", ".join(f"{name} {amount:,.2f}" for name, amount in cost["parts"].items())
    priced = f", priced {cost['priced']}" if cost["priced"] else ""
    return f"cost         {cost['amount']:,.2f} {cost['currency']} ({parts}) on {cost['hardware']}{priced}"


def _shown(name: str, value: float) -> str:
    if name.endswith("bytes"):
        return format_size(value)
    return format_seconds(value) if name.endswith("seconds") else f"{value:,.6g}" if value >= 1e12 else f"{value:,}"
