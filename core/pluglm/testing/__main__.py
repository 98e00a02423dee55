"""`python -m pluglm.testing [--pluglm-plugin NAME] [pytest's own words]`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the kit and return pytest's exit code."""
    import pytest

    own = ["-p", "pluglm.testing.plugin", "-p", "no:cacheprovider", "--pyargs", "pluglm.testing"]
    return int(pytest.main([*own, *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
