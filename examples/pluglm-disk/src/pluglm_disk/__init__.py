"""The verb `pluglm disk`: the sizes of run folders, and what of them could be removed."""

from __future__ import annotations

from pluglm import Verb, hookimpl


@hookimpl
def register_verbs() -> list[Verb]:
    """The verb. Its module is imported when it is used."""
    return [Verb("disk", "list run folders and their sizes", "pluglm_disk.disk", "[FOLDER...] [--flags]", ("runs",))]
