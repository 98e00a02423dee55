"""What can be chosen and set, as text for the help of `train` and the verbs that take the same words."""

from __future__ import annotations

from pluglm.catalog import installed_catalog
from pluglm.config.recipes import recipes
from pluglm.config.validate import SETTINGS
from pluglm.families import FAMILIES


def choices_text() -> str:
    """Every family with its techniques, the experiments, and the settings with their defaults."""
    catalog = installed_catalog()
    lines = ["Families (one: family=name; many: 'family=[a,b]'):"]
    for family, spec in FAMILIES.items():
        lines.append(f"  {family:<13} {'many' if spec.many else 'one ':<4}  {', '.join(catalog.names(family)) or '-'}")
    lines += ["", "Experiments (experiment=name):"]
    for recipe in recipes("experiment").values():
        origin = "" if recipe.owner == "pluglm" else f"  [{recipe.owner}]"
        lines.append(f"  {recipe.name:<20} {recipe.about()}{origin}")
    lines += ["", "Settings:"]
    lines += ["  name=run", "  seed=0"]
    for section, settings in SETTINGS.items():
        for name, field in settings.model_fields.items():
            default = "null" if field.default is None else field.default
            lines.append(f"  {f'{section}.{name}={default}':<34} {field.description}")
    lines += ["", "A technique's own parameters: pluglm show FAMILY=NAME", ""]
    return "\n".join(lines)
