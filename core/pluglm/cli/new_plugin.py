"""`pluglm new-plugin NAME`: a plugin package that works as generated."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from pluglm.errors import ConfigError, PluglmError, Problem
from pluglm.verbs import Arguments, Flag

FLAGS = {
    "--family": Flag("families to begin with, separated by commas (preprocessor,optimizer)", "F,..."),
    "--out": Flag("folder to write it into (the current one)", "DIR"),
}


def run(given: Arguments) -> int:
    """Writes pluglm-NAME: a package with one working technique per family, and its test."""
    from pluglm.families import FAMILIES
    from pluglm.suggestions import nearest

    if len(given.words) != 1 or not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", given.words[0].replace("-", "_")):
        raise ConfigError([Problem("new-plugin", "takes one name of lower-case letters, digits and dashes")])
    families = list(dict.fromkeys(given.flags.get("family", "preprocessor,optimizer").split(",")))
    unknown = [family for family in families if family not in FAMILIES]
    if unknown:
        raise ConfigError([Problem("--family", "no such family" + nearest(name, FAMILIES), name) for name in unknown])
    folder = write(given.words[0], families, Path(given.flags.get("out", ".")))
    print(f"{folder}\n\npip install -e {folder}\npython -m pluglm.testing --pluglm-plugin {folder.name}")
    return 0


def write(name: str, families: list[str], parent: Path) -> Path:
    """Write the package below `parent` and return its folder.

    Raises:
        PluglmError: where the folder exists already.
    """
    from jinja2 import Environment, StrictUndefined

    from pluglm.families import FAMILIES

    word = name.replace("-", "_")
    folder = parent / f"pluglm-{word.replace('_', '-')}"
    if folder.exists():
        raise PluglmError(f"{folder} exists already")
    parts = []
    for family in families:
        base = FAMILIES[family].base.__name__
        technique = f"{word}_{family}" if len(families) > 1 else word
        title = "".join(part.capitalize() for part in technique.split("_"))
        parts.append({"family": family, "base": base, "hook": FAMILIES[family].hook, "name": technique, "title": title})
    values = {"distribution": folder.name, "package": f"pluglm_{word}", "word": word, "parts": parts}
    package = folder / "src" / f"pluglm_{word}"
    targets = [
        (folder / "pyproject.toml", "pyproject", {}),
        (folder / "README.md", "readme", {}),
        (folder / "tests" / "test_conformance.py", "test_conformance", {}),
        (package / "__init__.py", "init", {}),
        *((package / f"{part['name']}.py", f"technique_{part['family']}", part) for part in parts),
    ]
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    for path, template, more in targets:
        source = files("pluglm.cli").joinpath(f"{template}.jinja").read_text(encoding="utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(environment.from_string(source).render({**values, **more}), encoding="utf-8")
    return folder
