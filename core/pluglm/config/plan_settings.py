"""Settings of plans: what a run is planned for, which changes nothing of the run itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from pluglm.config.settings import Settings

Number = Literal["fp32", "bf16", "fp16"]


class PlanSettings(Settings):
    """What a plan takes for granted."""

    utilisation: Annotated[
        float | None,
        Field(gt=0, le=1, description="Share of the hardware's peak that training reaches; null for what is known"),
    ] = None
    probe: Annotated[
        int, Field(ge=0, le=1000, description="Steps trained here, to measure their time: `pluglm plan plan.probe=10`")
    ] = 0
    generation_batch: Annotated[
        int,
        Field(ge=1, description="Texts written at once by the trained model, for the memory of their keys and values"),
    ] = 1
    engineer_hours: Annotated[float, Field(ge=0, description="Hours of people's work on the run")] = 0.0
    engineer_rate: Annotated[float, Field(ge=0, description="Price of such an hour, in the hardware's currency")] = 0.0
    electricity_price: Annotated[
        float | None, Field(ge=0, description="Price of a kWh, where the hardware is your own; null where it is rented")
    ] = None
    carbon_intensity: Annotated[
        float, Field(ge=0, description="Grams of CO2 for a kWh; 436 was the world's mean in 2022 (Ember 2023)")
    ] = 436.0
    power_usage_effectiveness: Annotated[
        float, Field(ge=1, description="Power of the whole data centre for each watt of its computers")
    ] = 1.2
    storage_price: Annotated[
        float, Field(ge=0, description="Price of keeping a GB for a month, in the hardware's currency")
    ] = 0.023
    storage_months: Annotated[float, Field(ge=0, description="How long what the run leaves is kept")] = 1.0


class HardwareSettings(Settings):
    """A device to train on, and how many there are. Those that ship are in `conf/hardware/`; figures are for one device
    and without sparsity."""

    name: Annotated[str, Field(description="What it is called")] = "this_machine"
    count: Annotated[int, Field(ge=1, description="How many devices there are")] = 1
    per_node: Annotated[int, Field(ge=1, description="How many are joined by the fast interconnect")] = 1
    peak_flops: Annotated[
        Mapping[Number, Annotated[float, Field(gt=0)]],
        Field(description="Peak operations per second of matrix products by number format; empty to measure them here"),
    ] = {}
    memory_gb: Annotated[float | None, Field(gt=0, description="Memory, in 10^9 bytes; null for this machine's")] = None
    memory_bandwidth_gbs: Annotated[float | None, Field(gt=0, description="10^9 bytes per second from memory")] = None
    interconnect_gbs: Annotated[
        float | None, Field(gt=0, description="10^9 bytes per second to the other devices, both ways together")
    ] = None
    power_watts: Annotated[float | None, Field(gt=0, description="Power under load")] = None
    utilisation: Annotated[
        float, Field(gt=0, le=1, description="Share of the peak that training usually reaches on it")
    ] = 0.4
    price_per_hour: Annotated[float | None, Field(ge=0, description="Rent of one device; null where none is known")] = (
        None
    )
    currency: Annotated[str, Field(min_length=3, max_length=3, description="Of all prices")] = "USD"
    price_date: Annotated[str | None, Field(description="When the price was read, as YYYY-MM-DD")] = None
    price_source: Annotated[str | None, Field(description="Where the price was read")] = None
    source: Annotated[str | None, Field(description="Where the other figures were read")] = None
    utilisation_source: Annotated[str | None, Field(description="Where the utilisation was read")] = None

    @property
    def measured(self) -> bool:
        """Whether it is this machine, whose figures are measured."""
        return not self.peak_flops
