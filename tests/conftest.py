"""One cache for all tests, a folder for each, and one thread, so that results do not depend on the machine."""

from __future__ import annotations

import compileall
import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
# A busy machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Files that take longest start first, so that no worker is left with one of them at the end.
LONGEST = (
    "core/testing/test_kit.py",
)  # fmt: skip


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what is left out."""
    if config.option.markexpr == "not exhaustive":
        return "exhaustive tests are left out: run them with -m exhaustive"
    return None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where Python is told to write no bytecode, each of some hundred processes would compile all of pluglm again."""
    if not hasattr(session.config, "workerinput"):
        for folder in (HERE.parent / "core", HERE.parent / "plugins", HERE / "support"):
            compileall.compile_dir(folder, quiet=2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first; the others keep their order."""
    places = {HERE / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session", autouse=True)
def _one_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What one test has prepared, or measured of this machine, the next one finds, in all workers of pytest-xdist."""
    from pluglm.training import precision

    home = tmp_path_factory.getbasetemp()
    home = home.parent if "PYTEST_XDIST_WORKER" in os.environ else home
    # For the whole session, because fixtures of a module run before those of its tests.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUGLM_CACHE", str(home / "cache"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        # Tests with a cache of their own would measure the machine again.
        patch.setattr(precision, "matmul_speed", functools.cache(precision.matmul_speed))
        yield


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
