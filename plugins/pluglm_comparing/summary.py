"""What a person should know first, in a few sentences with figures."""

from __future__ import annotations

from collections.abc import Iterator

from pluglm import format_number
from pluglm_comparing.comparison import Comparison
from pluglm_comparing.figures import FLOPS, LATENCY, PER_BYTE, SECONDS, SIZE
from pluglm_comparing.seeds import Change, change, holm
from pluglm_comparing.wording import (
    estimate_text,
    fixed,
    p_text,
    several,
    size_text,
    value_text,
)

LEAST_SHARE = 0.01
# What is worth telling of something cheaper: it takes at most this share.
CHEAPER = 0.8


def sentences(found: Comparison) -> list[str]:
    """Which is best and by how much; whether that is beyond noise; what mattered most; what it costs."""
    if found.quality is None:
        best = ["Of nothing that all these runs were measured by lower or higher is better: choose one with --metric."]
    elif len(found.configurations) == 1:
        best = [_alone(found)]
    else:
        best = [_best(found), *_noise(found), *_mattered(found), *_costs(found)]
    return [*best, *_law(found), *_caution(found), *_missing(found)]


def nearest_to_best(found: Comparison) -> dict[int, Change | None]:
    """Of each other configuration: how much worse than the best it is, paired over seeds, with Holm's correction."""
    assert found.quality is not None
    metric, values = found.quality, found.values(found.quality.name)
    losses = [None if value is None else metric.loss(value) for value in values]
    best = found.configurations[found.order[0]].by_seed(losses)
    others = found.order[1:]
    behind = holm([change(found.configurations[one].by_seed(losses), best) for one in others])
    return dict(zip(others, behind, strict=True))


def _alone(found: Comparison) -> str:
    metric = found.quality
    assert metric is not None
    own = found.means[0][metric.name]
    runs = f"All {len(found.members)} runs are alike but for the seed" if len(found.members) > 1 else "One finished run"
    return f"{runs}: {metric.words} {estimate_text(metric, own)}."


def _best(found: Comparison) -> str:
    metric = found.quality
    assert metric is not None
    first, base = found.order[0], found.baseline
    own = found.means[first][metric.name]
    over = f" over {own.n} seeds" if own.n > 1 else ""
    direction = f"closest to {metric.target:g} is best" if metric.target is not None else f"{metric.better} is better"
    said = f"Best: {found.configurations[first].label}, {metric.words} {estimate_text(metric, own)}{over} ({direction})"
    if first == base:
        return f"{said}; it is the baseline, and no other is better."
    return f"{said}; {_ahead(found.changes[first].get(metric.name))} the baseline, {found.configurations[base].label}."


def _ahead(ahead: Change | None) -> str:
    if ahead is None:
        return "not measured in"
    if ahead.value == 0:
        return "as good as"
    return f"{size_text(ahead)} better than"


def _noise(found: Comparison) -> Iterator[str]:
    metric = found.quality
    assert metric is not None
    behind = {one: own for one, own in nearest_to_best(found).items() if own is not None}
    tested = {one: own for one, own in behind.items() if own.p is not None}
    if not tested:
        yield _one_seed(found)
        return
    close = [one for one, own in tested.items() if own.verdict("lower") in ("noise", "same")]
    names = [found.configurations[one].label for one in close]
    one, nearest = min(tested.items(), key=lambda pair: pair[1].value)
    test = f"{p_text(nearest.adjusted or 0.0)}, t-test over {nearest.n} "
    test += "shared seeds" if nearest.design == "paired" else "seeds each"
    label = found.configurations[one].label
    if one == found.baseline and len(names) < 2:
        # The first sentence has told by how much.
        yield f"That is {'within' if close else 'beyond'} the noise ({test})."
    elif close:
        which = f"{label} is" if len(names) > 1 else "it is"
        yield f"Within the noise of it: {several(names)}; {which} {size_text(nearest)} behind ({test})."
    else:
        yield f"The next, {label}, is {size_text(nearest)} behind, which is beyond the noise ({test})."
    if len(tested) < len(behind):
        yield f"{len(behind) - len(tested)} configurations have one seed: about them it cannot be told."


def _one_seed(found: Comparison) -> str:
    metric = found.quality
    assert metric is not None
    text = "One seed each: whether the difference is more than chance cannot be told; add seed=0,1,2 to the sweep."
    places = [found.configurations[place].runs[0] for place in found.order[:2]]
    # A validation loss has no interval; bits per byte of the same text have one.
    names = [metric.name, *(name for name in found.metrics if name.endswith(f".{PER_BYTE}"))]
    for name in names:
        one, other = (found.figures[run].get(name) for run in places)
        if (
            one is None
            or other is None
            or one.low is None
            or one.high is None
            or other.low is None
            or other.high is None
        ):
            continue
        apart = one.high < other.low or other.high < one.low
        held = "lie apart, so another choice of held-out text would not turn them round" if apart else "overlap"
        by = f"The intervals of {found.metrics[name].words} over held-out text of the first two {held}"
        return f"{text} {by}; another seed still might."
    return text


def _mattered(found: Comparison) -> Iterator[str]:
    metric, of = found.quality, found.effects
    assert metric is not None
    if of is None or len(of.effects) < 2:
        return
    top = of.effects[0]
    if of.balanced and top.share is not None:
        told = [effect for effect in of.effects[:2] if effect is top or (effect.share or 0.0) >= LEAST_SHARE]
        parts = [f"{effect.factor.name} explains {100 * (effect.share or 0.0):.0f} %" for effect in told]
        seeds = "" if of.seed_share is None else f", the seed {100 * of.seed_share:.0f} %"
        yield f"What mattered most: of the variation between runs {' and '.join(parts)}{seeds}."
        pair = of.outweighing
        if pair:
            both = f"{pair[0]} and {pair[1]}"
            yield f"But the combination of {both} explains {100 * pair[2]:.0f} %: neither can be judged alone."
    elif top.levels:
        best = min(top.levels, key=lambda level: metric.loss(level.mean))
        worst = max(top.levels, key=lambda level: metric.loss(level.mean))
        yield (
            f"What mattered most: {top.factor.name}, {value_text(metric, abs(worst.mean - best.mean))} between"
            f" {best.name} and {worst.name} with all else alike (not every combination was run)."
        )


def _costs(found: Comparison) -> Iterator[str]:
    metric = found.quality
    assert metric is not None
    first = found.order[0]
    own = found.means[first]
    names = (SIZE, LATENCY, SECONDS, FLOPS) if found.latency_matters else (SIZE, SECONDS, FLOPS)
    said = [value_text(found.metrics[name], own[name].mean) for name in names if name in own]
    if not said:
        return
    text = f"The best takes {', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else f"The best takes {said[0]}"
    for front in found.fronts:
        price = own[front.cost.name].mean if front.cost.name in own else 0.0
        named = front.cost.words if front.cost.name in (SIZE, FLOPS, SECONDS) else ""
        cheaper = [point for point in front.on_front() if point.cost <= CHEAPER * price]
        if named and cheaper:
            rival = min(cheaper, key=lambda point: front.quality.loss(point.quality))
            label = found.configurations[rival.configuration].label + f", {rival.stage}" * bool(rival.stage)
            text += f"; {label} has {front.quality.words} {value_text(front.quality, rival.quality)} at "
            text += f"{fixed(100 * rival.cost / price, 0)} % of the {named}"
            break
    yield text + "."


def _law(found: Comparison) -> Iterator[str]:
    for scaling in found.scalings[:1]:
        if scaling.law:
            parts = []
            for name, exponent in scaling.law.exponents.items():
                low, high = scaling.law.intervals[name]
                parts.append(f"{name} to the power −{exponent:.2f} [{low:.2f}, {high:.2f}]")
            yield f"The {scaling.metric.words} falls with {' and '.join(parts)}, towards {scaling.law.floor:.2f}."

    for repetition in found.repetitions[:1]:
        first, last = repetition.losses[0], repetition.losses[-1]
        most, least = (f"{repetition.epochs[place]:.3g}" for place in (-1, 0))
        by = f"{repetition.metric.words} {format_number(abs(last - first), 3)} {'higher' if last > first else 'lower'}"
        yield f"The same tokens in {most} epochs instead of {least} leave the {by}."


def _caution(found: Comparison) -> Iterator[str]:
    keys = {row.key.partition(".")[0] for row in found.differences}
    text = [family for family in ("source", "preprocessor") if family in keys]
    if text and found.quality is not None:
        yield (
            f"The {several(text)} differs, and the held-out text with it: what removes hard text looks better than it "
            f"is, unless {found.quality.words} is of text of its own."
        )
    if "objective" in keys:
        yield "The objective differs: scores of different objectives need not mean the same."


def _missing(found: Comparison) -> Iterator[str]:
    if found.left_out:
        by_status: dict[str, int] = {}
        for one in found.left_out:
            by_status[one.status] = by_status.get(one.status, 0) + 1
        counted = ", ".join(f"{count} {status}" for status, count in by_status.items())
        every = len(found.left_out) + len(found.members)
        yield f"{len(found.left_out)} of {every} members are not in this comparison: {counted}."
