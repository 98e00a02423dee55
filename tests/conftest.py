"""Every test has its own cache and folder, and one thread, so that results do not depend on the machine."""

from __future__ import annotations

import compileall
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where Python is told to write no bytecode, each of some hundred processes would compile all of pluglm again."""
    if not hasattr(session.config, "workerinput"):
        for name in ("core", "plugins"):
            compileall.compile_dir(Path(__file__).parents[1] / name, quiet=2)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # For the whole session, because fixtures of a module run before those of its tests.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUGLM_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
