"""Verbs that plugins bring: they run like the core's own, and what is wrong with one is told in a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pluglm import Arguments, Flag, PluglmError, Verb
from pluglm.catalog import Plugin, installed_catalog
from pluglm.cli import main
from pluglm.cli.dispatch import run_verb
from pluglm.cli.flags import parse
from pluglm.errors import ConfigError

COUNT = '''
from pluglm import Arguments, Flag, PluglmError

FLAGS = {"--by": Flag("how much to count at once (1)", "N"), "--loud": Flag("count in a loud voice")}

def run(given: Arguments) -> int:
    """Counts the words that it is given."""
    if "nothing" in given.words:
        raise PluglmError("there is nothing to count")
    print(len(given.words) * given.number("by", 1, least=0), sorted(given.flags))
    return 0

def candidates():
    return ["sheep", "stars"]

def epilog():
    return "Sheep are counted first.\\n"
'''
VERB = Verb("count", "count things", "counting", "THING... [--flags]", ("own",))
Told = tuple[int, str, str]
Command = Callable[..., Told]
AddVerbs = Callable[..., Plugin]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs pluglm here; returns its exit code, output and errors."""

    def run(*words: str) -> Told:
        monkeypatch.setattr("sys.argv", ["pluglm", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return run


@pytest.fixture
def add_verbs(plug_in, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AddVerbs:
    """Adds a plugin with these verbs; the module `counting` implements them."""
    monkeypatch.setenv("PLUGLM_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "counting", raising=False)
    (tmp_path / "counting.py").write_text(COUNT)

    def add(name: str, *verbs: object) -> Plugin:
        def register_verbs() -> list[object]:
            return list(verbs)

        return plug_in(name, register_verbs)

    return add


def test_it_is_run_with_what_it_is_given(add_verbs: AddVerbs, command: Command) -> None:
    assert add_verbs("counter", VERB).error is None
    assert command("count", "a", "--by", "3", "b", "--loud") == (0, "6.0 ['by', 'loud']\n", "")
    assert command("count", "nothing") == (1, "", "pluglm: there is nothing to count\n")
    assert run_verb("count", ["a", "--by=2"]) == 0


def test_its_help_is_shown(add_verbs: AddVerbs, command: Command) -> None:
    add_verbs("counter", VERB)
    code, shown, _ = command("--help")
    assert code == 0 and "  count       count things  [pluglm-counter]\n" in shown
    expected = """usage: pluglm count THING... [--flags]

Counts the words that it is given.

  --by N   how much to count at once (1)
  --loud   count in a loud voice

Sheep are counted first.
"""
    assert command("count", "--help") == (0, expected, "")


def test_it_is_completed(add_verbs: AddVerbs, command: Command, tmp_path: Path) -> None:
    takes_runs = Verb("recount", "count again", "counting", takes=("runs",))
    add_verbs("counter", VERB, takes_runs, Verb("uncount", "forget", "counting", takes=("overrides",)))
    (tmp_path / "some_run").mkdir()
    assert command("complete", "pluglm cou")[1] == "count\n"
    assert command("complete", "pluglm count s")[1].split() == ["sheep", "stars"]
    assert command("complete", "pluglm count --")[1].split() == ["--by", "--help", "--loud"]
    assert command("complete", "pluglm recount some")[1] == "some_run/\n"
    assert command("complete", "pluglm uncount optimizer=adamw optimizer.eps")[1] == "optimizer.eps=\n"
    assert command("complete", "pluglm nothing s") == (0, "", "")


def test_plugins_shows_it(add_verbs: AddVerbs, command: Command) -> None:
    add_verbs("counter", VERB)
    assert "counter (pluglm-counter 1.0): pluglm count\n" in command("plugins")[1]
    rows = {row["name"]: row for row in json.loads(command("plugins", "--json")[1])}
    assert rows["counter"]["verbs"] == ["count"] and rows["optimizers"]["verbs"] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["cuont"], "cuont: no such verb; did you mean 'count'?"),
        (["zzz"], "zzz: no such verb; see pluglm --help"),
        (["count", "--lout"], "--lout: no such flag; did you mean --loud?"),
        (["count", "--by"], "--by: takes a N"),
        (["count", "--by", "--loud"], "--by: takes a N"),
        (["count", "--by", "many"], "--by=many: takes a number of at least 0"),
        (["count", "--by=-1"], "--by=-1: takes a number of at least 0"),
        (["count", "--by=inf"], "--by=inf: takes a number of at least 0"),
        (["count", "--loud=very"], "--loud=very: takes no value"),
        (["count", "--loud", "--loud"], "--loud: is given twice"),
        (["silent", "sheep"], "silent=sheep: takes no words besides flags"),
        (["plugins", "sheep"], "plugins=sheep: takes no words besides flags"),
        (["missing"], "missing: no_such_module_anywhere cannot be imported: ModuleNotFoundError: No module named"),
        (["empty"], "empty: json has no function run(given)"),
    ],
)
def test_mistakes_are_told_in_a_line(words: list[str], told: str, add_verbs: AddVerbs, command: Command) -> None:
    silent = Verb("silent", "take no words", "counting")
    missing = Verb("missing", "cannot be imported", "no_such_module_anywhere")
    assert add_verbs("counter", VERB, silent, missing, Verb("empty", "does nothing", "json")).error is None
    code, shown, error = command(*words)
    assert code == 2 and shown == "" and error.count("\n") == 1
    assert error.startswith(f"pluglm: {told}")


def test_a_verb_without_an_exit_code(add_verbs: AddVerbs, command: Command, tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text("def run(given):\n    'Does nothing.'\n")
    add_verbs("counter", VERB)
    assert command("count") == (1, "", "pluglm: counting.run returned None, which is not an exit code\n")


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("count", "which is not a Verb"),
        (Verb("Count", "count", "counting"), "'Count' cannot be the name of a verb"),
        (Verb("--count", "count", "counting"), "'--count' cannot be the name of a verb"),
        (Verb("help", "count", "counting"), "'help' cannot be the name of a verb"),
        (Verb("complete", "count", "counting"), "'complete' cannot be the name of a verb"),
        (Verb("count", "", "counting"), "verb count has no help"),
        (Verb("count", "count\tthings", "counting"), "verb count: help and usage are one line each"),
        (Verb("count", "count", "counting", "THING\n"), "verb count: help and usage are one line each"),
        (Verb("count", "count", "counting.py/"), "'counting.py/' is not the dotted name of a module"),
        (Verb("count", "count", "counting", takes="runs"), "takes is a tuple"),  # type: ignore[arg-type]
        (Verb("count", "count", "counting", takes=("run",)), "takes is a tuple"),  # type: ignore[arg-type]
        (Verb("train", "train otherwise", "counting"), "verb=train is registered by both pluglm and pluglm-bad (bad)"),
    ],
)
def test_what_cannot_be_a_verb_is_refused(verb: object, told: str, add_verbs: AddVerbs, command: Command) -> None:
    error = add_verbs("bad", verb).error
    assert error is not None and told in error
    assert "count" not in installed_catalog().verbs()
    assert command("train", "--help")[1].startswith("usage: pluglm train ")
    code, shown, _ = command("--help")
    assert code == 0 and f"plugin 'bad' did not load: {error}" in shown
    code, shown, _ = command("plugins")
    assert code == 1 and error in shown


def test_two_plugins_with_one_verb(add_verbs: AddVerbs, command: Command) -> None:
    assert add_verbs("counter", VERB).error is None
    both = "is registered by both pluglm-counter (counter) and pluglm-other (other)"
    assert add_verbs("other", VERB, Verb("recount", "count again", "counting")).error == f"verb=count {both}"
    assert command("count")[2] == (
        f"pluglm: count: {both}; uninstall one, or leave the second out: PLUGLM_PLUGINS=-other\n"
    )
    assert add_verbs("twice", *[Verb("again", "count", "counting")] * 2).error == "verb=again is registered twice"
    code, _, error = command("recount")
    assert code == 2 and f"no such verb; plugin 'other' did not load: verb=count {both}" in error


def test_the_core_keeps_its_verbs_without_plugins(monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    installed_catalog.cache_clear()
    monkeypatch.setenv("PLUGLM_PLUGINS", "")
    try:
        assert {"train", "check", "plugins"} < set(installed_catalog().verbs())
        assert command("train", "--help")[0] == 0
        assert "  train " in command("--help")[1]
    finally:
        installed_catalog.cache_clear()


def test_a_number_is_whole_where_it_must_be() -> None:
    flags = {"--n": Flag("how many", "N")}
    assert parse(["--n=4"], flags).number("n", 1, whole=True) == 4
    assert Arguments().number("n", 1.5) == 1.5
    for wrong in ("4.5", "nan", "four"):
        with pytest.raises(ConfigError, match=f"--n={wrong}: takes a whole number"):
            parse([f"--n={wrong}"], flags).number("n", 1, whole=True)


def test_a_check_of_a_good_verb_passes() -> None:
    VERB.check()
    with pytest.raises(PluglmError):
        Verb("a--b", "count", "counting").check()
