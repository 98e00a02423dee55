"""What can be chosen and set, as text for the help of `train` and the verbs that take the same words."""

from __future__ import annotations

from pluglm.catalog import installed_catalog
from pluglm.config.recipe_search import recipes
from pluglm.config.sections import SETTINGS
from pluglm.families import FAMILIES
from pluglm.recipes import GROUPS

RECIPES = {"experiment": "Experiments", "sweep": "Sweeps", "hardware": "Hardware to plan for"}


def choices_text() -> str:
    """Every family with its techniques, the recipes, and the settings with their defaults."""
    catalog = installed_catalog()
    lines = ["Families (one: family=name; many: 'family=[a,b]'):"]
    for family, spec in FAMILIES.items():
        lines.append(f"  {family:<13} {'many' if spec.many else 'one ':<4}  {', '.join(catalog.names(family)) or '-'}")
    for group in GROUPS:
        lines += ["", f"{RECIPES[group]} ({group}=name):"]
        for recipe in recipes(group).values():
            origin = "" if recipe.owner == "pluglm" else f"  [{recipe.owner}]"
            lines.append(f"  {recipe.name:<22} {recipe.about()}{origin}")
    lines += ["", "Settings:"]
    lines += ["  name=run", "  seed=0"]
    for section, settings in SETTINGS.items():
        for name, field in settings.model_fields.items():
            default = "null" if field.default is None else field.default
            lines.append(f"  {f'{section}.{name}={default}':<34} {field.description}")
    lines += ["", "A technique's own parameters: pluglm show FAMILY=NAME", ""]
    return "\n".join(lines)
