"""Many runs from one line, through Hydra's sweeper and launcher."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pluglm.catalog import installed_catalog
from pluglm.config.compose import compose
from pluglm.config.groups import store_techniques
from pluglm.config.recipes import search_path
from pluglm.errors import Interrupted, PluglmError


def sweep(overrides: Sequence[str], config_dir: Path | None = None, quiet: bool = False) -> int:
    """Run every combination that `overrides` name (`optimizer=NAME,NAME`); a member that fails does not end the others.
    Writes one comparison beside them. Returns 0 if every member was well."""
    import hydra
    from hydra.core.hydra_config import HydraConfig

    store_techniques(installed_catalog())
    failed: list[str] = []
    folders: list[Path] = []

    def member(tree: Any) -> float:
        words = [str(word) for word in HydraConfig.get().overrides.task]
        folder = Path(HydraConfig.get().runtime.output_dir)
        print(f"\n== {' '.join(words)}", flush=True)
        try:
            folders.append(_member(words, config_dir, folder, quiet))
        except Interrupted as stopped:
            # Who asks a sweep to stop means all of it; another exception would end this member alone.
            print(f"pluglm: {stopped}", file=sys.stderr)
            raise SystemExit(stopped.exit_code) from None
        except PluglmError as error:
            failed.append(" ".join(words))
            for line in str(error).splitlines():
                print(f"pluglm: {line}", file=sys.stderr)
        return 0.0

    arguments = [
        "-m",
        *overrides,
        "hydra.output_subdir=null",
        "hydra/job_logging=disabled",
        "hydra/hydra_logging=disabled",
        *search_path(config_dir),
    ]
    before, sys.argv = sys.argv, ["pluglm", *arguments]
    try:
        hydra.main(version_base="1.3", config_path="pkg://pluglm.conf", config_name="config")(member)()
    finally:
        sys.argv = before
    if folders:
        _compare(folders)
    for words in failed:
        print(f"failed: {words}", file=sys.stderr)
    return 1 if failed else 0


def _member(words: list[str], config_dir: Path | None, folder: Path, quiet: bool) -> Path:
    from pluglm.lifecycle.run import run

    return run(compose(words, config_dir), folder, quiet)


def _compare(folders: list[Path]) -> None:
    from pluglm.reporting.comparison import compare, write_comparison

    out = folders[0].parent / "comparison.html"
    write_comparison(folders, out)
    print(compare(folders))
    print(f"Comparison: {out}")
