"""The verbs that come with the core, registered by the hook that plugins use. No PLUGLM_PLUGINS leaves them out.

The catalog marks the hook's implementation: pluggy is not imported here, because verbs that need no plugin must start
without it."""

from __future__ import annotations

from pluglm.verbs import Verb

OVERRIDES = "[--flags] [overrides]"
VERBS = (
    Verb(
        "train",
        "run everything: prepare, train, evaluate, report (-m sweeps)",
        "pluglm.cli.train",
        OVERRIDES,
        ("overrides",),
    ),
    Verb("check", "validate a config and stop", "pluglm.cli.check", OVERRIDES, ("overrides",)),
    Verb("plan", "say what a run will take, before it is spent", "pluglm.cli.plan", OVERRIDES, ("overrides",)),
    Verb(
        "find-lr", "try learning rates on a few steps and suggest one", "pluglm.cli.find_lr", OVERRIDES, ("overrides",)
    ),
    Verb("prepare", "make the corpus and the examples alone", "pluglm.cli.prepare", OVERRIDES, ("overrides",)),
    Verb("resume", "go on with a run that was stopped", "pluglm.cli.resume", "RUN", ("runs",)),
    Verb(
        "evaluate",
        "measure a finished run's model again",
        "pluglm.cli.evaluate",
        "RUN [overrides]",
        ("runs", "overrides"),
    ),
    Verb(
        "compress",
        "compress a finished run's model",
        "pluglm.cli.compress",
        "RUN compressor=NAME [overrides]",
        ("runs", "overrides"),
    ),
    Verb("generate", "continue a text with a run's model", "pluglm.cli.generate", "RUN [PROMPT]", ("runs",)),
    Verb("report", "write a run's report again", "pluglm.cli.report", "RUN", ("runs",)),
    Verb(
        "cache",
        "list or prune what was prepared and is kept between runs",
        "pluglm.cli.cache",
        "list | prune",
        ("own",),
    ),
    Verb("list", "list techniques", "pluglm.cli.list", "[FAMILY|GROUP]", ("own",)),
    Verb(
        "show",
        "show a technique's interface, parameters, documentation and source, or a recipe",
        "pluglm.cli.show",
        "FAMILY=NAME",
        ("own",),
    ),
    Verb("plugins", "list plugins, and what is wrong with broken ones", "pluglm.cli.plugins"),
    Verb("hooks", "show what a plugin can implement", "pluglm.cli.hooks", "[HOOK...]", ("own",)),
    Verb("new-plugin", "write a plugin package to start from", "pluglm.cli.new_plugin", "NAME", ("own",)),
    Verb("completion", "print a shell's completion script", "pluglm.cli.completion", "bash|zsh|fish", ("own",)),
)


def register_verbs() -> tuple[Verb, ...]:
    """All of them, in the order of `pluglm --help`."""
    return VERBS
