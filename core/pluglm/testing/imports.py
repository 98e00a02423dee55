"""What a module imports, seen in a process of its own."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "transformers", "tensorflow", "jax", "numpy", "scipy", "pandas", "sklearn", "datasets", "matplotlib")


def heavy_imports(module: str) -> list[str]:
    """The heavy libraries that importing `module` imports.

    Raises:
        AssertionError: where it cannot be imported.
    """
    code = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()
