"""Recipes: YAML files that choose and set many things with one word (`experiment=NAME`), ours and those of plugins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from pluglm.errors import PluglmError

GROUPS = ("experiment", "sweep", "hardware")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A file of a group, and the distribution or folder that it comes from."""

    group: str
    name: str
    path: Path
    owner: str

    def about(self) -> str:
        """The first sentence of the comments it begins with."""
        words: list[str] = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            said = line.strip("# ")
            if not line.startswith("#") or (words and said.startswith("pluglm ")):
                break
            words += [] if said.startswith("@package") else said.split()
        return " ".join(words).partition(". ")[0].rstrip(".:")


def recipes_in(folder: Path, owner: str) -> Iterator[Recipe]:
    """The recipes in the groups of `folder`, sorted."""
    for group in GROUPS:
        for path in sorted((folder / group).glob("*.yaml")):
            yield Recipe(group, path.stem, path, owner)


@cache
def built_in_recipes() -> tuple[Recipe, ...]:
    """Those that come with pluglm."""
    return tuple(recipes_in(_package_folder("pluglm.conf"), "pluglm"))


def registered_folder(place: str | Path) -> Path:
    """The folder that a plugin named: a path, or a package.

    Raises:
        PluglmError: where there is none, it has no recipes, or YAML files that nothing would ever read.
    """
    folder = place if isinstance(place, Path) else _package_folder(place)
    if not folder.is_dir():
        raise PluglmError(f"register_recipes named {str(place)!r}, which is no folder")
    shown = ", ".join(f"{group}/" for group in GROUPS)
    files = sorted(path for ending in ("*.yaml", "*.yml") for path in folder.rglob(ending))
    for path in files:
        parts = path.relative_to(folder).parts
        if len(parts) != 2 or parts[0] not in GROUPS or path.suffix != ".yaml":
            raise PluglmError(f"{path} is not a NAME.yaml in one of {shown} of {folder}")
    if not files:
        raise PluglmError(f"register_recipes named {str(place)!r}, which has no recipes in {shown}")
    return folder.resolve()


def _package_folder(name: str) -> Path:
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        spec = None
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise PluglmError(f"register_recipes named {name!r}, which is no package; a folder is given as a Path")
    return Path(places[0])
