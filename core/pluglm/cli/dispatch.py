"""From the words of a command line to the verb that runs: its module, its help, its flags."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast

from pluglm.built_in_verbs import VERBS
from pluglm.cli.flags import parse, usage, wants_help
from pluglm.errors import ConfigError, PluglmError, Problem
from pluglm.verbs import Arguments, Flag, Verb


def run_verb(name: str, words: Sequence[str]) -> int:
    """Run a verb, or print its help, and return the exit code.

    Raises:
        PluglmError: where there is no such verb, its module cannot be imported, the words are wrong, or it fails.
    """
    verb = find_verb(name)
    module = module_of(verb)
    if wants_help(words):
        epilog = module.epilog() if hasattr(module, "epilog") else ""
        about = inspect.getdoc(module.run) or verb.help
        print(usage(f"{verb.name} {verb.usage}".strip(), about, flags_of(module)) + (epilog and f"\n{epilog}"), end="")
        return 0
    given: Arguments = parse(words, flags_of(module))
    if given.words and not verb.takes:
        raise ConfigError([Problem(verb.name, "takes no words besides flags", " ".join(given.words))])
    code = module.run(given)
    if not isinstance(code, int):
        raise PluglmError(f"{verb.module}.run returned {code!r}, which is not an exit code")
    return code


def find_verb(name: str) -> Verb:
    """The verb of this name. Those of the core need no plugin, and no plugin can take their place.

    Raises:
        ConfigError: where there is none, or two plugins bring one each.
    """
    for verb in VERBS:
        if verb.name == name:
            return verb
    from pluglm.cli.verb_table import known_verbs

    rows, catalog = known_verbs()
    dispute = catalog.dispute("verb", name) if catalog else None
    if catalog and dispute:
        raise ConfigError([Problem(name, dispute, hint=catalog.way_out("verb", name))])
    for known, about, module, line, takes, _ in rows:
        if known == name:
            return Verb(name, about, module, line, cast(Any, tuple(takes.split())))
    close = get_close_matches(name, [row[0] for row in rows], n=1)
    hint = f"did you mean {close[0]!r}?" if close else "see pluglm --help"
    broken = catalog.broken() if catalog else []
    reasons = ["no such verb", *(f"plugin {plugin.name!r} did not load: {plugin.error}" for plugin in broken)]
    if os.environ.get("PLUGLM_PLUGINS") is not None:
        reasons.append(f"PLUGLM_PLUGINS={os.environ['PLUGLM_PLUGINS']} leaves out the verbs of other plugins")
    raise ConfigError([Problem(name, "; ".join(reasons), hint=hint)])


def module_of(verb: Verb) -> Any:
    """The module that implements a verb.

    Raises:
        ConfigError: where it cannot be imported, or has no `run`.
    """
    try:
        module = importlib.import_module(verb.module)
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError([Problem(verb.name, f"{verb.module} cannot be imported: {said}")]) from error
    if not callable(getattr(module, "run", None)):
        raise ConfigError([Problem(verb.name, f"{verb.module} has no function run(given)")])
    return module


def flags_of(module: Any) -> Mapping[str, Flag]:
    """The flags of a verb, by name with dashes."""
    return cast(Mapping[str, Flag], getattr(module, "FLAGS", {}))
