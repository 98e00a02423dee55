"""A technique: validated parameters that know how to do, or build, one thing."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig
    from pluglm.errors import Problem


class Technique(BaseModel):
    """Base of every technique of every family.

    The fields of a subclass are its parameters and their defaults the only defaults; its docstring is its help.
    It is frozen and holds no tensor and no open file: what exists only during a run comes in as an argument.

    Class variables:
        family: the family's name, set by the family's base class.
        name: what the user types; by default the class name in snake case (`MyTechnique` is `my_technique`).
        suggests: techniques of other families this one goes with, as `{family: name}`. They are taken where the
            config leaves that family at `auto`.
        requires: modules that it needs beyond its package's own dependencies, each with what `pip install` brings it:
            `{"ftfy": "pluglm[data]"}`. A config that chooses it without them is refused with that line.
        deprecated: what to use instead, where the technique will be removed: "use new_name". `pluglm list` and `show`
            say so, and so does a run that uses it, in its notes.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, protected_namespaces=()
    )

    family: ClassVar[str]
    name: ClassVar[str] = ""
    suggests: ClassVar[dict[str, str]] = {}
    requires: ClassVar[dict[str, str]] = {}
    deprecated: ClassVar[str] = ""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if "name" not in cls.__dict__:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def about(cls) -> str:
        """The first sentence of the docstring."""
        text = " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].split())
        return re.split(r"(?<=[.])\s+(?=[A-Z\d`])", text, maxsplit=1)[0]

    @classmethod
    def missing(cls) -> dict[str, str]:
        """Those of `requires` that are not installed; none of them is imported to find out."""
        return {module: brought for module, brought in cls.requires.items() if importlib.util.find_spec(module) is None}

    def files_read(self) -> Iterable[Path]:
        """Files, or folders of files, that it reads beside the documents it is given. Their bytes are part of what it
        is: what was made with others is not taken from the cache. The default is what its parameters of type `Path`
        name."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value for value in values if isinstance(value, Path)]

    def problems(self, run: RunConfig) -> Iterable[Problem]:
        """What keeps this technique from working with the others in `run`. Called before any compute: import
        nothing heavy here."""
        return ()


def parameters(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields of a technique or a group of settings by name; those of a group within it as `group.name`."""
    for name, field in model.model_fields.items():
        if inspect.isclass(field.annotation) and issubclass(field.annotation, BaseModel):
            yield from ((f"{name}.{inner}", part) for inner, part in parameters(field.annotation))
        else:
            yield name, field
