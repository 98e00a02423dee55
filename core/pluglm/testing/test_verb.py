"""What holds for a verb that a plugin adds to the command line."""

from __future__ import annotations

import inspect

import pytest

from pluglm import Flag, PluglmError, Verb
from pluglm.cli.dispatch import flags_of, module_of, run_verb
from pluglm.testing.imports import heavy_imports


def test_verb_has_a_help(verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    about = inspect.getdoc(module_of(verb).run) or ""
    assert len(about) >= 10, f"{verb.module}.run has no docstring, which is the verb's help"
    assert run_verb(verb.name, ["--help"]) == 0
    assert f"usage: pluglm {verb.name}" in capsys.readouterr().out


def test_verb_describes_its_flags(verb: Verb) -> None:
    for name, flag in flags_of(module_of(verb)).items():
        assert name.startswith("--") and name[2:].replace("-", "").isalnum() and name == name.lower(), name
        assert isinstance(flag, Flag) and flag.help.strip() and flag.help.isprintable(), f"{name} is not described"


def test_verb_imports_nothing_heavy_for_its_help(verb: Verb) -> None:
    found = heavy_imports(verb.module)
    assert not found, f"{verb.module} imports {found} at module level; import it inside the function that needs it"


def test_verb_completes_words(verb: Verb) -> None:
    module = module_of(verb)
    if not hasattr(module, "candidates"):
        pytest.skip("has no candidates()")
    assert "own" in verb.takes, 'has candidates(), which are used only where the verb takes "own"'
    assert all(isinstance(word, str) and word and not word.isspace() for word in module.candidates())


def test_verb_names_a_run_folder_that_is_not_there(verb: Verb) -> None:
    if "runs" not in verb.takes:
        pytest.skip("takes no run folders")
    with pytest.raises(PluglmError) as told:
        run_verb(verb.name, ["no_such_folder"])
    assert "no_such_folder" in str(told.value), "the message does not say which folder is not there"
