"""The table of verbs: what `pluglm --help` shows, kept in the cache folder, since reading the catalog imports every
plugin.

The table holds for one key (versions, sys.path, PLUGLM_PLUGINS) and for the files that it names: the folders of
sys.path, which change when a package is installed or removed, and what plugins were imported from. Where one of them
changed, or the table is damaged, belongs to another user or cannot be written, the catalog is read.
"""

from __future__ import annotations

import os
import sys
import zlib

TYPE_CHECKING = False  # as in pluglm/__init__.py
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pluglm.catalog import Catalog

Row = tuple[str, ...]
"""name, help, module, usage, kinds of words with spaces between, and the distribution where it is not pluglm."""

COLUMNS = 6
MOST_TABLES = 20
RECENT_NS = 2_000_000_000
"""A file that changed so short a time ago may change again without another time of change."""


def known_verbs() -> tuple[list[Row], Catalog | None]:
    """All verbs, those of the core first, and the catalog where it had to be read."""
    rows = _kept()
    if rows is not None:
        return rows, None
    from pluglm.catalog import installed_catalog

    catalog, rows = installed_catalog(), []
    for verb in catalog.verbs().values():
        owner = catalog.verb_owner(verb.name)
        distribution = owner.distribution if owner and owner.distribution != "pluglm" else ""
        rows.append((verb.name, verb.help, verb.module, verb.usage, " ".join(verb.takes), distribution))
    modules = {plugin.module.partition(":")[0] for plugin in catalog.plugins.values()}
    # No file shows when a broken plugin begins to work, nor when one that has no file is gone.
    if not catalog.broken() and all(getattr(sys.modules.get(name), "__file__", None) for name in modules):
        _keep(rows, sorted(set(_files({name.partition(".")[0] for name in modules}))))
    return rows, catalog


def _files(packages: set[str]) -> Iterator[str]:
    """The folders of sys.path, and the files of plugins and of all else that is not in an installed package: those are
    replaced as wholes, which changes the folder that they are in."""
    from sysconfig import get_paths

    paths = get_paths()
    installed = tuple(paths[name] + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    for folder in map(os.path.abspath, sys.path):
        yield folder
        if not (folder + os.sep).startswith(installed) and os.path.isdir(folder):
            infos = (name for name in os.listdir(folder) if name.endswith((".egg-info", ".dist-info")))
            yield from (os.path.join(folder, name, "entry_points.txt") for name in infos)
    files = set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and (name.partition(".")[0] in packages or not os.path.abspath(file).startswith(installed)):
            files.add(os.path.abspath(file))
    # A plugin may register what it finds in its folder.
    yield from files | {os.path.dirname(file) for file in files}


def _key() -> str:
    from pluglm import __version__

    plugins = os.environ.get("PLUGLM_PLUGINS")
    found = [__version__, sys.version, sys.prefix, *map(os.path.abspath, sys.path), repr(plugins)]
    return " ".join("\0".join(found).split("\n"))


def _path(key: str) -> str:
    """As `pluglm.files.storage.cache_folder`, which is not imported because `pluglm --help` must not wait for it."""
    cache = os.environ.get("PLUGLM_CACHE")
    if cache is None:
        home = os.environ.get("XDG_CACHE_HOME", os.path.join(os.path.expanduser("~"), ".cache"))
        cache = os.path.join(home, "pluglm")
    return os.path.join(cache, "verbs", f"{zlib.crc32(_encoded(key)):08x}.txt")


def _kept() -> list[Row] | None:
    """The verbs of the table, or None where there is none that holds."""
    key = _key()
    try:
        with open(_path(key), "rb") as file:
            # The cache may be a folder of several users; what is imported is said by nobody else.
            if hasattr(os, "getuid") and os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            head, _, body = file.read().partition(b"\n")
        if head != _head(body):
            return None
        first, *lines = body.decode("utf-8", "surrogateescape").split("\n")
        rows = []
        for line in lines:
            kind, *fields = line.split("\t")
            if kind == "verb" and len(fields) == COLUMNS:
                rows.append(tuple(fields))
            elif _stamp(fields[0])[0] != fields[1]:
                return None
        return rows if first == key else None
    except (OSError, ValueError, IndexError):
        return None


def _keep(rows: Sequence[Row], files: Sequence[str]) -> None:
    """Write the table for the next time, unless a file changed so lately that its next change might not be seen."""
    import time

    key = _key()
    lines = [key, *("\t".join(("verb", *row)) for row in rows)]
    for file in files:
        stamp, changed = _stamp(file)
        if changed > time.time_ns() - RECENT_NS or "\t" in file or "\n" in file:
            return
        lines.append(f"file\t{file}\t{stamp}")
    body = _encoded("\n".join(lines))
    path = _path(key)
    folder, temporary = os.path.dirname(path), f"{path}.{os.getpid()}.tmp"
    try:
        os.makedirs(folder, exist_ok=True)
        with open(temporary, "xb") as out:
            out.write(_head(body) + b"\n" + body)
        os.replace(temporary, path)
        tables = sorted((os.path.join(folder, name) for name in os.listdir(folder)), key=os.path.getmtime)
        for old in tables[:-MOST_TABLES]:
            os.unlink(old)
    except OSError:
        # It is made again each time then, which takes longer and is right all the same.
        return


def _stamp(path: str) -> tuple[str, int]:
    """What changes with a file or folder, and when it changed."""
    try:
        found = os.stat(path)
    except OSError:
        return "absent", 0
    return f"{found.st_mtime_ns} {found.st_size} {found.st_ino}", found.st_mtime_ns


def _head(body: bytes) -> bytes:
    return f"pluglm verbs 1 {zlib.crc32(body):08x}".encode()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
