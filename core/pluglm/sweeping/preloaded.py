"""What all members' processes share, which are forked from one that has imported this once."""

from pluglm.catalog import installed_catalog
from pluglm.lifecycle import assemble, finish, fit, run

__all__ = ["assemble", "finish", "fit", "run"]

installed_catalog()
