"""The model card: README.md beside the weights, the same for the same run wherever and whenever it is made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import yaml

from pluglm.formatting import format_number
from pluglm.reporting.html import page_environment, techniques
from pluglm.reporting.score_tables import interval_text
from pluglm.runs.run_data import RunData, read_json, read_run

TASKS = {
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "ForMaskedLM": "fill-mask",
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForMultipleChoice": "multiple-choice",
}
# Scores in these units tell about the machine, not about the model.
OF_THE_MACHINE = ("_ms", "_seconds", "_per_second")


def write_model_card(model_folder: Path, run_folder: Path, results: dict[str, Any]) -> None:
    """Write README.md into `model_folder`, from the files of the run and its `results`.

    It has no time, speed or absolute path: cards of equal runs are equal, byte for byte.
    """
    run = read_run(run_folder)
    architectures = read_json(model_folder / "config.json").get("architectures") or [run.architecture]
    architecture = str(architectures[0])
    stages = [e for e in results.get("evaluations") or [] if not str(e.get("stage", "")).startswith("compressor")]
    card = (
        page_environment()
        .get_template("model_card.md.jinja")
        .render(
            front=yaml.safe_dump(_front_matter(architecture), sort_keys=False),
            name=str(results.get("name") or run.name),
            architecture=architecture,
            task=_task(architecture),
            run=run,
            split=run.at_split(),
            steps=results.get("steps_done"),
            tokens=results.get("tokens"),
            parameters=stages[-1].get("parameters") if stages else None,
            losses=_losses(run),
            techniques=[
                (family, name, {key: _without_folders(value) for key, value in parameters.items()})
                for family, name, parameters in techniques(run.config)
                if family != "tracker"  # who looked on made nothing of the model
            ],
            scores=[_row(score) for score in stages[-1].get("scores") or [] if _of_the_model(score)] if stages else [],
        )
    )
    (model_folder / "README.md").write_text(card.strip() + "\n", encoding="utf-8", errors="replace")


def _front_matter(architecture: str) -> dict[str, Any]:
    front: dict[str, Any] = {"library_name": "transformers", "license": "other", "license_name": "unknown"}
    if _task(architecture):
        front["pipeline_tag"] = _task(architecture)
    return front | {"tags": ["pluglm"]}


def _task(architecture: str) -> str:
    return next((task for ending, task in TASKS.items() if architecture.endswith(ending)), "")


def _losses(run: RunData) -> list[tuple[str, int]]:
    """What was left out of the data, and how many of it, over all stations."""
    losses = []
    for station in run.stations:
        for kind in ("dropped", "quarantined"):
            losses += [
                (f"{station['station']}: {kind}, {reason.replace('_', ' ')}", n)
                for reason, n in (station.get(kind) or {}).items()
            ]
    return losses


def _without_folders(value: Any) -> Any:
    """Absolute paths cut to their last part, however deep they lie."""
    if isinstance(value, Mapping):
        return {key: _without_folders(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(part) for part in value]
    if isinstance(value, str) and (value.startswith("~") or "/" in value or "\\" in value):
        for kind in (PurePosixPath, PureWindowsPath):
            path = kind(value)
            if path.is_absolute() or value.startswith("~"):
                return path.name
    return value


def _of_the_model(score: Mapping[str, Any]) -> bool:
    return not str(score.get("name", "")).endswith(OF_THE_MACHINE)


def _row(score: Mapping[str, Any]) -> dict[str, str]:
    better = score.get("better", "")
    meaning = " ".join(str(score.get("meaning", "")).split()).rstrip(".")
    return {
        "name": f"{score.get('evaluator', '')}: {str(score.get('name', '')).replace('_', ' ')}"
        + (" (baseline)" if score.get("baseline") else ""),
        "value": format_number(score.get("value")),
        "interval": interval_text(score),
        "n": format_number(score["n"]) if score.get("n") else "",
        "meaning": "; ".join(part for part in (meaning, f"{better} is better" if better else "") if part),
    }
