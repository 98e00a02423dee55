"""Which files a list of globs means: each once, however it is spelled, and nothing that is no file."""

from __future__ import annotations

import glob
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pluglm import Dropped, Unreadable

KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# What these names lead to is another file in every process.
STREAMS = ("/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")
REPEATED = Dropped("same_file")


def shown(path: Path | str) -> str:
    r"""A path as text for messages, ids and JSON: bytes of its name that are no UTF-8 as `\xe9`."""
    text = str(path)
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Matches:
    """What globs match.

    Attributes:
        files: each regular file by its first spelling, in the order of these, with its further spellings. What cannot
            be looked at is among them: reading it tells why.
        links: links to folders that are searched already and are not gone into again; each ends in /.
        others: what is neither a file nor a folder, and why it cannot be read.
        folders: how many folders were matched that are nothing to read.
        wanted: folders that are something to read, as `files`.
    """

    files: dict[str, list[str]] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)
    folders: int = 0
    wanted: dict[str, list[str]] = field(default_factory=dict)

    def paths(self) -> list[Path]:
        """The files, sorted."""
        return [Path(name) for name in self.files]

    def left_out(self) -> Iterator[Dropped | Unreadable]:
        """An outcome for each name that is matched and not read: further spellings of a file, links that lead back,
        pipes and devices."""
        for first, further in (*self.files.items(), *self.wanted.items()):
            yield from (Dropped(REPEATED.reason, f"{shown(name)} is {shown(first)}") for name in further)
        yield from (
            Dropped(REPEATED.reason, f"{shown(link)} leads to a folder that is searched already") for link in self.links
        )
        yield from (Unreadable(shown(name), "not_a_file", kind) for name, kind in self.others.items())

    def globs(self) -> Iterator[tuple[Path, tuple[str, ...]]]:
        """Globs for all of this, in groups that must stay together: each with the file it begins with."""
        several = [[first, *further] for first, further in (*self.files.items(), *self.wanted.items())]
        for names in (*several, *([name] for name in (*self.links, *self.others))):
            plain = (name if name.endswith("/") else str(Path(name)) for name in names)
            yield Path(names[0]), tuple(glob.escape(name) for name in plain)


def matches_of(patterns: Iterable[str], wanted_folder: Callable[[Path], object] = lambda folder: None) -> Matches:
    """What these globs match; ** goes into folders, and into each only once. Hidden files are left out, as are folders
    that `wanted_folder` does not say yes to."""
    links: set[str] = set()
    names = [name for pattern in patterns for name in _expanded(pattern, links)]
    return named_files(names, links, wanted_folder)


def named_files(
    names: Iterable[str], links: Iterable[str] = (), wanted_folder: Callable[[Path], object] = lambda folder: None
) -> Matches:
    """What these names mean, as `matches_of` has it; `links`: names of links to folders that are not gone into."""
    links = set(links)
    files, others, known, folders = dict[str, list[str]](), dict[str, str](), dict[object, str](), 0
    wanted = dict[str, list[str]]()
    for name in sorted(set(names)):
        state = _state(name)
        kind = _other_kind(name, state)
        if kind:
            others[name] = kind
        elif state is None or not stat.S_ISDIR(state.st_mode) or wanted_folder(Path(name)):
            first = known.setdefault(_identity(name, state), name)
            found = wanted if state is not None and stat.S_ISDIR(state.st_mode) else files
            if first == name:
                found[name] = []
            else:
                found[first].append(name)
        elif name.endswith("/") and os.path.islink(name.rstrip("/")):
            links.add(name)
        else:
            folders += 1
    return Matches(files, sorted(links), others, folders, wanted)


def _state(name: str) -> os.stat_result | None:
    try:
        return os.stat(name)
    except (OSError, ValueError):
        return None


def _identity(name: str, state: os.stat_result | None) -> object:
    # Some file systems have no numbers for their files.
    return (state.st_dev, state.st_ino) if state and state.st_ino else os.path.realpath(name)


def _other_kind(name: str, state: os.stat_result | None) -> str:
    """What something is that is neither a file nor a folder, in words; "" for files, folders and what is not there."""
    if name.startswith(("/dev/", "/proc/")) and os.path.abspath(name).startswith(STREAMS):
        return "a stream of this process, which other processes cannot read"
    return KINDS.get(stat.S_IFMT(state.st_mode), "") if state else ""


def no_file(pattern: str) -> tuple[str, str] | None:
    """What is wrong with a glob that gives nothing to read, and what to write instead; None where it matches a file."""
    found = matches_of([pattern])
    if found.files:
        return None
    if found.others:
        name, kind = next(iter(found.others.items()))
        return f"is {kind}" if name == pattern else f"matches {kind} only", "write what it gives into a file"
    if found.folders:
        return "is a folder" if os.path.isdir(
            pattern
        ) else "matches folders only", f"did you mean {pattern.rstrip('/')}/**/*?"
    return "matches no file", ""


def _expanded(pattern: str, links: set[str]) -> Iterator[str]:
    parts = pattern.split("/")
    if "**" not in parts:
        yield from glob.iglob(pattern)
        return
    place = parts.index("**")
    head, tail = "/".join(parts[:place]), "/".join(parts[place + 1 :])
    if pattern.startswith("/") and not head:
        head = "/"
    for base in glob.iglob(head) if glob.has_magic(head) else [head]:
        for folder in _folders(base, links):
            if tail:
                yield from _expanded(os.path.join(glob.escape(folder), tail), links)
            else:
                yield from glob.iglob(os.path.join(glob.escape(folder), "*"))


def _folders(base: str, links: set[str]) -> Iterator[str]:
    """A folder and all below it, each once: by a link only those that nothing else leads to."""
    seen, waiting, linked = set[object](), [base], deque[str]()
    while waiting or linked:
        folder = waiting.pop() if waiting else linked.popleft()
        identity = _identity(folder or ".", _state(folder or "."))
        if identity in seen:
            links.add(f"{folder}/")
            continue
        seen.add(identity)
        yield folder
        with suppress(OSError), os.scandir(folder or ".") as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.is_dir():
                    (linked if entry.is_symlink() else waiting).append(os.path.join(folder, entry.name))
