"""Files of a git repository at one commit, read out of its objects: nothing is checked out and nothing in it is run.

Sources: https://git-scm.com/docs/git-ls-tree; https://git-scm.com/docs/git-cat-file
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# A repository may belong to anybody, because no command, hook or filter of its config is run: objects that are missing
# are not fetched, and no helper is asked.
SETTINGS = ("safe.directory=*", "protocol.allow=never", "core.fsmonitor=false", "core.hooksPath=/dev/null")
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
REGULAR = ("100644", "100755", "100664")


class GitError(Exception):
    """What git said it could not do."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A file of a commit: its path, the name of its content, its size in bytes; and whether it is a regular one, and no
    link and no submodule."""

    path: str
    name: str
    size: int
    regular: bool = True


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository by the folder that holds its objects (`.git`, or itself where it is bare)."""

    folder: Path

    def commit(self, revision: str) -> str:
        """The commit that a branch, tag or id names.

        Raises:
            GitError: there is none.
        """
        return self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()

    def origin(self) -> str:
        """Where it was cloned from, as `github.com/owner/name`, without credentials; "" where it does not say."""
        try:
            address = self._git("config", "--local", "--get", "remote.origin.url").strip()
        except GitError:
            return ""
        short = re.fullmatch(r"(?:[^@/]+@)?([\w.-]+):(?!//)(.+)", address)
        parts = urlsplit(address)
        place = f"{short[1]}/{short[2]}" if short else f"{parts.hostname or ''}{parts.path}"
        return place.removesuffix(".git").strip("/")

    def files(self, commit: str) -> Iterator[Blob]:
        """The files of a commit in git's order.

        Raises:
            GitError: a tree of the commit cannot be read; what is before it was given.
        """
        with self._start("ls-tree", "-r", "-z", "-l", "--full-tree", commit) as process:
            assert process.stdout is not None
            rest = b""
            while block := process.stdout.read1(1 << 16):  # type: ignore[attr-defined]
                *entries, rest = (rest + block).split(b"\0")
                for entry in entries:
                    about, _, path = entry.partition(b"\t")
                    mode, kind, name, size = about.decode("ascii").split()
                    regular = kind == "blob" and mode in REGULAR
                    known = int(size) if size.isdigit() else 0
                    yield Blob(path.decode("utf-8", "backslashreplace"), name, known, regular)
            if process.wait():
                raise GitError(_error(process))

    def contents(self, blobs: Iterator[Blob]) -> Iterator[tuple[Blob, bytes | GitError]]:
        """The content of each file, one at a time; the error where its object is damaged or missing."""
        process = None
        try:
            for blob in blobs:
                process = process or self._start("cat-file", "--batch")
                try:
                    yield blob, _content(process, blob)
                except GitError as error:
                    yield blob, error
                    # git ends at an object that is damaged.
                    _end(process)
                    process = None
        finally:
            if process is not None:
                _end(process)

    def _git(self, *words: str) -> str:
        with self._start(*words) as process:
            said, error = process.communicate()
        if process.returncode:
            raise GitError(_first_line(error))
        return str(said.decode("utf-8", "backslashreplace"))

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return subprocess.Popen(
            ["git", *settings, f"--git-dir={self.folder}", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=inherited | ENVIRONMENT,
        )


def _content(process: subprocess.Popen[bytes], blob: Blob) -> bytes:
    assert process.stdin is not None and process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.write(blob.name.encode() + b"\n")
        process.stdin.flush()
    head = process.stdout.readline().split()
    if len(head) != 3 or head[1] != b"blob" or int(head[2]) != blob.size:
        raise GitError(b" ".join(head).decode("utf-8", "replace") or _error(process))
    content = process.stdout.read(blob.size + 1)
    if len(content) != blob.size + 1:
        raise GitError(_error(process))
    return content[:-1]


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(BrokenPipeError):
        process.communicate(timeout=60)


def _error(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=60)
    return _first_line(process.stderr.read()) if process.returncode is not None else "git does not answer"


def _first_line(error: bytes) -> str:
    return next(iter(error.decode("utf-8", "replace").strip().splitlines()), "git gave no reason")


def git_folder(path: Path) -> Path | None:
    """The folder with the objects of the repository at `path`; None where there is none."""
    inner = path / ".git"
    if inner.is_file():
        # Of a worktree or a submodule: gitdir: PLACE
        place = inner.read_text(encoding="utf-8", errors="replace").partition("gitdir:")[2].strip()
        inner = (path / place).resolve()
    for folder in (inner, path):
        if (folder / "HEAD").is_file() and ((folder / "objects").is_dir() or (folder / "commondir").is_file()):
            return folder
    return None
