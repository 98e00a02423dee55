"""find_lr.html: the loss over the learning rate, on one page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pluglm.reporting.charts import Series, line_chart
from pluglm.reporting.html import page_environment


def write_page(found: Mapping[str, Any], path: Path) -> None:
    """Write the page of what `find_lr.json` holds."""
    rates, suggested = found["rates"], found["suggested"]
    chart = line_chart(
        "find-lr",
        "Loss by learning rate",
        [Series("smoothed", rates, found["smoothed"]), Series("each step", rates, found["losses"])],
        x_label="learning rate",
        marks=[] if suggested is None else [(suggested, f"{suggested:.2g}")],
        logarithmic=True,
    )
    page = page_environment().get_template("find_lr.html.jinja").render(found=found, chart=chart)
    path.write_text(page, encoding="utf-8")
