"""The `pluglm` command: one module per verb."""

from __future__ import annotations

import difflib
import importlib
import io
import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

from pluglm.errors import ConfigError, PluglmError, Problem, Terminated, explained, system_error
from pluglm.forkserver import prefer_passive_waiting
from pluglm.progress import LOST, drop_output

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
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal or a log cannot show is shown as a question mark; it is no reason to end a run.
        sys.stdout.reconfigure(errors="replace")
    if "RANK" not in os.environ and threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, _terminated)
    code = _flushed(_guarded(sys.argv[1:]))
    if "RANK" in os.environ:
        # One process of several has done its work; torch's threads sometimes abort it while the interpreter is taken
        # down, and the launcher would take that for a failed run.
        with suppress(OSError, AttributeError):
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated(signal.Signals(number).name)


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(help_text(), end="")
        return 0
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(version("pluglm"))
        return 0
    verb, rest = arguments[0], arguments[1:]
    if verb not in VERBS and verb != "complete":
        close = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "see pluglm --help"
        raise ConfigError([Problem("no such verb", f"{verb}; {hint}")])
    prefer_passive_waiting()
    code: int = importlib.import_module(f"pluglm.cli.{verb.replace('-', '_')}").run(rest)
    return code


def _guarded(arguments: list[str]) -> int:
    LOST.clear()
    try:
        return _run(arguments)
    except PluglmError as error:
        rank = f"rank {os.environ['RANK']}: " if "RANK" in os.environ else ""
        for line in [*str(error).splitlines(), *getattr(error, "__notes__", ())]:
            _complain(f"{rank}{line}")
        return error.exit_code
    except Terminated as error:
        _complain(f"stopped by {error.signal_name}{_nothing_lost(arguments)}")
        return 128 + signal.Signals[error.signal_name]
    except KeyboardInterrupt:
        _complain(f"stopped by Ctrl-C{_nothing_lost(arguments)}")
        return 130
    except BrokenPipeError as error:
        drop_output(error)
        return 0
    except Exception as error:
        refused = system_error(error)
        if refused is None:
            raise
        if refused.filename is None and _output_fails():
            return 1
        told = explained(refused, "a file", "the same command")
        _complain(str(told))
        return told.exit_code


def _nothing_lost(arguments: list[str]) -> str:
    if arguments[:1] not in (["train"], ["prepare"], ["resume"], ["find-lr"]):
        return ""
    return " before anything was begun; nothing is lost: begin again with the same command"


def _flushed(code: int) -> int:
    """The exit code once everything that was printed is written; 1 where that cannot be, instead of 0."""
    try:
        sys.stdout.flush()
    except (AttributeError, ValueError):
        # It is closed.
        return code
    except OSError as error:
        drop_output(error)
    return code or int(bool(LOST))


def _output_fails() -> bool:
    """Whether it is standard output that cannot be written. The system does not say it of a file that is open, and
    Python keeps nothing of what it could not write where output is not buffered: a line end tells."""
    try:
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), b"\n")
    except (AttributeError, ValueError):
        return False
    except OSError as error:
        drop_output(error)
        return True
    return False


def _complain(line: str) -> None:
    with suppress(OSError):
        print(f"pluglm: {line}", file=sys.stderr)
