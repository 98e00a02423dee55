"""Hands each test of the kit the techniques of the families it is about, or the verbs."""

from __future__ import annotations

import inspect
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pluglm import PluglmError, Technique
from pluglm.catalog import Plugin, installed_catalog
from pluglm.testing.plugin import chosen_plugin, selected_plugins

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pluglm.testing.worker import Worker


def pytest_configure(config: pytest.Config) -> None:
    """Declare the kit's marker."""
    config.addinivalue_line("markers", "family(*names): the families a conformance test is about; all without it")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per technique, plugin or verb of a plugin."""
    catalog, plugins = installed_catalog(), selected_plugins(metafunc.config)
    if "plugin" in metafunc.fixturenames:
        metafunc.parametrize("plugin", plugins, ids=[plugin.name for plugin in plugins])
    if "verb" in metafunc.fixturenames:
        verbs = [verb for verb in catalog.verbs().values() if catalog.verb_owner(verb.name) in plugins]
        metafunc.parametrize("verb", verbs, ids=[f"verb={verb.name}" for verb in verbs])
    if "kind" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("family")
        names = {plugin.name for plugin in plugins}
        kinds = [
            technique
            for technique in catalog
            if (marker is None or technique.family in marker.args) and catalog.owner(technique).name in names
        ]
        metafunc.parametrize("kind", kinds, ids=[f"{kind.family}={kind.name}" for kind in kinds])


@pytest.fixture
def values(kind: type[Technique], tmp_path: Path) -> dict[str, Any]:
    """Values for the parameters that `kind` needs."""
    if kind.missing():
        pytest.skip(f"needs {', '.join(kind.missing())}")
    example = getattr(kind, "example", None)
    if inspect.ismethod(example):
        folder = tmp_path / "example"
        folder.mkdir()
        given: dict[str, Any] = example(folder)
        return given
    needed = [name for name, field in kind.model_fields.items() if field.is_required()]
    if needed:
        pytest.skip(f"{', '.join(needed)} has no default and there is no example()")
    return {}


@pytest.fixture
def technique(kind: type[Technique], values: dict[str, Any]) -> Any:
    """`kind` with its defaults."""
    return kind.model_validate(values)


@pytest.fixture(scope="session")
def words() -> PreTrainedTokenizerFast:
    """The kit's tokenizer."""
    from pluglm.testing import samples

    return samples.tokenizer()


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """Another process."""
    from pluglm.testing.worker import Worker

    made = Worker()
    yield made
    made.close()


DRAWN = "a generator that belongs to everybody was drawn from or seeded; draw from the one that the method is given"


@pytest.fixture(autouse=True)
def _untouched_generators(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that draws from, or seeds, Python's or NumPy's global generator. A whole run seeds them."""
    before, imported = (random.getstate(), _numpy_state()), set(sys.modules)
    yield
    # Some libraries draw when they are imported (rich does), which is no fault of a technique. What draws shows in the
    # next test, too.
    if "whole_run" in request.fixturenames or "kind" not in request.fixturenames or set(sys.modules) - imported:
        return
    assert random.getstate() == before[0], DRAWN
    assert before[1] is None or _numpy_state() == before[1], DRAWN


def _numpy_state() -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    name, keys, *rest = numpy.random.get_state()
    return name, keys.tobytes(), *rest


@pytest.fixture
def untouched_randomness() -> Iterator[None]:
    """Fails a test that draws from, or seeds, torch's global generator too."""
    import torch

    before = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), before), DRAWN


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A technique that says, in a sentence for the user, what it lacks here (a word list, a model) is skipped."""
    try:
        return (yield)
    except PluglmError as error:
        pytest.skip(str(error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """The same, where it says so while a test is prepared."""
    try:
        return (yield)
    except PluglmError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def with_samples() -> None:
    """The kit's own source in the catalog, so that a run can read it."""
    from pluglm.testing import samples

    catalog = installed_catalog()
    if "pluglm-testing" not in catalog.plugins:
        catalog.add(Plugin("pluglm-testing", "pluglm.testing.samples", "pluglm", "0"), samples)


@pytest.fixture(scope="session")
def runs_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where whole runs keep what they prepare: what does not depend on the technique is prepared once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def whole_run(
    with_samples: None, runs_cache: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For tests that run everything, which is done only for a plugin that is named."""
    if chosen_plugin(pytestconfig) is None:
        pytest.skip("runs only for a plugin that is named")
    monkeypatch.setenv("PLUGLM_CACHE", str(runs_cache))
