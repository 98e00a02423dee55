"""The charts of a comparison. A configuration has one colour and dash in all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pluglm import CHART_COLOURS, format_seconds, svg_chart
from pluglm_comparing.curves import AXES, Curve
from pluglm_comparing.emergence import Emergence
from pluglm_comparing.figures import FLOPS, PARAMETERS, TOKENS, Metric
from pluglm_comparing.pareto import Front
from pluglm_comparing.repetition import Repetition
from pluglm_comparing.scaling import Scaling
from pluglm_comparing.wording import value_text

TEXT, GRID, OTHER, SERIES = CHART_COLOURS
# With more lines than this, the best few are coloured and the others grey.
MOST_COLOURED = 8
MOST_POINTS = 160
DASHES = ((), (5, 2))
# What is cut off at the top of a chart of losses: the fall of the first steps, beside which all else looks alike.
FIRST_STEPS = 0.15
NAMES = {FLOPS: "floating-point operations", PARAMETERS: "parameters", TOKENS: "tokens"}


@dataclass(frozen=True, slots=True)
class Style:
    """How a configuration is drawn: `number` of its colour (0 for grey) and its `dash`, () for a whole line."""

    number: int
    dash: tuple[float, ...] = ()

    @property
    def colour(self) -> str:
        """The colour that stands in for the page's."""
        return SERIES[self.number - 1] if self.number else OTHER

    @property
    def swatch(self) -> Markup:
        """A short line drawn like it, for a legend."""
        colour = f"--series-{self.number}" if self.number else "--other"
        dash = f' stroke-dasharray="{" ".join(f"{2 * length:g}" for length in self.dash)}"' if self.dash else ""
        return Markup(
            f'<svg class="swatch" viewBox="0 0 28 10" aria-hidden="true"><line x1="1" x2="27" y1="5" y2="5" '
            f'stroke="var({colour})" stroke-width="3"{dash}/></svg>'
        )


def styles(order: Sequence[int], base: int) -> dict[int, Style]:
    """A style for each configuration: all coloured where they are few; else the best and the baseline."""
    coloured = [*order[:MOST_COLOURED]]
    if len(order) > MOST_COLOURED and base not in coloured:
        coloured[-1] = base
    half = MOST_COLOURED // 2
    made = {one: Style(place + 1, DASHES[place // half]) for place, one in enumerate(coloured)}
    return {one: made.get(one, Style(0)) for one in order}


def curve_chart(name: str, title: str, curves: Sequence[Curve], axis: str, drawn_as: Mapping[int, Style]) -> Markup:
    """Losses over an axis. The first steps' fall may leave the chart at its top."""
    grey = Style(0)
    lines = [(curve, drawn_as.get(curve.configuration, grey) if curve.configuration is not None else grey)
             for curve in curves if axis in curve.x]  # fmt: skip

    def draw(axes: Any) -> None:
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        for curve, style in sorted(lines, key=lambda line: -line[1].number if line[1].number else -99):
            x, y = _thin(curve.x[axis]), _thin(curve.y)
            width = 1.8 if style.number else 1.0
            line_style: Any = (0, style.dash) if style.dash else (0, (1, 1.5)) if curve.configuration is None else "-"
            marker = "o" if len(x) == 1 else ""
            axes.plot(x, y, color=style.colour, linewidth=width, linestyle=line_style, marker=marker, markersize=4)
            if curve.seeds > 1 and style.number:
                low, high = _thin(curve.low), _thin(curve.high)
                axes.fill_between(x, low, high, color=style.colour, alpha=0.16, linewidth=0)
        leading = [curve for curve, style in lines if style.number] or [curve for curve, _ in lines]
        late = [y for curve in leading for y in curve.high[int(FIRST_STEPS * len(curve.high)) :]]
        lowest = min(y for curve in leading for y in curve.low)
        if late and max(late) > lowest:
            room = 0.06 * (max(late) - lowest)
            axes.set_ylim(lowest - room, max(late) + room)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _place(axis, value)))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(AXES[axis], color=TEXT)

    told = "; ".join(f"{curve.label}: {curve.y[-1]:.4g} at {curve.x[axis][-1]:.4g}" for curve, _ in lines[:12])
    return svg_chart(name, title, told, draw)


def front_chart(name: str, front: Front, labels: Sequence[str], drawn_as: Mapping[int, Style]) -> Markup:
    """Quality over cost; the points of the front are joined and numbered in their order."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    def draw(axes: Any) -> None:
        best = front.on_front()
        axes.plot([point.cost for point in best], [point.quality for point in best], color=GRID, linewidth=6, zorder=1,
                  solid_capstyle="round")  # fmt: skip
        for point in front.points:
            style, size = drawn_as[point.configuration], 90 if point.front else 26
            marker = "s" if point.stage else "o"
            axes.scatter(
                [point.cost], [point.quality], s=size, color=style.colour, marker=marker, zorder=3, linewidths=0
            )
        for number, point in enumerate(best, start=1):
            axes.annotate(str(number), (point.cost, point.quality), xytext=(0, 8), textcoords="offset points",
                          color=TEXT, ha="center", fontsize=9)  # fmt: skip
        _log_where_wide(axes, [point.cost for point in front.points])
        axes.margins(x=0.08, y=0.18)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: value_text(front.cost, value)))
        if axes.get_xscale() == "linear":
            axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(front.cost.words, color=TEXT)
        axes.set_ylabel(front.quality.words, color=TEXT)

    told = "; ".join(f"{labels[p.configuration]}: {p.quality:.4g} at {p.cost:.4g}" for p in front.on_front())
    return svg_chart(name, f"{front.quality.words} by {front.cost.words}", f"On the front: {told}", draw)


def law_chart(name: str, scaling: Scaling, variable: str) -> Markup:
    """Losses over one variable, both axes logarithmic, with the law where there is one: one line for each value of the
    other variable."""
    import numpy as np

    other = next((one for one in scaling.at if one != variable), None)
    values: list[float | None] = [*sorted(set(scaling.at[other]))] if other else [None]

    def draw(axes: Any) -> None:
        for place, value in enumerate(values):
            rows = [row for row in range(len(scaling.losses)) if other is None or scaling.at[other][row] == value]
            colour = SERIES[place] if len(values) <= len(SERIES) else SERIES[0]
            x = [scaling.at[variable][row] for row in rows]
            label = value_text(Metric(other, ""), value) + f" {NAMES[other]}" if other and value is not None else None
            axes.scatter(x, [scaling.losses[row] for row in rows], s=26, color=colour, label=label, zorder=3)
            if scaling.law:
                grid = np.geomspace(min(scaling.at[variable]), max(scaling.at[variable]), 60)
                fixed = {other: value} if other and value is not None else {}
                fitted = [scaling.law.predict({variable: float(at), **fixed}) for at in grid]
                axes.plot(grid, fitted, color=colour, linewidth=1.4)
        axes.set_xscale("log")
        axes.set_yscale("log")
        _few_ticks(axes, scaling.losses)
        axes.set_xlabel(NAMES[variable], color=TEXT)
        axes.set_ylabel(scaling.metric.words, color=TEXT)
        if other and len(values) <= 4:
            axes.legend(frameon=False, labelcolor=TEXT, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), fontsize=8)

    pairs = zip(scaling.at[variable], scaling.losses, strict=True)
    return svg_chart(
        name, f"{scaling.metric.words} by {NAMES[variable]}", "; ".join(f"{y:.4g} at {x:g}" for x, y in pairs), draw
    )


def repetition_chart(name: str, repetition: Repetition) -> Markup:
    """The loss over epochs, and what the paper's form says."""
    import numpy as np

    def draw(axes: Any) -> None:
        grid = [float(at) for at in np.geomspace(max(1.0, repetition.epochs[0]), repetition.epochs[-1], 60)]
        predicted = [repetition.predicted(at) for at in grid]
        if predicted[0] is not None:
            axes.plot(grid, predicted, color=SERIES[1], linewidth=1.6, linestyle=(0, DASHES[1]), label="predicted")
        axes.plot(repetition.epochs, repetition.losses, color=SERIES[0], marker="o", markersize=4, label="measured")
        axes.set_xscale("log")
        ticks = sorted({float(f"{at:.2g}") for at in repetition.epochs})
        axes.set_xticks(ticks, [f"{at:g}" for at in ticks], minor=False)
        axes.set_xticks([], minor=True)
        axes.set_xlabel("epochs", color=TEXT)
        axes.legend(frameon=False, labelcolor=TEXT, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))

    pairs = zip(repetition.epochs, repetition.losses, strict=True)
    return svg_chart(
        name, f"{repetition.metric.words} by epochs", "; ".join(f"{y:.4g} after {x:g}" for x, y in pairs), draw
    )


def emergence_chart(name: str, found: Emergence, place: int) -> Markup:
    """One of the two scores over the scale."""
    metric, values = found.metrics[place], found.values[place]

    def draw(axes: Any) -> None:
        axes.plot(found.at, values, color=SERIES[place], marker="o", markersize=4, linewidth=1.8)
        axes.set_xscale("log")
        axes.set_xlabel(NAMES[found.axis], color=TEXT)
        axes.set_ylabel(metric.words, color=TEXT)

    pairs = zip(found.at, values, strict=True)
    return svg_chart(
        name, f"{metric.words} by {NAMES[found.axis]}", "; ".join(f"{y:.4g} at {x:g}" for x, y in pairs), draw
    )


def _place(axis: str, value: float) -> str:
    """A place on an axis, short."""
    if axis == "seconds":
        return format_seconds(value) if value >= 10 else f"{value:g} s"
    for power, unit in ((18, "E"), (15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if abs(value) >= 10**power:
            return f"{value / 10**power:g} {unit}"
    return f"{value:g}"


def _thin(values: Sequence[float]) -> Sequence[float]:
    """At most `MOST_POINTS` of them, the last among them."""
    stride = math.ceil(len(values) / MOST_POINTS) or 1
    return [*values[:-1:stride], values[-1]] if len(values) else values


def _log_where_wide(axes: Any, values: Sequence[float]) -> None:
    if min(values) > 0 and max(values) > 20 * min(values):
        from matplotlib.ticker import NullLocator

        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())


def _few_ticks(axes: Any, losses: Sequence[float]) -> None:
    """Plain numbers on a logarithmic axis that spans less than a decade."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    if max(losses) < 10 * min(losses):
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
