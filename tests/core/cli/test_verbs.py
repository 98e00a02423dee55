"""What the light verbs print, and how mistakes in their words are answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_runs import SMALL

from pluglm import Verb
from pluglm.built_in_verbs import VERBS
from pluglm.catalog import installed_catalog
from pluglm.cli import main
from pluglm.cli.dispatch import flags_of, module_of
from pluglm.families import FAMILIES


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command."""
    monkeypatch.setattr("sys.argv", ["pluglm", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out, shown.err


def test_list_has_every_technique(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown, _ = command(monkeypatch, capsys, "list")
    assert code == 0
    for technique in installed_catalog():
        assert technique.name in shown
    code, shown, _ = command(monkeypatch, capsys, "list", "optimizer", "--json")
    found = json.loads(shown)
    assert {entry["name"] for entry in found} == set(installed_catalog().names("optimizer"))


@pytest.mark.parametrize("family", FAMILIES)
def test_show_tells_all_of_a_technique(
    family: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in installed_catalog().names(family):
        technique = installed_catalog().find(family, name)
        assert technique is not None
        code, shown, _ = command(monkeypatch, capsys, "show", f"{family}={name}")
        assert code == 0
        flat = " ".join(shown.split())
        assert technique.about().split(".")[0][:60] in flat
        for parameter in technique.model_fields:
            assert parameter in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["trian"], "did you mean 'train'?"),
        (["list", "optimiser"], "did you mean 'optimizer'?"),
        (["show", "adamm"], "did you mean 'adam'?"),
        (["show"], "show"),
        (["train", "--quite"], "did you mean --quiet?"),
        (["resume", "no/such/folder"], "not a run folder"),
        (["report", "no/such/folder"], "no/such/folder"),
        (["compare", "no/such/folder"], "no/such/folder"),
        (["evaluate", "no/such/folder"], "not a run folder"),
        (["compress"], "run folder"),
        (["generate", "no/such/folder", "x"], "no/such/folder"),
        (["new-plugin", "Ünique"], "lower-case letters"),
        (["new-plugin", "a", "--family", "optimiser"], "did you mean 'optimizer'?"),
        (["completion", "tcsh"], "bash"),
        (["check", "optimizer=sgdd"], "did you mean 'sgd'?"),
        (["plan", "optimizer=sgdd"], "did you mean 'sgd'?"),
        (["prepare", "optimizer=sgdd"], "did you mean 'sgd'?"),
    ],
)
def test_mistakes_in_words(
    words: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, error = command(monkeypatch, capsys, *words)
    assert code == 2, error
    assert told in error and error.startswith("pluglm: ") and "Traceback" not in error


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_is_described_and_refuses_what_it_does_not_know(
    verb: Verb, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb.check()
    module = module_of(verb)
    assert len(module.run.__doc__) > 15
    assert all(name.startswith("-") and flag.help for name, flag in flags_of(module).items())
    code, shown, error = command(monkeypatch, capsys, verb.name, "--no-such-flag")
    assert code == 2 and not shown and error == "pluglm: --no-such-flag: no such flag; see --help\n"


def test_plugins_lists_distributions(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown, _ = command(monkeypatch, capsys, "plugins")
    assert code == 0
    for name in ("sources", "optimizers", "parallelism"):
        assert name in shown


def test_completion_knows_techniques_and_keys(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, shown, _ = command(monkeypatch, capsys, "complete", "pluglm train optimizer=")
    assert {f"optimizer={name}" for name in installed_catalog().names("optimizer")} <= set(shown.split())
    _, shown, _ = command(monkeypatch, capsys, "complete", "pluglm train model=pretrained model.lora.r")
    assert shown.split() == ["model.lora.r=", "model.lora.rslora="]
    _, shown, _ = command(monkeypatch, capsys, "complete", "pluglm train train.st")
    assert "train.steps=" in shown


def test_check_says_what_was_chosen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown, error = command(monkeypatch, capsys, "check", "objective=mlm")
    assert code == 0 and not error and shown
    code, shown, _ = command(monkeypatch, capsys, "plan", "experiment=smoke")
    assert code == 0 and "133," in shown


def test_new_plugin_writes_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, shown, _ = command(monkeypatch, capsys, "new-plugin", "my-own", "--family", "schedule")
    assert code == 0 and "pluglm-my-own" in shown
    assert (tmp_path / "pluglm-my-own" / "src" / "pluglm_my_own" / "my_own.py").is_file()
    code, _, error = command(monkeypatch, capsys, "new-plugin", "my-own")
    assert code == 1 and "exists already" in error


def test_prepare_shows_what_each_step_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SMALL, "source.generated_reviews.documents=60", "preprocessor=[lowercase]"]
    code, shown, _ = command(monkeypatch, capsys, "prepare", "--inspect", "--quiet", *words)
    assert code == 0 and "preprocessor.lowercase" in shown and "before" in shown and "changed 60" in shown
    folder = Path(shown.splitlines()[-1])
    assert "From documents to tokens" in (folder / "report.html").read_text(encoding="utf-8")
    # Where the documents give no example, what became of them is to be seen all the more.
    code, shown, error = command(
        monkeypatch, capsys, "prepare", "--inspect", "--quiet", *words, "data.sequence_length=100000"
    )
    assert code == 3 and "gives no example" in error and "changed 60" in shown
