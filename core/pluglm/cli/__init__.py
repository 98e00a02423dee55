"""The `pluglm` command: one module per verb."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress

TYPE_CHECKING = False  # as in pluglm/__init__.py
if TYPE_CHECKING:
    from types import FrameType


def help_text() -> str:
    """What `pluglm --help` prints."""
    from pluglm.cli.verb_table import known_verbs

    rows, catalog = known_verbs()
    width = max(len(name) for name, *_ in rows)
    lines = ["pluglm trains language models out of interchangeable parts.", ""]
    lines += ["usage: pluglm VERB [--flags] [family=technique] [key=value]", ""]
    for name, about, *_, owner in rows:
        lines.append(f"  {name.ljust(width)}  {about}" + (f"  [{owner}]" if owner else ""))
    lines += ["", "pluglm VERB --help says more. A first run: pluglm train"]
    for plugin in catalog.broken() if catalog else ():
        lines += ["", f"plugin {plugin.name!r} did not load: {plugin.error}"]
    return "\n".join([*lines, ""])


def main() -> None:
    """Run the command in sys.argv and exit: 0 success, 1 failed, 2 a mistake in the words, 3 bad data, 75 resumable."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal or a log cannot show is shown as a question mark; it is no reason to end a run.
        sys.stdout.reconfigure(errors="replace")
    arguments = sys.argv[1:]
    if arguments and arguments[0] not in ("-h", "--help", "help", "--version"):
        _heed_signals()
    code = _flushed(_guarded(arguments))
    if "RANK" in os.environ:
        # One process of several has done its work; torch's threads sometimes abort it while the interpreter is taken
        # down, and the launcher would take that for a failed run.
        with suppress(OSError, AttributeError):
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _heed_signals() -> None:
    # What help does not need is not imported before it.
    import signal
    import threading

    if "RANK" not in os.environ and threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, _terminated)


def _terminated(number: int, frame: FrameType | None) -> None:
    import signal

    from pluglm.errors import Terminated

    raise Terminated(signal.Signals(number).name)


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(help_text(), end="")
        return 0
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(version("pluglm"))
        return 0
    if arguments[0] == "complete":
        from pluglm.cli.complete import run

        return run(arguments[1:])
    from pluglm.cli.dispatch import run_verb
    from pluglm.cores import prefer_passive_waiting

    prefer_passive_waiting()
    return run_verb(arguments[0], arguments[1:])


def _guarded(arguments: list[str]) -> int:
    if progress := sys.modules.get("pluglm.progress"):
        progress.LOST.clear()
    try:
        return _run(arguments)
    except BrokenPipeError as error:
        _drop(error)
        return 0
    except KeyboardInterrupt:
        _complain(f"stopped by Ctrl-C{_nothing_lost(arguments)}")
        return 130
    except BaseException as error:
        return _told(error, arguments)


def _told(error: BaseException, arguments: list[str]) -> int:
    """Print an error that is meant for the user, and return its exit code; raise any other."""
    import signal

    from pluglm.errors import PluglmError, Terminated, explained, system_error

    if isinstance(error, PluglmError):
        rank = f"rank {os.environ['RANK']}: " if "RANK" in os.environ else ""
        for line in [*str(error).splitlines(), *getattr(error, "__notes__", ())]:
            _complain(f"{rank}{line}")
        return error.exit_code
    if isinstance(error, Terminated):
        _complain(f"stopped by {error.signal_name}{_nothing_lost(arguments)}")
        return 128 + signal.Signals[error.signal_name]
    refused = system_error(error) if isinstance(error, Exception) else None
    if refused is None:
        raise error
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
        _drop(error)
    return code or int(_lost())


def _output_fails() -> bool:
    """Whether it is standard output that cannot be written. The system does not say it of a file that is open, and
    Python keeps nothing of what it could not write where output is not buffered: a line end tells."""
    try:
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), b"\n")
    except (AttributeError, ValueError):
        return False
    except OSError as error:
        _drop(error)
        return True
    return False


def _complain(line: str) -> None:
    with suppress(OSError):
        print(f"pluglm: {line}", file=sys.stderr)


def _drop(error: OSError) -> None:
    from pluglm.progress import drop_output

    drop_output(error)


def _lost() -> bool:
    # Imported by whoever printed to a live line; help and version do without it.
    progress = sys.modules.get("pluglm.progress")
    return progress is not None and bool(progress.LOST)
