"""All that can be said about several runs together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pluglm import ConfigError, Problem, comparable_losses, computed_keys
from pluglm_comparing.configurations import Configuration, Factor, baseline, configurations, factors
from pluglm_comparing.curves import Curve, curves
from pluglm_comparing.differences import SEED, Difference, differences
from pluglm_comparing.effects import Effects, effects
from pluglm_comparing.emergence import Emergence, emergences
from pluglm_comparing.figures import LATENCY, SIZE, Figure, Metric, figures, metrics, quality
from pluglm_comparing.ladder import Rung, ladder
from pluglm_comparing.members import LeftOut, Member, find_members
from pluglm_comparing.pareto import Front, fronts
from pluglm_comparing.repetition import Repetition, repetitions
from pluglm_comparing.scaling import Scaling, loss_metric, scalings
from pluglm_comparing.seeds import Change, Estimate, change, estimate, holm


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several runs, what differs between them, and what came of it.

    Attributes:
        members, figures, metrics: the finished runs, what came of each by name, and what those names mean.
        left_out: members that did not finish, with their reasons.
        differences: config keys that are not alike in all, with a value for each run.
        configurations, factors: runs alike in all but the seed, and what those differ in.
        baseline: the configuration that others are held against.
        quality: the figure by which they are ranked; None where nothing of what they have in common is better.
        order: positions of the configurations, the best first.
        means, changes: of each configuration, by figure: its estimate, and its change from the baseline; Holm's
            correction is over all configurations.
    """

    members: tuple[Member, ...]
    left_out: tuple[LeftOut, ...]
    differences: tuple[Difference, ...]
    figures: tuple[Mapping[str, Figure], ...]
    metrics: Mapping[str, Metric]
    configurations: tuple[Configuration, ...]
    factors: tuple[Factor, ...]
    baseline: int
    quality: Metric | None
    comparable: bool
    order: tuple[int, ...]
    means: tuple[Mapping[str, Estimate], ...]
    changes: tuple[Mapping[str, Change], ...]
    effects: Effects | None
    ladder: tuple[Rung, ...]
    fronts: tuple[Front, ...]
    validation_curves: tuple[Curve, ...]
    training_curves: tuple[Curve, ...]
    scalings: tuple[Scaling, ...]
    repetitions: tuple[Repetition, ...]
    emergences: tuple[Emergence, ...]

    @property
    def latency_matters(self) -> bool:
        """Whether the models could differ in latency; those alike in all differ by what else the machine did."""
        sizes = {own[SIZE].mean for own in self.means if SIZE in own}
        keys = {key.partition(".")[0] for factor in self.factors for key in factor.keys}
        return len(sizes) > 1 or bool(keys & {"model", "compressor"})

    def values(self, name: str) -> list[float | None]:
        """This figure of each run."""
        return [own[name].value if name in own else None for own in self.figures]


def compare(paths: Sequence[Path], metric: str | None = None) -> Comparison:
    """Compare all finished runs in these run folders, sweep folders, or folders of either. `metric` names the figure by
    which they are ranked: a score such as "bits_per_byte", or "validation_loss".

    Raises:
        ConfigError: without a finished run, or with a metric that no run has.
    """
    members, left_out = find_members(paths)
    if not members:
        raise ConfigError([too_few(0, left_out)])
    differing = tuple(differences([_chosen_keys(member) for member in members]))
    seeds = [member.run.config.get(SEED) for member in members]
    comparable = comparable_losses([row.key for row in differing], _same_tokenizers(members, seeds))
    found = [figures(member.run, comparable) for member in members]
    every = metrics(found)
    groups = configurations(differing, seeds, [member.name for member in members])
    apart = factors(groups)
    base = baseline(groups, apart)
    by_figure = {name: [own[name].value if name in own else None for own in found] for name in every}
    means = [
        {name: estimate([*by_seed.values()]) for name in every if (by_seed := one.by_seed(by_figure[name]))}
        for one in groups
    ]
    ranked_by = quality(found, metric, comparable)
    plain = [{name: one.mean for name, one in own.items()} for own in means]
    law = loss_metric(every, ranked_by, plain) if ranked_by else None
    made = Comparison(
        members=tuple(members),
        left_out=tuple(left_out),
        differences=differing,
        figures=tuple(found),
        metrics=every,
        configurations=tuple(groups),
        factors=tuple(apart),
        baseline=base,
        quality=ranked_by,
        comparable=comparable,
        order=_order(plain, ranked_by),
        means=tuple(means),
        changes=_changes(groups, by_figure, base),
        effects=effects(groups, apart, by_figure[ranked_by.name], base) if ranked_by and len(groups) > 1 else None,
        ladder=tuple(ladder(groups, apart, ranked_by, by_figure, base)) if ranked_by else (),
        fronts=tuple(fronts(members, groups, found, every, ranked_by)) if ranked_by and len(groups) > 1 else (),
        validation_curves=tuple(curves(members, left_out, groups, "validation")),
        training_curves=tuple(curves(members, left_out, groups, "train")),
        scalings=tuple(scalings(groups, apart, law, plain)) if law else (),
        repetitions=tuple(repetitions(groups, apart, law, plain)) if law else (),
        emergences=tuple(emergences(groups, apart, every, plain)),
    )
    timed = [front for front in made.fronts if made.latency_matters or front.cost.name != LATENCY]
    return replace(made, fronts=tuple(timed))


def _chosen_keys(member: Member) -> dict[str, Any]:
    """What of a run's config changes what it computes, without what the machine chose."""
    keys = computed_keys(member.run.config)
    return {key: value for key, value in keys.items() if key not in member.run.settled}


def too_few(finished: int, left_out: Sequence[LeftOut]) -> Problem:
    """That there are not enough finished runs to compare, and what became of the others."""
    others = "".join(f"; {one.name}: {one.status}" + f", {one.reason}" * bool(one.reason) for one in left_out)
    return Problem("compare", f"takes two finished runs at least; found {finished}{others}")


def _order(means: Sequence[Mapping[str, float]], by: Metric | None) -> tuple[int, ...]:
    """Configurations without the figure come last; where there is none, all stay as they are."""
    if by is None:
        return tuple(range(len(means)))
    known = [one for one, own in enumerate(means) if by.name in own]
    others = [one for one, own in enumerate(means) if by.name not in own]
    return (*sorted(known, key=lambda one: by.loss(means[one][by.name])), *others)


def _changes(
    groups: Sequence[Configuration], values: Mapping[str, Sequence[float | None]], base: int
) -> tuple[dict[str, Change], ...]:
    made: list[dict[str, Change]] = [{} for _ in groups]
    for name, by_run in values.items():
        first = groups[base].by_seed(by_run)
        several = [None if one == base else change(own.by_seed(by_run), first) for one, own in enumerate(groups)]
        for own, corrected in zip(made, holm(several), strict=True):
            if corrected is not None:
                own[name] = corrected
    return tuple(made)


def _same_tokenizers(members: Sequence[Member], seeds: Sequence[object]) -> bool:
    """Whether all runs of the same seed have the same tokenizer, byte for byte."""
    found: dict[object, set[str]] = {}
    for member, seed in zip(members, seeds, strict=True):
        path = member.folder / "model" / "tokenizer.json"
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else f"none: {member.name}"
        found.setdefault(seed, set()).add(digest)
    return all(len(digests) == 1 for digests in found.values())
