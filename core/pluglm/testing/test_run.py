"""A short run, from documents to report, with each technique of a plugin that is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pluglm import Model, Objective, Technique
from pluglm.catalog import installed_catalog
from pluglm.families import FAMILIES
from pluglm.testing.plugin import chosen_plugin
from pluglm.testing.samples import PluglmTestingSamples

# A few seconds.
SMALL = ["train.steps=4", "train.batch_size=4", "train.eval_every=2", "train.eval_batches=1", "train.log_every=1"]
SMALL += ["data.sequence_length=32", "data.validation_fraction=0.1"]


def words_for(kind: type[Technique], values: dict[str, Any]) -> list[str]:
    """Command-line words that choose `kind` and what goes with it."""
    many = FAMILIES[kind.family].many
    chosen = {"source": f"[{PluglmTestingSamples.name}]"}
    chosen |= {family: "[]" for family, spec in FAMILIES.items() if spec.many and not spec.needed}
    if issubclass(kind, Model):
        heads = kind.model_validate(values).heads()
        objectives = [t for t in installed_catalog() if issubclass(t, Objective) and t.head in heads]
        if not objectives:
            pytest.skip("no objective is installed for any of its heads")
        chosen["objective"] = objectives[0].name
    chosen[kind.family] = f"[{kind.name}]" if many else kind.name
    path = f"{kind.family}.{kind.name}" if many else kind.family
    given = [
        f"{path}.{key}={json.dumps(str(value) if isinstance(value, Path) else value)}" for key, value in values.items()
    ]
    return [f"{family}={choice}" for family, choice in chosen.items()] + given


def test_run(
    kind: type[Technique],
    values: dict[str, Any],
    with_samples: None,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if chosen_plugin(pytestconfig) is None:
        pytest.skip("runs only for a plugin that is named")
    monkeypatch.setenv("PLUGLM_CACHE", str(tmp_path / "cache"))
    from pluglm.config.compose import compose
    from pluglm.lifecycle.run import run

    config = compose([*words_for(kind, values), *SMALL])
    folder = run(config, tmp_path / "run", quiet=True)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert max(line["step"] for line in lines) == 4
    assert (folder / "model" / "model.safetensors").is_file()
