"""The last lines of a run: what came of it, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pluglm.formatting import format_number, format_seconds, format_size
from pluglm.reporting.model_card import TASKS
from pluglm.reporting.score_tables import interval_text
from pluglm.runs.run_data import RunData, read_run

MOST_SCORES = 8
# Scores of so few things are left to the report, where their intervals show what they are worth.
FEW = 10
MOST_NOTES = 5


def summary_lines(folder: Path) -> list[str]:
    """A few lines for the terminal, from whatever the run folder holds."""
    run = read_run(folder)
    lines = ["", *_data(run), *_training(run), *_scores(run), *_stages(run)]
    notes = [str(note) for note in run.results.get("notes") or []]
    lines += [f"note         {note}" for note in notes[:MOST_NOTES]]
    if len(notes) > MOST_NOTES:
        lines.append(f"             {len(notes) - MOST_NOTES} more notes are in the report")
    return [*lines, "", *_next(run)]


def _data(run: RunData) -> list[str]:
    if not run.stations:
        return []
    split = run.at_split()
    kept = split.get("train", 0) + split.get("validation", 0) or run.stations[-1].get("kept", 0)
    lost = {
        kind: sum(n for station in run.stations for n in (station.get(kind) or {}).values())
        for kind in ("dropped", "quarantined")
    }
    said = ", ".join(f"{format_number(n)} {kind}" for kind, n in lost.items() if n)
    line = f"documents    {format_number(kept)} kept of {format_number(run.entered())}" + (f" ({said})" if said else "")
    if split:
        train, validation = format_number(split.get("train")), format_number(split.get("validation"))
        line += f"; {train} to train on, {validation} to validate"
    return [line]


def _training(run: RunData) -> list[str]:
    results, lines = run.results, []
    if results.get("steps_done") is not None:
        done, planned = format_number(results["steps_done"]), format_number(results.get("steps_planned"))
        line = f"training     {done} of {planned} steps"
        line += f", {format_number(results.get('tokens'))} tokens in {format_seconds(results.get('training_seconds'))}"
        lines.append(line + (f"; stopped: {results['stopped']}" if results.get("stopped") else ""))
    losses = [f"{format_number(run.train[-1].get('loss'))} in training"] if run.train else []
    best = run.best_validation()
    if best is not None:
        last = run.validation[-1]
        losses.append(f"{format_number(last.get('loss'))} in validation")
        if best["step"] != last["step"]:
            losses.append(f"{format_number(best['loss'])} at best, step {format_number(best['step'])}")
    return lines + ([f"loss         {', '.join(losses)} (nats)"] if losses else [])


def _scores(run: RunData) -> list[str]:
    stages = run.model_stages()
    scores = [s for s in stages[-1].get("scores") or [] if isinstance(s, dict)] if stages else []
    own = [score for score in scores if not score.get("baseline")]
    telling = [score for score in own if not 0 < (score.get("n") or 0) < FEW][:MOST_SCORES]
    lines = []
    for score in telling:
        interval = interval_text(score)
        line = f"{score.get('evaluator', ''):<12} {_name(score)} {format_number(score.get('value'))}"
        line += f" [{interval}]" if interval else ""
        line += f", {score['better']} is better" if score.get("better") else ""
        known = [f"{_name(s)} {format_number(s.get('value'))}" for s in scores if _is_yardstick(s, score)]
        lines.append(line + (f"; baseline: {', '.join(known)}" if known else ""))
    if len(own) > len(telling):
        lines.append(f"             {len(own) - len(telling)} more scores are in the report")
    return lines


def _stages(run: RunData) -> list[str]:
    lines = []
    before = run.model_stages()[-1:]
    for stage in run.compressed_stages():
        of, ms = format_size(stage.get("size_bytes")), format_number(stage.get("latency_ms"))
        line = f"{stage['stage']}: {of}, {ms} ms per example"
        if before:
            of, ms = format_size(before[0].get("size_bytes")), format_number(before[0].get("latency_ms"))
            line += f" (before: {of}, {ms} ms)"
        lines.append(line)
    return lines


def _next(run: RunData) -> list[str]:
    folder = shlex.quote(str(run.folder))
    tries = []
    if TASKS["ForCausalLM"] == next((t for end, t in TASKS.items() if run.architecture.endswith(end)), None):
        tries.append((f'pluglm generate {folder} "..."', "go on from a prompt"))
    if run.architecture and not run.compressed_stages():
        tries.append((f"pluglm compress {folder} compressor=NAME", "make it smaller; names: pluglm list compressor"))
    if run.results and run.results.get("steps_done") != run.results.get("steps_planned"):
        tries.append(("pluglm train ... train.steps=N", "train for longer or shorter"))
    if not run.results and run.config:
        tries.append((f"pluglm resume {folder}", "go on with this run"))
    tries.append(("pluglm list", "what else each part can be swapped for"))
    if run.results:
        tries.append((f"pluglm compare {folder} OTHER_RUN", "see what a change brought"))
    width = max(len(command) for command, _ in tries)
    lines = [f"  {command:<{width}}  {what}" for command, what in tries]
    return ["Next:", *lines, "", f"Report: {run.folder / 'report.html'}"]


def _name(score: Mapping[str, Any]) -> str:
    return str(score.get("name", "")).replace("_", " ")


def _is_yardstick(score: Mapping[str, Any], of: Mapping[str, Any]) -> bool:
    same = score.get("evaluator") == of.get("evaluator")
    return bool(score.get("baseline")) and same and str(of.get("name", "")) in str(score.get("name", ""))
