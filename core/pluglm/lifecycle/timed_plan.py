"""A plan with its time measured on this machine by training a few steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pluglm.errors import ConfigError, Problem
from pluglm.planning.forecast import forecast

if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig


def tried(config: RunConfig, quiet: bool) -> dict[str, Any]:
    """The plan of a run, with the time of all steps out of `plan.probe` of them.

    Raises:
        ConfigError: where the plan is for other hardware than this machine, or for several processes.
    """
    from pluglm.batching.examples import prepare_examples
    from pluglm.corpus.prepared import prepare_corpus
    from pluglm.lifecycle.probe import probe
    from pluglm.planning.hardware import remember
    from pluglm.planning.price import priced
    from pluglm.progress import Progress

    if not config.hardware.measured or config.hardware.count > 1:
        reason = f"trains on this machine, and hardware={config.hardware.name} x {config.hardware.count} is planned for"
        raise ConfigError([Problem("plan.probe", reason, config.plan.probe, "leave hardware out, or plan.probe at 0")])
    if config.parallelism.world_size() > 1:
        reason = f"trains in one process, and parallelism={config.parallelism.name} needs several"
        raise ConfigError([Problem("plan.probe", reason, config.plan.probe)])
    with Progress(quiet=quiet) as progress:
        corpus = prepare_corpus(config, progress)
        examples = prepare_examples(config, corpus, progress)
        plan = forecast(config, corpus, examples, whole=True)
        with progress.task(f"Trying {config.plan.probe} steps"):
            found = probe(config, corpus, examples)
    seconds = found.whole(config, plan["steps"])
    remember(config, plan["hardware"]["precision"], plan["flops_per_step"] / found.step)
    hardware = plan["hardware"] | {
        "speed": plan["flops_per_step"] / found.step,
        "speed_from": f"{config.plan.probe} steps that were tried",
    }
    return priced(config, {**plan, "seconds": round(seconds, 2), "hardware": hardware})
