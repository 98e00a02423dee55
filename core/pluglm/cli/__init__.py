"""The `pluglm` command: one module per verb."""

from __future__ import annotations

import io
import os
import sys

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
    """Run the command in sys.argv and exit: 0 well, 1 failed, 2 a mistake in the words, 3 bad data, 75 resumable."""
    arguments = sys.argv[1:]
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal or a log cannot show is shown as a question mark; it is no reason to end a run.
        sys.stdout.reconfigure(errors="replace")
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(help_text(), end="")
        sys.exit(0)
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(version("pluglm"))
        sys.exit(0)
    # What help does not need is not imported before it.
    import signal
    import threading

    if "RANK" not in os.environ and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminated)
    code = _guarded(arguments[0], arguments[1:])
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
        if verb == "complete":
            from pluglm.cli.complete import run

            return run(rest)
        from pluglm.cli.dispatch import run_verb

        return run_verb(verb, rest)
    except PluglmError as error:
        rank = f"rank {os.environ['RANK']}: " if "RANK" in os.environ else ""
        for line in str(error).splitlines():
            print(f"pluglm: {rank}{line}", file=sys.stderr)
        return error.exit_code
    except Terminated:
        print("pluglm: stopped by SIGTERM", file=sys.stderr)
        return 143
    except KeyboardInterrupt:
        print("pluglm: stopped by Ctrl-C", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
