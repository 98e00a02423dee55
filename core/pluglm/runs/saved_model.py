"""Load the model of an earlier run, whole or compressed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pluglm.catalog import installed_catalog
from pluglm.config.choices import unknown_technique
from pluglm.errors import ConfigError, PluglmError, Problem
from pluglm.runs.run_data import read_json

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def model_folder(path: Path) -> Path:
    """Where the model lies that `path` means: a run folder, or a model's own folder.

    Raises:
        ConfigError: where there is none.
    """
    for folder in (path / "model", path):
        if (folder / "config.json").is_file():
            return folder
    if (path / "config.yaml").is_file():
        raise ConfigError([Problem(str(path), "the run has no model yet", hint=f"finish it: pluglm resume {path}")])
    raise ConfigError([Problem(str(path), "holds no model: neither a run folder nor one with a config.json")])


def load_run_model(path: Path, head: str | None = None) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model and tokenizer at `path`, in eval mode. `head` is the Auto class to load it as, by default the one it
    was saved as."""
    folder = model_folder(path)
    described = folder / "compressor.json"
    try:
        return _loaded(folder, head, described)
    except PluglmError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        # Which file is damaged the libraries say in many ways, and some do not.
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise PluglmError(f"{folder}: the model cannot be loaded: {reason}") from error


def _loaded(folder: Path, head: str | None, described: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    import transformers

    if described.is_file():
        saved = json.loads(described.read_text(encoding="utf-8"))
        technique = installed_catalog().find("compressor", saved["compressor"])
        if technique is None:
            reason = unknown_technique(installed_catalog(), "compressor", saved["compressor"])
            raise ConfigError([Problem(str(described), reason, saved["compressor"])])
        model = technique.model_validate(saved["parameters"]).load(folder, head or saved["head"])  # type: ignore[attr-defined]
    else:
        model = getattr(transformers, head or saved_head(folder)).from_pretrained(folder, use_safetensors=True)
    return model.eval(), transformers.AutoTokenizer.from_pretrained(folder)


def saved_head(folder: Path) -> str:
    """The transformers class a folder's model was saved as.

    Raises:
        ConfigError: where its config.json is damaged.
    """
    path = folder / "config.json"
    described = read_json(path)
    if not described:
        raise ConfigError([Problem(str(path), "is damaged: it holds no JSON object")])
    architectures = described.get("architectures")
    return str(architectures[0]) if isinstance(architectures, list) and architectures else "AutoModel"
