"""From the catalog to Hydra's config groups: `optimizer=NAME`, `preprocessor=[NAME,NAME]` need no YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from pluglm.catalog import Catalog
from pluglm.config.sections import SETTINGS
from pluglm.families import FAMILIES
from pluglm.technique import Technique

AUTO = "auto"
_stored: tuple[type[Technique], ...] | None = None


def store_techniques(catalog: Catalog) -> None:
    """Put every technique into Hydra's ConfigStore, and `auto` for the families that take exactly one.

    What is there already stays: a store for the same techniques is left as it is.
    """
    global _stored
    techniques = tuple(catalog)
    if techniques == _stored:
        return
    _stored = techniques
    OmegaConf.register_new_resolver("by", _looked_up, replace=True)
    store = ConfigStore.instance()
    for section, settings in SETTINGS.items():
        node = DictConfig(defaults(settings), flags={"struct": False})
        store.store(name=section, group="settings", node=node, package=section, provider="pluglm")
    for family, spec in FAMILIES.items():
        nodes = {name: {"name": name} | defaults(catalog.find(family, name)) for name in catalog.names(family)}
        if not spec.many:
            nodes[AUTO] = {"name": AUTO}
        for name, fields in nodes.items():
            # Left open so that an unknown key reaches validation, which can say what it should have been.
            node = DictConfig(fields, flags={"struct": False})
            package = f"{family}.{name}" if spec.many else family
            store.store(name=name, group=family, node=node, package=package, provider="pluglm")


def _looked_up(key: Any, table: Mapping[Any, Any]) -> Any:
    """`${by:${model.hidden_size},{64:7e-3,128:5e-3}}` in a recipe: a value that goes with another."""
    if key not in table:
        raise ValueError(f"no value goes with {key}; known: {', '.join(map(str, table))}")
    return table[key]


def defaults(model: type[BaseModel] | None) -> dict[Any, Any]:
    """A model's defaults as plain data; a required field is OmegaConf's `???`."""
    if model is None:
        return {}
    return {
        name: "???" if field.is_required() else to_jsonable_python(field.get_default(call_default_factory=True))
        for name, field in model.model_fields.items()
    }
