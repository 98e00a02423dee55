"""The `pluglm` command: one module per verb."""

from __future__ import annotations

import difflib
import importlib
import io
import os
import signal
import sys
import threading
from types import FrameType

VERBS = {
    "train": "run everything: prepare, train, evaluate, report (-m sweeps)",
    "check": "validate a config and stop",
    "plan": "say what a run will take, before it is spent",
    "find-lr": "try learning rates on a few steps and suggest one",
    "prepare": "make the corpus and the examples alone",
    "resume": "go on with a run that was stopped",
    "evaluate": "measure a finished run's model again",
    "compress": "compress a finished run's model",
    "generate": "continue a text with a run's model",
    "report": "write a run's report again",
    "compare": "compare runs",
    "cache": "list or prune what was prepared and is kept between runs",
    "list": "list techniques",
    "show": "show a technique's interface, parameters, documentation and source, or a recipe",
    "plugins": "list plugins, and what is wrong with broken ones",
    "hooks": "show what a plugin can implement",
    "new-plugin": "write a plugin package to start from",
    "completion": "print a shell's completion script",
}


def help_text() -> str:
    """What `pluglm --help` prints."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb.ljust(width)}  {text}" for verb, text in VERBS.items())
    return (
        "pluglm trains language models out of interchangeable parts.\n\n"
        f"usage: pluglm VERB [--flags] [family=technique] [key=value]\n\n{verbs}\n\n"
        "pluglm VERB --help says more. A first run: pluglm train\n"
    )


def main() -> None:
    """Run the command in sys.argv and exit: 0 well, 1 failed, 2 a mistake in the words, 3 bad data, 75 resumable."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(help_text(), end="")
        sys.exit(0)
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(version("pluglm"))
        sys.exit(0)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal or a log cannot show is shown as a question mark; it is no reason to end a run.
        sys.stdout.reconfigure(errors="replace")
    if "RANK" not in os.environ and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminated)
    verb, rest = arguments[0], arguments[1:]
    if verb not in VERBS and verb != "complete":
        close = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "see pluglm --help"
        print(f"pluglm: no such verb: {verb}; {hint}", file=sys.stderr)
        sys.exit(2)
    code = _guarded(verb, rest)
    if "RANK" in os.environ:
        # One process of several has done its work; torch's threads sometimes abort it while the interpreter is taken
        # down, and the launcher would take that for a failed run.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


class Terminated(BaseException):
    """SIGTERM, where nothing is under way that stops for it by itself: what is half made is removed."""


def _terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _guarded(verb: str, rest: list[str]) -> int:
    from pluglm.errors import PluglmError

    try:
        module = importlib.import_module(f"pluglm.cli.{verb.replace('-', '_')}")
        code: int = module.run(rest)
        return code
    except PluglmError as error:
        rank = f"rank {os.environ['RANK']}: " if "RANK" in os.environ else ""
        for line in str(error).splitlines():
            print(f"pluglm: {rank}{line}", file=sys.stderr)
        return error.exit_code
    except Terminated:
        print("pluglm: stopped by SIGTERM", file=sys.stderr)
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        print("pluglm: stopped by Ctrl-C", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
