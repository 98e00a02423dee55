"""Create a run folder and write its config, manifest and accounts."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from pluglm.catalog import Catalog
from pluglm.config.run_config import RunConfig
from pluglm.errors import ConfigError, Problem, explained
from pluglm.files.replacing import write_json, write_text
from pluglm.runs.in_use import check_not_in_use

NOTE = "# note: "
"""What lines of config.yaml begin with that say what was decided while the config was composed."""
OBSERVER_ERRORS = "observer_errors.txt"
BEGUN = ("manifest.json", "metrics.jsonl", "checkpoints", "model", "results.json")
"""What a run folder holds, one of these at least, from the end of its preparation on."""
PACKAGES = (
    "torch",
    "transformers",
    "accelerate",
    "tokenizers",
    "numpy",
    "hydra-core",
    "pydantic",
    "pluggy",
    "safetensors",
)


def new_folder(config: RunConfig) -> Path:
    """A folder of its own for this run, made.

    Raises:
        ConfigError: where `output.folder` names one that already holds a run, or that another process works in.
        PluglmError: where it cannot be made.
    """
    try:
        if config.output.folder is not None:
            check_not_in_use(config.output.folder)
            check_free(config)
            config.output.folder.mkdir(parents=True, exist_ok=True)
            return config.output.folder
        now = datetime.now()
        wanted = config.output.dir / now.strftime("%Y-%m-%d") / f"{now:%H-%M-%S}-{config.name}"
        folder, count = wanted, 1
        while True:
            try:
                folder.mkdir(parents=True)
                return folder
            except FileExistsError:
                count += 1
                folder = wanted.with_name(f"{wanted.name}-{count}")
    except OSError as error:
        where = config.output.folder or config.output.dir
        raise explained(error, where, "the same command", "nothing was begun") from error


def check_free(config: RunConfig) -> None:
    """Raises:
    ConfigError: where `output.folder` holds a run that was prepared. One that ended before, with bad input for
        instance, is begun anew.
    """
    folder = config.output.folder
    if folder is not None and (folder / "config.yaml").exists() and any((folder / name).exists() for name in BEGUN):
        hint = f"go on with: pluglm resume {folder}"
        raise ConfigError([Problem("output.folder", "already holds a run", folder, hint)])


def write_config(folder: Path, config: RunConfig) -> None:
    """config.yaml: every setting and parameter as it is used; makes the folder where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "config.yaml", _config_text(config))


def _config_text(config: RunConfig) -> str:
    notes = "".join(f"{NOTE}{note}\n" for note in config.notes)
    return notes + yaml.safe_dump(dict(config.resolved), sort_keys=False, allow_unicode=True)


def read_config(folder: Path) -> RunConfig:
    """The config of the run in `folder`.

    Raises:
        PluglmError: where there is no run.
        ConfigError: where its config no longer validates.
    """
    from pluglm.config.compose import from_resolved

    path = folder / "config.yaml"
    if not path.is_file():
        raise ConfigError([Problem(str(folder), "is not a run folder (it has no config.yaml)")])
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError([Problem(str(path), f"is not valid YAML: {' '.join(str(error).split())}")]) from None
    if not isinstance(tree, dict):
        raise ConfigError([Problem(str(path), "is not a mapping")])
    lines = path.read_text(encoding="utf-8").splitlines()
    notes = tuple(line.removeprefix(NOTE) for line in takewhile(lambda line: line.startswith(NOTE), lines))
    return replace(from_resolved(tree), notes=notes)


def write_manifest(folder: Path, config: RunConfig, catalog: Catalog, found: Mapping[str, Any]) -> None:
    """manifest.json: versions, plugins, seed, and the digests of what was read (`found`)."""
    used = {catalog.owner(type(technique)).name for _, technique in config.techniques()}
    manifest = {
        "pluglm": version("pluglm"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
        "plugins": [
            {"name": plugin.name, "distribution": plugin.distribution, "version": plugin.version}
            for plugin in catalog.plugins.values()
            if plugin.name in used
        ],
        "seed": config.seed,
        "working_folder": os.getcwd(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        **found,
    }
    write_json(folder / "manifest.json", manifest)


def write_observer_error(folder: Path, who: str, error: Exception) -> None:
    """A line in observer_errors.txt, unless it is there. Where it cannot be written, the run goes on all the same."""
    line = f"{who}: {type(error).__name__}: {' '.join(str(error).split())}\n"
    path = folder / OBSERVER_ERRORS
    with suppress(OSError), path.open("a+", encoding="utf-8", errors="replace") as file:
        file.seek(0)
        if line not in file:
            file.write(line)


def write_accounts(folder: Path, ledger: Mapping[str, Any], parts: Sequence[Path]) -> None:
    """ledger.json, and quarantine.jsonl out of those of `parts`, the folders of the corpus and of the examples."""
    write_json(folder / "ledger.json", ledger)
    with (folder / "quarantine.jsonl").open("wb") as target:
        for part in parts:
            with (part / "quarantine.jsonl").open("rb") as source:
                shutil.copyfileobj(source, target)
