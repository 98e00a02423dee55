"""Charts as inline SVG whose colours are the page's, so that they follow its light or dark scheme."""

from __future__ import annotations

import io
import logging
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT = 460, 250
MOST_POINTS = 800


class ChartColours(NamedTuple):
    """Colours for `svg_chart`. matplotlib only takes colours: these stand in for the page's CSS variables, which are
    put in their place afterwards, so that a chart follows the light or dark scheme of its page.

    Attributes:
        text: labels and annotations.
        grid: lines in the background.
        other: whatever is not one of the series.
        series: eight colours that are told apart.
    """

    text: str
    grid: str
    other: str
    series: tuple[str, ...]


CHART_COLOURS = ChartColours(
    text="#010203",
    grid="#010204",
    other="#01020f",
    series=("#010205", "#010206", "#010207", "#010208", "#010209", "#01020a", "#01020b", "#01020c"),
)
TEXT, GRID, OTHER, SERIES = CHART_COLOURS
VARIABLES = {TEXT: "var(--muted)", GRID: "var(--line)", OTHER: "var(--other)"} | {
    colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, start=1)
}


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart: `x` and `y` of the same length. `dots` marks each point, for lines of few points."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    dots: bool = False


def line_chart(
    name: str,
    title: str,
    series: Sequence[Series],
    x_label: str = "step",
    marks: Sequence[tuple[float, str]] = (),
    from_zero: bool = False,
    until: float | None = None,
    logarithmic: bool = False,
) -> Markup:
    """An SVG element; `name` must be unique on the page. `marks`: vertical lines at an x, each with its label. `until`:
    how far the x axis goes at least. `logarithmic` is the x axis.

    The same arguments give the same text, byte for byte.
    """
    from matplotlib.ticker import MaxNLocator, NullLocator

    def draw(axes: Any) -> None:
        for colour, line in zip(SERIES, series, strict=False):
            x, y = thin(line.x), thin(line.y)
            marker = "o" if line.dots or len(x) == 1 else ""
            axes.plot(x, y, color=colour, label=line.label, linewidth=1.8, marker=marker, markersize=4)
        for place, (at, label) in enumerate(marks):
            axes.axvline(at, color=TEXT, linewidth=1, linestyle="--")
            where = axes.get_xaxis_transform()
            # One below the other, so that labels of neighbouring lines do not meet.
            room = until is not None and place == len(marks) - 1 and until - at > 0.25 * until
            side = "left" if room else "right"
            axes.text(at, 0.99 - 0.09 * place, f" {label} ", transform=where, color=TEXT, ha=side, va="top")
        if until is not None:
            axes.set_xlim(right=max(until, axes.get_xlim()[1]))
        if from_zero:
            axes.set_ylim(bottom=0)
        if logarithmic:
            axes.set_xscale("log")
            axes.xaxis.set_minor_locator(NullLocator())
        else:
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(x_label, color=TEXT)
        if len(series) > 1:
            axes.legend(frameon=False, labelcolor=TEXT, ncols=len(series), loc="lower left", bbox_to_anchor=(0, 1))

    return svg_chart(name, title, _told(series, marks), draw)


def svg_chart(name: str, title: str, description: str, draw: Callable[[Any], None]) -> Markup:
    """A chart as an SVG element to be put into a page. The same arguments give the same text, byte for byte.

    Args:
        name: an HTML identifier that no other chart of the page has.
        title, description: what is read to those who cannot see the chart.
        draw: draws on the axes of matplotlib that it is given, 460 × 250 points in size, with `CHART_COLOURS` alone.
    """
    # Where HOME cannot be written, it keeps its fonts in a temporary folder and says so at length.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    options = {"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 10, "axes.unicode_minus": True}
    with matplotlib.rc_context(options):
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), layout="constrained")
        axes = figure.add_subplot()
        for side, spine in axes.spines.items():
            spine.set_visible(side == "bottom")
            spine.set_color(GRID)
        axes.grid(axis="y", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(which="both", colors=TEXT, length=0)
        draw(axes)
        for axis in (axes.xaxis, axes.yaxis):
            axis.offsetText.set_color(TEXT)
        target = io.StringIO()
        figure.patch.set_visible(False)
        axes.patch.set_visible(False)
        FigureCanvasSVG(figure).print_svg(target, metadata={"Date": None})
    return _for_page(target.getvalue(), name, title, description)


def _for_page(svg: str, name: str, title: str, description: str) -> Markup:
    """Without what only a file of its own needs, with a title and the page's colours and font."""
    body = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    body = body.partition(">")[2]
    # Identifiers are shared by all charts of a page.
    body = re.sub(r'(id="|url\(#|xlink:href="#|href="#)', rf"\g<1>{name}-", body).replace("xlink:href", "href")
    body = re.sub(r"font: ([\d.]+px) [^;\"]+", r"font-size: \1", body)
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, variable)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
    )
    return Markup(head + body)


def _told(series: Sequence[Series], marks: Sequence[tuple[float, str]]) -> str:
    """What the lines do and where the marks are, for who cannot see it."""
    told = []
    for line in series:
        points = [(x, y) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
        if points:
            (x0, y0), (x1, y1) = points[0], points[-1]
            told.append(f"{line.label}: {y0:.4g} at {x0:g}, {y1:.4g} at {x1:g}")
    return "; ".join([*told, *(f"{label} at {at:g}" for at, label in marks)])


def thin(values: Sequence[float], most: int = MOST_POINTS) -> Sequence[float]:
    """At most so many of them, the last among them."""
    stride = math.ceil(len(values) / most) or 1
    return [*values[:-1:stride], values[-1]] if len(values) else values
