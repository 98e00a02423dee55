"""What a plugin can implement, read off the hookspecs and the events."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from pluglm import events, hookspecs
from pluglm.families import FAMILIES
from pluglm.sections import ReportChart, ReportSection, ReportTable
from pluglm.verbs import Arguments, Flag, Verb

KINDS = {
    "registration": "What a plugin brings. Called once, when pluglm starts; nothing heavy is imported for it.",
    "contribution": "What a plugin adds to something that is being made. One that fails adds nothing.",
    "notification": "What a plugin is told as a run goes on, on the main process alone. What it returns is not used.",
}
ANSWERS: dict[str, tuple[Any, ...]] = {
    "ReportSection": (ReportSection, ReportTable, ReportChart),
    "Verb": (Verb, Flag, Arguments),
}
BEGINNING = """\
# Hooks

Everything a plugin can implement: functions in the module of its entry point (group `pluglm`), each marked with
`@hookimpl`. Written by `pluglm hooks --markdown` out of `core/pluglm/hookspecs.py`; a test compares.

A contribution or notification that raises costs neither the run nor other plugins: it leaves a line in
`observer_errors.txt` of the folder of the run or sweep.

What may change, and how a plugin is told: [CONTRIBUTING.md](../CONTRIBUTING.md#what-may-change)."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event."""

    name: str
    type: str
    about: str


@dataclass(frozen=True, slots=True)
class Structure:
    """A class whose fields a plugin reads, or fills in."""

    name: str
    about: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook as its specification says it. `family`: what it registers; `structures`: what it is told, or answers."""

    name: str
    kind: str
    signature: str
    about: str
    since: str
    instead: str
    family: str
    structures: tuple[Structure, ...]


def hooks() -> list[Hook]:
    """Every hook, in the order of the specifications."""
    return [_hook(spec) for spec in vars(hookspecs).values() if hasattr(spec, "pluglm_spec")]


def _hook(spec: Any) -> Hook:
    signature = inspect.signature(spec)
    returns = str(signature.return_annotation)
    given = ", ".join(f"{name}: {parameter.annotation}" for name, parameter in signature.parameters.items())
    kind = "registration" if not given else "notification" if returns == "None" else "contribution"
    told = [getattr(events, str(p.annotation).removeprefix("events.")) for p in signature.parameters.values()]
    answered = next((kinds for name, kinds in ANSWERS.items() if name in returns), ())
    return Hook(
        name=spec.__name__,
        kind=kind,
        signature=f"{spec.__name__}({given.replace('events.', '')}) -> {returns}",
        about=_joined(inspect.getdoc(spec) or ""),
        since=spec.since,
        instead=spec.instead,
        family=next((family for family, known in FAMILIES.items() if known.hook == spec.__name__), ""),
        structures=tuple(map(_structure, [*told, *answered])),
    )


def _structure(kind: Any) -> Structure:
    docs = inspect.getdoc(kind) or ""
    return Structure(kind.__name__, _joined(docs.partition("Attributes:")[0]), tuple(_fields(kind, attributes(docs))))


def _fields(kind: Any, about: dict[str, str]) -> Iterator[Field]:
    for field in fields(kind):
        yield Field(field.name, str(field.type).replace("events.", ""), about.get(field.name, "").rstrip("."))
    for name, made in inspect.getmembers(kind, lambda member: isinstance(member, property)):
        returns = str(inspect.signature(made.fget).return_annotation)
        yield Field(name, returns, _joined(inspect.getdoc(made) or "").rstrip("."))


def attributes(docs: str) -> dict[str, str]:
    """What the section "Attributes:" of a docstring says of each name; names that share a line share its text."""
    found: dict[str, str] = {}
    names: list[str] = []
    section = re.search(r"^Attributes:\n((?:[ ]+.*\n?|\n)*)", docs, flags=re.MULTILINE)
    for line in inspect.cleandoc("\n" + section[1]).splitlines() if section else ():
        begins = re.match(r"(\w+(?:, \w+)*): (.*)", line)
        if begins:
            names = begins[1].split(", ")
            found |= dict.fromkeys(names, begins[2])
        else:
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def _joined(text: str) -> str:
    return " ".join(text.split())


def as_data(hook: Hook) -> dict[str, Any]:
    """For JSON."""
    return asdict(hook)


def as_text(hook: Hook) -> str:
    """For a terminal."""
    lines = [hook.signature, f"  since {hook.since}, {hook.kind}", f"  {hook.about}"]
    if hook.instead:
        lines.insert(1, f"  deprecated: {hook.instead}")
    for structure in hook.structures:
        lines.append(f"  {structure.name}: {structure.about}")
        lines += [f"    {field.name}: {field.type}  {field.about}" for field in structure.fields]
    return "\n".join(lines)


def as_markdown(found: list[Hook]) -> str:
    """The reference, docs/hooks.md."""
    lines = [BEGINNING]
    for kind, about in KINDS.items():
        lines += ["", f"## {kind.capitalize()}", "", about]
        for hook in (hook for hook in found if hook.kind == kind):
            lines += ["", f"### `{hook.name}`", "", "```python", "@hookimpl", f"def {hook.signature}: ...", "```", ""]
            lines += [f"**Deprecated**: {hook.instead}.", ""] if hook.instead else []
            lines.append(f"{hook.about} Since {hook.since}.")
            if hook.family:
                lines.append(f"What a {hook.family} must do: `core/pluglm/families/{hook.family}.py`.")
            for structure in hook.structures:
                lines += ["", f"**`{structure.name}`**: {structure.about}", ""]
                lines += ["| field | type | what it is |", "|---|---|---|"]
                lines += [
                    f"| `{f.name}` | `{f.type}` | {f.about} |".replace(" | None`", " \\| None`")
                    for f in structure.fields
                ]
    return "\n".join(lines)
