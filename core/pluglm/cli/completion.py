"""`pluglm completion SHELL`: a script that makes the shell ask `pluglm complete`."""

from __future__ import annotations

from collections.abc import Iterable

from pluglm.errors import ConfigError, Problem
from pluglm.verbs import Arguments

# Bash splits words at `=` before completion sees them, so what it has split off is taken off the answers again.
SCRIPTS = {
    "bash": """_pluglm() {
    local IFS=$'\\n' line="${COMP_LINE:0:COMP_POINT}"
    local word="${line##*[[:space:]]}"
    local split="${word%"${word##*=}"}"
    COMPREPLY=($(pluglm complete "$line" 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]#"$split"}")
    compopt -o nospace
}
complete -F _pluglm pluglm
""",
    "zsh": """#compdef pluglm
_pluglm() {
    local -a found
    found=("${(@f)$(pluglm complete "$LBUFFER" 2>/dev/null)}")
    compadd -Q -S '' -- $found
}
compdef _pluglm pluglm
""",
    "fish": """complete -c pluglm -f -a '(pluglm complete (commandline -cp | string collect) 2>/dev/null)'
""",
}


def run(given: Arguments) -> int:
    '''Prints a completion script, e.g. for ~/.bashrc: eval "$(pluglm completion bash)"'''
    words = given.words
    if len(words) != 1 or words[0] not in SCRIPTS:
        raise ConfigError([Problem("completion", f"takes one of {', '.join(SCRIPTS)}", " ".join(words) or None)])
    print(SCRIPTS[words[0]], end="")
    return 0


def candidates() -> Iterable[str]:
    """The shells."""
    return SCRIPTS
