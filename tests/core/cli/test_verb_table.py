"""`pluglm --help` shows what is installed, and imports plugins only where that may have changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pluglm.cli import verb_table
from pluglm.files.storage import cache_folder

PROGRAM = """
import sys
sys.argv = ["pluglm", *{words!r}]
from pluglm.cli import main
try:
    main()
finally:
    print("catalog" if "pluglm.catalog" in sys.modules else "table", file=sys.stderr)
"""
ENTRY = """
from pluglm import hookimpl
from {package}.verbs import VERBS

@hookimpl
def register_verbs():
    return VERBS
"""
VERBS = """
from pluglm import Verb

VERBS = [Verb("{verb}", "{help}", "{package}.{verb}")]
"""
RUN = """
def run(given):
    "Says so."
    print("this is {verb}")
    return 0
"""


@dataclass
class Site:
    """A folder of sys.path with packages, and the cache of pluglm beside it."""

    home: Path

    @property
    def packages(self) -> Path:
        return self.home / "packages"

    @property
    def tables(self) -> list[Path]:
        return list((self.home / "cache" / "verbs").iterdir()) if (self.home / "cache").is_dir() else []

    def install(self, package: str, verb: str, text: str = "says a word") -> None:
        """As pip does: the package, and what says that it is there."""
        folder, info = self.packages / package, self.packages / f"{package}-1.0.dist-info"
        folder.mkdir()
        info.mkdir()
        (folder / "__init__.py").write_text(ENTRY.format(package=package))
        (folder / "verbs.py").write_text(VERBS.format(package=package, verb=verb, help=text))
        (folder / f"{verb}.py").write_text(RUN.format(verb=verb))
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[pluglm]\n{package} = {package}\n")

    def settle(self) -> None:
        """Make all files an hour older than they are, since what is new is not trusted to be final."""
        for path in [self.packages, self.home / "work", *self.packages.rglob("*")]:
            stamp = path.stat().st_mtime_ns - 3_600_000_000_000
            os.utime(path, ns=(stamp, stamp))

    def run(self, *words: str, **more: str) -> tuple[str, str]:
        """What the command printed, and "table" where it read no catalog, else "catalog"."""
        environment = dict(
            os.environ,
            PYTHONPATH=str(self.packages),
            PYTHONDONTWRITEBYTECODE="1",
            PLUGLM_CACHE=str(self.home / "cache"),
            # The catalog of two plugins is read quickly.
            PLUGLM_PLUGINS="pluglm_one,pluglm_two,schedules",
        )
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(words=words)],
            cwd=self.home / "work", env=environment | more, capture_output=True, text=True,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout, done.stderr.splitlines()[-1]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """With one plugin, whose verb is `hello`."""
    made = Site(tmp_path)
    made.packages.mkdir()
    (tmp_path / "work").mkdir()
    made.install("pluglm_one", "hello")
    made.settle()
    return made


@pytest.fixture(autouse=True, scope="module")
def _settled_checkout() -> None:
    """Waits until the checkout, which may just have been written, is old enough to be trusted."""
    newest = max(path.stat().st_mtime for path in Path(verb_table.__file__).parents[1].rglob("*"))
    time.sleep(max(0.0, min(3.0, newest + 2.5 - time.time())))


def test_the_second_help_reads_no_catalog(site: Site) -> None:
    first, read = site.run("--help")
    assert "  hello       says a word  [pluglm_one]\n" in first and read == "catalog"
    assert site.run("--help") == (first, "table")
    assert site.run("hello") == ("this is hello\n", "table")
    assert site.run("complete", "pluglm hel") == ("hello\n", "table")


def test_verbs_of_the_core_need_neither(site: Site) -> None:
    assert site.run("completion", "bash")[1] == "table"
    assert not site.tables


Change = Callable[[Site], None]


def another(site: Site) -> None:
    site.install("pluglm_two", "bye")


def replaced(site: Site) -> None:
    removed(site)
    site.install("pluglm_one", "bye")


def removed(site: Site) -> None:
    for path in site.packages.glob("pluglm_one*"):
        shutil.rmtree(path)


def edited(site: Site) -> None:
    """A module that the plugin's own module imports, as in an editable installation."""
    path = site.packages / "pluglm_one" / "verbs.py"
    path.write_text(path.read_text().replace("hello", "bye"))
    (site.packages / "pluglm_one" / "bye.py").write_text(RUN.format(verb="bye"))


def broken(site: Site) -> None:
    (site.packages / "pluglm_one" / "verbs.py").write_text("raise ValueError('on strike')")


def another_entry_point(site: Site) -> None:
    """In a folder of metadata that stays where it is, as a build in a source folder writes it."""
    (site.packages / "pluglm_one-1.0.dist-info" / "entry_points.txt").write_text("[pluglm]\n")


@pytest.mark.parametrize(
    ("change", "gone", "there"),
    [
        (another, (), ("hello", "bye")),
        (replaced, ("hello",), ("bye",)),
        (removed, ("hello",), ()),
        (edited, ("hello",), ("bye",)),
        (broken, ("hello",), ("on strike",)),
        (another_entry_point, ("hello",), ()),
    ],
)
def test_a_change_is_seen_at_once(change: Change, gone: tuple[str, ...], there: tuple[str, ...], site: Site) -> None:
    assert "hello" in site.run("--help")[0]
    assert site.run("--help")[1] == "table"
    change(site)
    shown, read = site.run("--help")
    assert read == "catalog"
    assert all(word in shown for word in there) and not any(word in shown for word in gone)
    if "bye" in there:
        assert site.run("bye")[0] == "this is bye\n"


def test_other_plugins_have_another_table(site: Site) -> None:
    assert "hello" in site.run("--help")[0]
    assert "hello" not in site.run("--help", PLUGLM_PLUGINS="schedules")[0]
    assert "hello" in site.run("--help")[0]
    assert len(site.tables) == 2


def test_what_has_just_changed_is_not_kept(site: Site) -> None:
    (site.packages / "pluglm_one" / "verbs.py").touch()
    assert "hello" in site.run("--help")[0]
    assert not site.tables


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\xff\xfe\n\xff"])
def test_a_damaged_table_is_made_again(damage: bytes, site: Site) -> None:
    whole = site.run("--help")[0]
    (table,) = site.tables
    good = table.read_bytes()
    cut = good.replace(b"says a word", b"says a wird")
    for content in (damage, cut, good[: len(good) // 2]):
        table.write_bytes(content)
        assert site.run("--help") == (whole, "catalog")
        assert table.read_bytes() == good


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(site: Site) -> None:
    (site.home / "cache").write_text("a file")
    for _ in range(2):
        shown, read = site.run("--help")
        assert "hello" in shown and read == "catalog"


def test_a_table_of_another_user_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLUGLM_CACHE", str(tmp_path))
    verb_table._keep([("hello", "says a word", "hello", "", "", "")], [])
    assert verb_table._kept() == [("hello", "says a word", "hello", "", "", "")]
    monkeypatch.setattr(os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
    assert verb_table._kept() is None


def test_few_tables_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLUGLM_CACHE", str(tmp_path))
    for number in range(verb_table.MOST_TABLES + 3):
        monkeypatch.setenv("PLUGLM_PLUGINS", str(number))
        verb_table._keep([], [])
    assert len(list((tmp_path / "verbs").iterdir())) == verb_table.MOST_TABLES
    assert verb_table._kept() == []


@pytest.mark.parametrize("name", ["PLUGLM_CACHE", "XDG_CACHE_HOME", None])
def test_it_lies_in_the_cache_folder(name: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PLUGLM_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if name is not None:
        monkeypatch.setenv(name, str(tmp_path))
    assert Path(verb_table._path("key")).parent == cache_folder(None) / "verbs"
