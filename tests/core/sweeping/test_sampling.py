"""Members that a sampler proposes, and launchers other than Hydra's basic one."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from selection import matrix
from small_sweeps import SWEEP, record, statuses

from pluglm.errors import ConfigError
from pluglm.sweeping.sweep import sweep

LAUNCHERS = {"joblib": "hydra_joblib_launcher", "submitit_local": "hydra_submitit_launcher"}


def installed(plugin: str) -> bool:
    try:
        return importlib.util.find_spec(f"hydra_plugins.{plugin}") is not None
    except ModuleNotFoundError:
        return False


def without_plans() -> list[dict[str, Any]]:
    """The members in sweep.json, but for what was planned of the memory that was free."""
    return [{key: value for key, value in m.items() if key != "plan"} for m in record(Path("s"))["members"]]


@pytest.mark.skipif(not installed("hydra_optuna_sweeper"), reason="needs hydra-optuna-sweeper")
def test_the_same_line_proposes_the_same_members_again() -> None:
    words = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=1", "sweep.folder=s"]
    # Of one of the optimizers momentum is no parameter: such members are left out as they come.
    words += ["optimizer=adamw,sgd", "optimizer.momentum=0.9,0.5", "optimizer.lr=tag(log,interval(1e-3,1e-1))"]
    assert sweep([*SWEEP, *words], quiet=True) == 0
    members = without_plans()
    assert len(members) == 4 and {m["status"] for m in members} == {"finished", "invalid"}
    ran = [m["folder"] for m in members if m["folder"]]
    started = [json.loads(Path("s", name, "member.json").read_text())["started"] for name in ran]
    assert sweep([*SWEEP, *words], quiet=True) == 0
    assert without_plans() == members
    assert [json.loads(Path("s", name, "member.json").read_text())["started"] for name in ran] == started
    with pytest.raises(
        ConfigError, match=r"sweep\.metric=perplexity\.bits: .* has no such score; it has loss, perplex"
    ):
        sweep([*SWEEP, *words, "evaluator=[perplexity]", "sweep.metric=perplexity.bits", "sweep.folder=t"], quiet=True)


@pytest.mark.parametrize("launcher", matrix(LAUNCHERS, ["joblib"]))
def test_hydras_launchers_run_members_in_processes_of_theirs(launcher: str) -> None:
    if not installed(LAUNCHERS[launcher]):
        pytest.skip(f"needs {LAUNCHERS[launcher]}")
    assert sweep([*SWEEP, "seed=0,1", f"hydra/launcher={launcher}", "sweep.folder=s"], quiet=True) == 0
    assert statuses(Path("s")) == ["finished", "finished"]
