"""A sweep from its words to its comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.config.identity import LOSS_DEFINED_BY, config_digest
from pluglm.config.run_config import RunConfig
from pluglm.errors import ConfigError, Problem
from pluglm.progress import Progress
from pluglm.sweeping import cost, record
from pluglm.sweeping.ending import say_end
from pluglm.sweeping.hydra_launchers import at_once
from pluglm.sweeping.line import Line, read_line
from pluglm.sweeping.members import Member, grid, invalid_lines, swept_keys
from pluglm.sweeping.running import SweepRun, sweep_digest
from pluglm.sweeping.sampling import sampled_choices, sampler_problems
from pluglm.training.signals import StopSignal

if TYPE_CHECKING:
    from rich.table import Table


def sweep(words: Sequence[str], config_dir: Path | None = None, quiet: bool = False, dry_run: bool = False) -> int:
    """Run every member that `words` make; a member that fails does not end the others. One comparison is written beside
    them. The same words again go on where they were. Returns 0 if every member was well.

    Args:
        dry_run: stop when all members are composed, validated and planned.

    Raises:
        ConfigError: before any member runs, with everything that is wrong.
        Interrupted: where the sweep was asked to stop; members that ran have written a checkpoint.
    """
    line = read_line(words, config_dir)
    with Progress(quiet) as progress:
        for note in line.notes:
            progress.say(note)
        known, config = _composed(line, progress)
        folder = _folder(line, known, config)
        # What has ended costs nothing more.
        plans = {} if line.is_sampled else record.plans_of_ended(folder)
        ahead = [one for one in known if one.config is not None and one.digest not in plans]
        with progress.task("Planning", total=len(ahead), unit="members") as task:
            by_seedless: dict[str, Mapping[str, Any]] = {}
            for one in ahead:
                assert one.config is not None
                # Members that differ in their seed alone take the same.
                key = config_digest({**one.config.resolved, "seed": None})
                if key not in by_seedless:
                    by_seedless[key] = cost.plan_of(one.config)
                plans[one.digest] = by_seedless[key]
                task.advance()
    if dry_run or (ahead and not quiet):
        _print(_costs(line, known, ahead, plans))
    if dry_run:
        return 0
    with record.only_sweep_in(folder), StopSignal() as stop:
        running = SweepRun(line, folder, known, config, plans, stop, quiet)
        running.to_the_end()
    return say_end(running.record, quiet)


def _composed(line: Line, progress: Progress) -> tuple[list[Member], RunConfig]:
    """The members, or what stands for them where a sampler proposes them later; and the config of the first that can
    run, for what is about the whole sweep."""
    with progress.task("Composing", unit="members") as task:

        def done(position: int, total: int) -> None:
            task.total = total
            task.advance()

        members = sampled_choices(line, done) if line.is_sampled else grid(line, done)
    problems = sampler_problems(line, members) if line.is_sampled else []
    wrong = [one for one in members if one.config is None]
    config = next((one.config for one in members if one.config is not None), None)
    if config is None or problems:
        raise ConfigError([*problems, *(invalid_lines(members) if config is None else [])])
    if wrong and not line.is_sampled and not config.sweep.skip_invalid:
        hint = "add sweep.skip_invalid=true to leave them out"
        verb = "cannot run" if len(wrong) > 1 else "of them cannot run"
        several = Problem(f"{len(wrong)} of {len(members)} members", verb, hint=hint)
        raise ConfigError([*invalid_lines(members), several])
    if config.sweep.pruning.enabled and (keys := set(swept_keys(line, members)) & set(LOSS_DEFINED_BY)):
        reason = f"compares losses, and those under another {' and '.join(sorted(keys))} cannot be compared"
        raise ConfigError([Problem("sweep.pruning.enabled", reason)])
    return members, config


def _folder(line: Line, members: Sequence[Member], config: RunConfig) -> Path:
    """The folder of this sweep: another set of members, or another way to draw them, has another."""
    if config.sweep.folder is not None:
        return config.sweep.folder.resolve()
    return (config.output.dir / "sweeps" / f"{config.name}-{sweep_digest(line, members, config.sweep)[:8]}").resolve()


def _costs(
    line: Line, members: Sequence[Member], ahead: Sequence[Member], plans: Mapping[str, Mapping[str, Any]]
) -> Table:
    together = at_once(line)
    if line.is_sampled:
        # What the sampler will propose is not known; each is as large as those that it can choose from, in the mean.
        trials = int(line.hydra.sweeper.get("n_trials") or len(ahead))
        drawn = [plans[ahead[i % len(ahead)].digest] for i in range(trials)]
        rows = [("", f"for instance {one.label}", plans[one.digest]) for one in ahead]
        return cost.cost_table(rows, cost.total(drawn, together), f"{trials} members, proposed one after the other")
    rows = [(f"{n:03}", one.label, plans[one.digest]) for n, one in enumerate(members) if one in ahead]
    wrong = sum(one.config is None for one in members)
    title = f"{len(ahead)} of {len(members)} members" if len(ahead) < len(members) else f"{len(ahead)} members"
    if finished := len(members) - wrong - len(ahead):
        title += f", {finished} finished before"
    if wrong:
        title += f", {wrong} left out that cannot run"
    return cost.cost_table(rows, cost.total([plans[one.digest] for one in ahead], together), title)


def _print(table: Table) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)
