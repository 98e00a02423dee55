"""Verbs of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pluglm import Verb
from pluglm.catalog import installed_catalog
from pluglm.cli.dispatch import flags_of, module_of
from pluglm.testing.imports import HEAVY

# As the `pluglm` command, which says in the end what the verb imported. What plugins import is not its fault.
PROGRAM = f"""
import sys
from pluglm.catalog import installed_catalog
from pluglm.cli import main
installed_catalog()
before = set(sys.modules)
sys.argv = ["pluglm", *sys.argv[1:]]
try:
    main()
finally:
    print("imported", [name for name in {HEAVY} if name in sys.modules.keys() - before], file=sys.stderr)
"""


def outcome(folder: Path, *words: str, **environment: str) -> tuple[int, str, list[str], str]:
    """Exit code, output, lines of errors and the heavy modules imported of `pluglm` with these words."""
    command, environment = [sys.executable, "-c", PROGRAM, *words], {**os.environ, **environment}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    *errors, imported = done.stderr.splitlines()
    return done.returncode, done.stdout, errors, imported


def test_verb_help_is_its_docstring(verb: Verb, tmp_path: Path) -> None:
    run = module_of(verb).run
    assert len((run.__doc__ or "").strip()) >= 10, "run(given) has no docstring, which is the verb's help"
    code, shown, errors, _ = outcome(tmp_path, verb.name, "--help")
    assert code == 0 and not errors, errors
    assert shown.startswith(f"usage: pluglm {verb.name}") and (run.__doc__ or "").strip().split("\n")[0] in shown


def test_verb_help_imports_nothing_heavy(verb: Verb, tmp_path: Path) -> None:
    owner = installed_catalog().verb_owner(verb.name)
    assert owner is not None
    # Another plugin may have imported it before.
    _, _, _, imported = outcome(tmp_path, verb.name, "--help", PLUGLM_PLUGINS=owner.name.partition(" ")[0])
    assert imported == "imported []", "imported at module level; import it inside the function that needs it"


def test_verb_flags_are_described(verb: Verb) -> None:
    for name, flag in flags_of(module_of(verb)).items():
        assert name.startswith("-") and name not in ("-h", "--help"), f"{name} cannot be a flag"
        assert flag.help.strip() and flag.help.isprintable(), f"{name} has no help of one line"


def test_verb_refuses_an_unknown_flag(verb: Verb, tmp_path: Path) -> None:
    code, shown, errors, _ = outcome(tmp_path, verb.name, "--no-such-flag-anywhere")
    assert code == 2 and not shown and len(errors) == 1, errors
    assert errors[0].startswith("pluglm: --no-such-flag-anywhere: no such flag"), errors


def test_verb_names_a_run_that_is_not_there(verb: Verb, tmp_path: Path) -> None:
    if "runs" not in verb.takes:
        pytest.skip("takes no run folders")
    code, _, errors, _ = outcome(tmp_path, verb.name, "no/such/run")
    assert code != 0, "a folder that is not there was taken"
    assert all(line.startswith("pluglm: ") for line in errors), f"raise PluglmError for it: {errors}"
    assert any("no/such/run" in line for line in errors), "the message does not say which folder is not there"
