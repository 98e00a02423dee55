"""Runs side by side: what differed in their configs, and what came of it."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.families import FAMILIES
from pluglm.reporting.html import environment
from pluglm.reporting.run_data import RunData, flatten, number, read_run, seconds, size

if TYPE_CHECKING:
    from rich.table import Table

# Where a run is kept, and what it was planned for, says nothing about it.
OF_NO_ACCOUNT = ("output.", "data.cache_dir", "plan.", "hardware.")
# Losses of runs that differ in any of these are not losses of the same thing.
OF_THE_LOSS = ("objective.", "tokenizer.", "source.", "preprocessor.", "data.")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing about all runs: `values` in their order, None where a run has none. `better` as in a score."""

    name: str
    values: tuple[Any, ...]
    better: str = ""

    def best(self) -> int | None:
        """The position of the best value; None where nothing is better, or all are equal."""
        found = [(value, i) for i, value in enumerate(self.values) if isinstance(value, int | float)]
        if self.better not in ("lower", "higher") or len({value for value, _ in found}) < 2:
            return None
        return (min if self.better == "lower" else max)(found, key=lambda pair: pair[0])[1]

    def shown(self) -> list[str]:
        """The values for people."""
        show = size if self.name.endswith("size_bytes") else seconds if self.name.endswith("seconds") else number
        return [_text(value) if not isinstance(value, int | float) else show(value) for value in self.values]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`runs`: their names, unique. `differences`: config keys that are not alike in all. `scores`: what came of it."""

    runs: tuple[str, ...]
    folders: tuple[Path, ...]
    differences: tuple[Row, ...]
    scores: tuple[Row, ...]

    def table(self) -> Table:
        """A Rich table, runs as columns, or as rows where they are many."""
        from rich.table import Table
        from rich.text import Text

        table = Table(title=f"{len(self.runs)} runs", title_justify="left")
        rows = [*self.differences, *self.scores]
        cells = [[Text(text) for text in row.shown()] for row in rows]
        for row, texts in zip(rows, cells, strict=True):
            best = row.best()
            if best is not None:
                texts[best] = Text(texts[best].plain + " *", style="bold green")
        if len(self.runs) > len(rows):
            table.add_column("run")
            for row in rows:
                table.add_column(Text(row.name))
            for run, *texts in zip(self.runs, *cells, strict=True):
                table.add_row(Text(run), *texts)
        else:
            table.add_column("")
            for run in self.runs:
                table.add_column(Text(run))
            for position, (row, texts) in enumerate(zip(rows, cells, strict=True)):
                table.add_row(Text(row.name), *texts, end_section=position == len(self.differences) - 1)
        return table

    def __str__(self) -> str:
        """The table as plain text, as wide as the terminal, or as it needs where there is none."""
        from rich.console import Console

        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 2000
        target = io.StringIO()
        Console(file=target, width=width, color_system=None).print(self.table())
        lines = [line.rstrip() for line in target.getvalue().splitlines()]
        return "\n".join([*lines, "* the best"] if any(row.best() is not None for row in self.scores) else lines)

    def csv(self) -> str:
        """One line for each run, under a line of names."""
        rows = [*self.differences, *self.scores]
        target = io.StringIO()
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["run", "folder", *(row.name for row in rows)])
        for i, (run, folder) in enumerate(zip(self.runs, self.folders, strict=True)):
            values = [row.values[i] for row in rows]
            writer.writerow([run, folder, *("" if v is None else v if _is_plain(v) else json.dumps(v) for v in values)])
        return target.getvalue()

    def json(self) -> str:
        """A list of runs, each with its config keys that differ, and its scores."""
        runs = [
            {
                "run": run,
                "folder": str(folder),
                "config": {row.name: row.values[i] for row in self.differences},
                "scores": {row.name: row.values[i] for row in self.scores},
            }
            for i, (run, folder) in enumerate(zip(self.runs, self.folders, strict=True))
        ]
        return json.dumps(runs, indent=1, default=str)


def compare(folders: Sequence[Path]) -> Comparison:
    """What differs in the configs of these runs, and only that, beside their scores."""
    runs = [read_run(folder) for folder in folders]
    configs = [_config(run) for run in runs]
    differing = tuple(_differences(configs))
    loss_differs = any(f"{row.name}.".startswith(OF_THE_LOSS) for row in differing)
    return Comparison(
        runs=tuple(_names(folders)),
        folders=tuple(folders),
        differences=differing,
        scores=tuple(_scores(runs, "" if loss_differs else "lower")),
    )


def write_comparison(folders: Sequence[Path], out: Path) -> Path:
    """Write a page of one file that compares these runs, and return its path."""
    found = compare(folders)
    links = [os.path.relpath(folder / "report.html", out.parent) for folder in folders]
    page = environment().get_template("comparison.html.jinja").render(comparison=found, links=links)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8", errors="replace")
    return out


def _config(run: RunData) -> dict[str, Any]:
    """Config keys and their values, and for each family its choice."""
    flat = {key: value for key, value in flatten(run.config).items() if value != {}}
    found = {key: value for key, value in flat.items() if not key.startswith(OF_NO_ACCOUNT)}
    for family, spec in FAMILIES.items():
        chosen = run.config.get(family)
        if isinstance(chosen, Mapping):
            found[family] = list(chosen) if spec.many else chosen.get("name")
    return found


def _differences(configs: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """What is not alike in all. A parameter of a technique that only some of the runs chose is told by the choice;
    where those differ among themselves in it, it is told too."""
    families = [family for family in FAMILIES if any(family in config for config in configs)]
    keys = dict.fromkeys([*families, *(key for config in configs for key in config)])
    for key in keys:
        values = tuple(config.get(key) for config in configs)
        family, _, rest = key.partition(".")
        if rest and family in FAMILIES:
            path = f"{family}.{rest.partition('.')[0]}.name" if FAMILIES[family].many else f"{family}.name"
            names = [config.get(path) for config in configs]
            same = [(name, value) for name, value in zip(names, values, strict=True) if name is not None]
            if key == path and not FAMILIES[family].many:
                continue
            if all(value == other for name, value in same for also, other in same if name == also):
                continue
        if any(value != values[0] for value in values):
            yield Row(key, values)


def _names(folders: Sequence[Path]) -> list[str]:
    """The folders without what they all begin with."""
    parts = [folder.absolute().parts for folder in folders]
    common = next((i for i, level in enumerate(zip(*parts, strict=False)) if len(set(level)) > 1), 0)
    return ["/".join(own[min(common, len(own) - 1) :]) for own in parts]


def _scores(runs: Sequence[RunData], better_loss: str) -> list[Row]:
    found: list[dict[str, tuple[Any, str]]] = []
    for run in runs:
        best = run.best_validation()
        own: dict[str, tuple[Any, str]] = {
            "steps": (run.results.get("steps_done"), ""),
            "tokens": (run.results.get("tokens"), ""),
            "training_seconds": (run.results.get("training_seconds"), ""),
            "validation loss": (run.validation[-1].get("loss") if run.validation else None, better_loss),
            "best validation loss": (best["loss"] if best else None, better_loss),
        }
        for prefix, stages in (("", run.model_stages()), ("compressed: ", run.compressed_stages())):
            for stage in stages[-1:]:
                for score in stage.get("scores") or []:
                    if not score.get("baseline"):
                        name = f"{prefix}{score.get('evaluator', '')}.{score.get('name', '')}"
                        own[name] = (score.get("value"), str(score.get("better", "")))
                for key in ("parameters", "size_bytes", "latency_ms"):
                    own[prefix + key] = (stage.get(key), "lower" if prefix else "")
        found.append(own)
    names = dict.fromkeys(name for own in found for name in own)
    rows = []
    for name in names:
        values = tuple(own.get(name, (None, ""))[0] for own in found)
        better = next((own[name][1] for own in found if name in own and own[name][1]), "")
        if any(value is not None for value in values):
            rows.append(Row(name, values, better))
    return rows


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _text(value: Any) -> str:
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)
