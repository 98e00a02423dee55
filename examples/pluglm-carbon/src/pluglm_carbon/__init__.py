"""The energy and the carbon dioxide of a run, as a section of its report."""

from __future__ import annotations

from collections.abc import Iterator

from pluglm import ReportChart, ReportSection, ReportStarted, ReportTable, hookimpl
from pluglm_carbon.footprint import grid, seconds_at


@hookimpl
def report_sections(event: ReportStarted) -> Iterator[ReportSection]:
    """The footprint, once there is a training to speak of."""
    if not event.train or "seconds" not in event.train[-1]:
        return
    at = grid()
    training = float(event.results.get("training_seconds") or event.train[-1]["seconds"])
    rows = [["training", training, at.watt_hours(training), at.grams(training)]]
    if total := event.results.get("total_seconds"):
        rows.append(["everything, with preparing and evaluating", total, at.watt_hours(total), at.grams(total)])
    if tokens := event.train[-1].get("tokens"):
        each = training / float(tokens) * 1e6
        rows.append(["a million tokens of training", each, at.watt_hours(each), at.grams(each)])
    said = (
        f"At {at.watts:g} W, {at.intensity:g} g of CO2 for a kWh, and {at.overhead:g} W of the building for each watt."
    )
    if at.assumed:
        said += f" Assumed, because nobody said: {', '.join(at.assumed)}."
    yield ReportSection(
        title="Energy and carbon",
        paragraphs=[said],
        table=ReportTable(["of", "seconds", "Wh", "g CO2"], rows),
        charts=list(_charts(event)),
    )


def _charts(event: ReportStarted) -> Iterator[ReportChart]:
    lines = [line for line in event.validation if isinstance(line.get("loss"), int | float)]
    if len(lines) > 1:
        grams = [grid().grams(second) for second in seconds_at(event.train, [line["step"] for line in lines])]
        losses = [float(line["loss"]) for line in lines]
        yield ReportChart("Validation loss (nats)", {"validation": (grams, losses)}, x_label="g CO2")
