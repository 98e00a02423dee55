"""Keys of Hydra's own: which have an effect here, and what to write instead of the others."""

from __future__ import annotations

from pluglm.errors import Problem

OURS = {
    "hydra.run": "output.folder",
    "hydra.sweep": "sweep.folder",
    "hydra.sweeper.direction": "sweep.direction",
    "hydra.job.name": "name",
    "hydra.searchpath": "--config-dir",
}
"""What has a name of ours."""
OF_SWEEPS = ("hydra.launcher", "hydra.sweeper", "hydra.callbacks", "hydra.job.env_set", "hydra.job.env_copy")
"""What launchers and samplers are told."""
LOGGING = ("hydra.job_logging", "hydra.hydra_logging", "hydra.output_subdir")


def hydra_problem(key: str, value: object, in_sweep: bool) -> Problem | None:
    """Why a key of Hydra's (`hydra.a.b` or `hydra/group`) cannot be set, or None."""
    path = key.replace("/", ".")
    for theirs, ours in OURS.items():
        if _below(path, theirs):
            wanted = f"give a folder of your own as {ours} DIR" if ours.startswith("--") else f"write {ours}"
            return Problem(key, "is set by pluglm", value, wanted)
    if any(_below(path, part) for part in (*OF_SWEEPS, *LOGGING)):
        if in_sweep:
            return None
        return Problem(key, "is for sweeps, and has no effect on a single run", value, "add -m: pluglm train -m ...")
    return Problem(key, "has no effect here", value, f"of Hydra's own keys sweeps take {', '.join(OF_SWEEPS[:2])}")


def recipe_hydra_problem(key: str, is_leaf: bool) -> str | None:
    """Why a recipe cannot set a key of Hydra's, or None."""
    problem = hydra_problem(key, None, in_sweep=True)
    if problem is None or not is_leaf:
        return None
    return f"{problem.reason}; {problem.hint}"


def _below(path: str, part: str) -> bool:
    return path == part or path.startswith(part + ".")
