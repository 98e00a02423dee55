"""`pluglm hooks`: everything a plugin can implement."""

from __future__ import annotations

import json

from pluglm.cli.flags import JSON
from pluglm.cli.hook_reference import as_data, as_markdown, as_text, hooks
from pluglm.errors import ConfigError, Problem
from pluglm.suggestions import nearest
from pluglm.verbs import Arguments, Flag

FLAGS = JSON | {"--markdown": Flag("print docs/hooks.md")}


def run(given: Arguments) -> int:
    """Shows what a plugin can implement: signatures, what a hook is told, and since which version."""
    found = {hook.name: hook for hook in hooks()}
    unknown = [word for word in given.words if word not in found]
    if unknown:
        raise ConfigError([Problem(word, "no such hook" + nearest(word, found)) for word in unknown])
    chosen = [found[word] for word in given.words] or list(found.values())
    if "json" in given.flags:
        print(json.dumps([as_data(hook) for hook in chosen], indent=1))
    elif "markdown" in given.flags:
        print(as_markdown(chosen))
    else:
        print("\n\n".join(map(as_text, chosen)))
    return 0


def candidates() -> list[str]:
    """The names of the hooks."""
    return [hook.name for hook in hooks()]
