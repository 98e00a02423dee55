"""No file of the core imports from a floor above its own, and no imports run in a circle.

A floor is a list of rooms: top-level modules and folders of `core/pluglm`. A room may import what stands before it.
Imports inside functions count, since they run too; imports for type checkers alone do not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1]
CORE = HOME / "core" / "pluglm"
FLOORS = {
    "ground": (
        "errors",
        "suggestions",
        "cores",
        "forkserver",
        "formatting",
        "document",
        "progress",
        "tensors",
        "files",
    ),
    "contract": (
        "technique",
        "sections",
        "events",
        "recipes",
        "families",
        "verbs",
        "hookspecs",
        "built_in_verbs",
        "catalog",
        "deprecation",
    ),
    "run": ("config", "runs", "corpus", "batching", "training"),
    "tools": ("planning", "reporting"),
    "top": ("lifecycle", "sweeping", "cli", "testing", "__main__"),
}
ROOMS = [room for rooms in FLOORS.values() for room in rooms]
TYPES_FROM_ABOVE = {"pluglm.config.run_config"}
"""What techniques are told of a run is typed as the config that holds them; nothing else points upward."""

Modules = Mapping[str, str]


def modules() -> dict[str, str]:
    """The source of every module of the core by its name."""
    found = {}
    for path in sorted(CORE.rglob("*.py")):
        parts = path.relative_to(CORE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def imports(module: str, source: str, known: Modules) -> Iterator[tuple[str, bool]]:
    """Modules of the core that `module` imports, each with whether that is for type checkers alone."""
    exported = exports(known["pluglm"])
    is_folder = any(name.startswith(f"{module}.") for name in known)
    package = module if is_folder else module.rpartition(".")[0]

    def targets(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                # `from pluglm import X` is an import of the module that X stands in.
                yield full if full in known else exported.get(alias.name, base) if base == "pluglm" else base
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("import_module", "__import__"):
                yield str(node.args[0].value)

    def walk(node: ast.AST, typed: bool) -> Iterator[tuple[str, bool]]:
        yield from ((target, typed) for target in targets(node) if target in known and target != "pluglm")
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            negated = isinstance(node.test, ast.UnaryOp)
            for part, own in ((node.body, not negated), (node.orelse, negated)):
                for statement in part:
                    yield from walk(statement, typed or own)
            return
        for child in ast.iter_child_nodes(node):
            yield from walk(child, typed)

    yield from walk(ast.parse(source), False)


def exports(source: str) -> dict[str, str]:
    """The module of each name that `pluglm` exports."""
    tree = ast.parse(source)
    return {
        alias.name: str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pluglm")
        for alias in node.names
    }


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def upward(module: str, source: str, known: Modules) -> list[str]:
    """A line for each import of `module` that points to a floor above its own."""
    here = room(module)
    return [
        f"{module} imports {target}{' for types' * typed}"
        for target, typed in imports(module, source, known)
        if here and ROOMS.index(room(target)) > ROOMS.index(here) and not (typed and target in TYPES_FROM_ABOVE)
    ]


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of nodes that reach each other (Tarjan 1972), each sorted."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found


def test_every_room_has_a_floor() -> None:
    assert {room(module) for module in modules()} - {""} == set(ROOMS) & {room(module) for module in modules()}
    missing = [name for name in ROOMS if not (CORE / name).is_dir() and not (CORE / f"{name}.py").is_file()]
    assert missing == []


def test_no_import_points_upward() -> None:
    known = modules()
    assert [line for name, source in known.items() for line in upward(name, source, known)] == []


def test_no_imports_run_in_a_circle() -> None:
    known = modules()
    files: dict[str, set[str]] = {}
    rooms: dict[str, set[str]] = {}
    for name, source in known.items():
        for target, typed in imports(name, source, known):
            if not typed and name != target and room(name):
                files.setdefault(name, set()).add(target)
                if room(name) != room(target):
                    rooms.setdefault(room(name), set()).add(room(target))
    assert circles(files) == [] and circles(rooms) == []


PLANTED = [
    ("pluglm.errors", "import pluglm.document"),
    ("pluglm.files.storage", "from pluglm.catalog import installed_catalog"),
    ("pluglm.files.seal", "def late():\n    from pluglm.corpus.ledger import Account"),
    ("pluglm.families.source", "from pluglm.corpus import ledger"),
    ("pluglm.technique", "from pluglm import RunConfig"),
    ("pluglm.config.settings", "if True:\n    import pluglm.training.loop as loop"),
    ("pluglm.corpus.ledger", "from ..reporting import html"),
    ("pluglm.batching.order", "class Late:\n    from pluglm.lifecycle.run import run"),
    ("pluglm.training.loop", "import importlib\nimportlib.import_module('pluglm.planning.forecast')"),
    ("pluglm.planning.work", "try:\n    from pluglm.cli import main\nexcept ImportError:\n    pass"),
    ("pluglm.reporting.html", "if TYPE_CHECKING:\n    from pluglm.lifecycle.fit import fit"),
    ("pluglm.lifecycle.fit", "if not TYPE_CHECKING:\n    from pluglm.sweeping.sweep import sweep"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "line"), PLANTED, ids=[module for module, _ in PLANTED])
def test_an_import_upward_is_found(module: str, line: str) -> None:
    known = modules()
    assert len(upward(module, f"{known[module]}\n\n{line}\n", known)) == 1


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}}) == [["b", "c"]]


def test_the_architecture_page_shows_these_floors() -> None:
    page = (HOME / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = page.split("```")[1]
    shown = {
        line.split()[0]: tuple(re.sub(r"\.py|/", "", word) for word in line.split()[1:])
        for line in picture.strip().splitlines()
        if line.strip() and line.split()[0] in FLOORS
    }
    assert shown == {floor: tuple(name for name in rooms if name != "__main__") for floor, rooms in FLOORS.items()}
