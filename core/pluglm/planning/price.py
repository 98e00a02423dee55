"""Time, money, energy and carbon dioxide of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig

KWH = 3.6e6
"""Joules of a kilowatt-hour."""


def energy_kwh(config: RunConfig, seconds: float) -> float | None:
    """Power of all devices under load, and what the data centre takes on top, over the training; None where the power
    is not known."""
    hardware = config.hardware
    if hardware.power_watts is None:
        return None
    return hardware.power_watts * hardware.count * config.plan.power_usage_effectiveness * seconds / KWH


def carbon_kg(config: RunConfig, kwh: float) -> float:
    """Kilograms of CO2 of the energy."""
    return kwh * config.plan.carbon_intensity / 1000


def priced(config: RunConfig, plan: dict[str, Any]) -> dict[str, Any]:
    """The plan with the energy and the cost of its `seconds`."""
    seconds = plan["seconds"]
    energy = None if seconds is None else energy_kwh(config, seconds)
    return plan | {
        "energy_kwh": energy,
        "co2_kg": None if energy is None else carbon_kg(config, energy),
        "cost": cost_of(config, seconds, sum(plan["storage_bytes"].values())),
    }


def cost_of(config: RunConfig, seconds: float | None, stored_bytes: int) -> dict[str, Any] | None:
    """What the run costs: `amount`, `currency`, `hardware`, the date of its price (`priced`) and the `parts` that add
    up. None where no price is known, or no time."""
    hardware, plan = config.hardware, config.plan
    parts: dict[str, float] = {}
    hours = None if seconds is None else seconds * hardware.count / 3600
    if hours is not None and hardware.price_per_hour is not None:
        parts["hardware"] = hours * hardware.price_per_hour
    elif seconds is not None and plan.electricity_price is not None and hardware.power_watts is not None:
        parts["electricity"] = (energy_kwh(config, seconds) or 0.0) * plan.electricity_price
    if plan.engineer_hours and plan.engineer_rate:
        parts["engineers"] = plan.engineer_hours * plan.engineer_rate
    if not parts:
        return None
    parts["storage"] = stored_bytes / 1e9 * plan.storage_price * plan.storage_months
    return {
        "amount": round(sum(parts.values()), 4),
        "currency": hardware.currency,
        "hardware": f"{hardware.count} x {hardware.name}",
        "priced": hardware.price_date,
        "parts": {name: round(amount, 4) for name, amount in parts.items()},
    }
