"""Deprecated hooks and parameters that a run uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pluglm.catalog import Catalog

if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig


def deprecations(config: RunConfig, catalog: Catalog) -> Iterator[str]:
    """A line for each deprecated hook of an installed plugin, for each deprecated technique that the config chooses,
    and for each deprecated parameter that it sets to other than its default."""
    for plugin in catalog.plugins.values():
        yield from (f"plugin {plugin}: {line}" for line in plugin.deprecated)
    for path, technique in config.techniques():
        if technique.deprecated:
            yield f"{technique.family}={technique.name} is deprecated: {technique.deprecated}"
        for name, field in type(technique).model_fields.items():
            # Not by getattr, at which pydantic warns too.
            if field.deprecated and technique.__dict__[name] != field.get_default(call_default_factory=True):
                why = f": {field.deprecated}" if isinstance(field.deprecated, str) else ""
                yield f"{path}.{name} is deprecated{why}"
