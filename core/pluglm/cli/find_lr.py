"""`pluglm find-lr`: at which learning rate the loss falls."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pluglm.cli.flags import CONFIG_DIR, JSON, config_dir, tell_notes
from pluglm.verbs import Arguments, Flag

if TYPE_CHECKING:
    from pluglm.lifecycle.find_lr_curve import RateCurve

ROWS = 12
FLAGS = {
    "--min": Flag("the lowest rate, of the first step (1e-6)", "RATE"),
    "--max": Flag("the highest rate (10)", "RATE"),
    "--steps": Flag("how many steps to take from one to the other (100)", "N"),
} | CONFIG_DIR | JSON  # fmt: skip


def run(given: Arguments) -> int:
    """Takes the words of train; trains a few steps at a rate that grows, and suggests an optimizer.lr."""
    lowest, highest = given.number("min", 1e-6), given.number("max", 10.0)
    steps = int(given.number("steps", 100, whole=True))
    from pluglm.config.compose import compose

    config = compose(given.words, config_dir(given))
    tell_notes(config)
    from pluglm.lifecycle.find_lr import find_lr
    from pluglm.progress import Progress

    with Progress(quiet="json" in given.flags) as progress:
        curve, folder = find_lr(config, lowest, highest, steps, progress)
    if "json" in given.flags:
        found = {"suggested": curve.suggested(), "steepest": curve.steepest(), "lowest": curve.lowest()}
        print(json.dumps(found | {"ended": curve.ended, "folder": str(folder)}, indent=1))
    else:
        print("\n".join([*table(curve), "", f"page        {folder / 'find_lr.html'}"]))
    return 0


def table(curve: RateCurve) -> list[str]:
    """A dozen of the rates with their losses, and what they speak for."""
    smooth = curve.smooth()
    picked = sorted({round(place * (len(smooth) - 1) / (ROWS - 1)) for place in range(ROWS)})
    lines = [f"{'rate':>10} {'loss':>9} {'smoothed':>9}"]
    lines += [f"{curve.rates[at]:>10.2e} {curve.losses[at]:>9.4f} {smooth[at]:>9.4f}" for at in picked]
    if curve.ended:
        lines += ["", f"ended       {curve.ended}"]
    suggested, steepest, lowest = curve.suggested(), curve.steepest(), curve.lowest()
    if suggested is None or steepest is None or lowest is None:
        return [*lines, "", "The loss did not fall at any of these rates: there is nothing to suggest."]
    return [
        *lines,
        "",
        f"steepest    {steepest:.2g}, where the loss falls fastest",
        f"lowest      {lowest:.2g}, where it is lowest",
        f"suggested   optimizer.lr={suggested:.2g}, the lower of the first and a tenth of the second",
    ]
