"""The cache lists what it holds and gives up what nobody uses."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from small_runs import SMALL

from pluglm.cli import main
from pluglm.config.compose import compose
from pluglm.corpus.cache import entries, prune
from pluglm.files.storage import make_once
from pluglm.lifecycle.preparation import prepare

WORDS = [*SMALL, "source.generated_reviews.documents=60", "preprocessor=[lowercase]", "data.validation_fraction=0.2"]
MONTH = timedelta(days=30)


def filled(cache: Path, *more: str) -> None:
    prepare(
        compose([*WORDS, *more, f"data.cache_dir={cache}"]),
        cache.parent / f"run{len(list(cache.parent.iterdir()))}",
        True,
    )


def test_entries_say_what_they_hold(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert list(entries(cache)) == []
    filled(cache)
    corpus, examples, layers = entries(cache)
    assert (corpus.kind, examples.kind, layers.kind) == ("corpora", "examples", "layers")
    assert corpus.about == "generated_reviews > lowercase > split" and examples.about.startswith("train ")
    assert corpus.bytes == sum(path.stat().st_size for path in corpus.path.rglob("*") if path.is_file()) > 1000
    # Another objective shares the corpus.
    filled(cache, "objective=mlm")
    assert [entry.kind for entry in entries(cache)] == ["corpora", "examples", "examples", "layers"]


def test_what_was_used_lately_stays(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    filled(cache)
    for path in (cache / "corpora").iterdir():
        os.utime(path, (0, 0))
    # Taking it again counts as using it.
    filled(cache)
    assert prune(cache, MONTH) == []
    later = datetime.now(UTC) + MONTH
    assert len(prune(cache, MONTH, now=later)) == 3 and list(entries(cache)) == []
    filled(cache)
    assert len(list(entries(cache))) == 3


def test_half_made_results_go_unless_they_are_being_made(tmp_path: Path) -> None:
    corpora = tmp_path / "corpora"
    for name in ("dead.tmp", "alive.tmp"):
        (corpora / name).mkdir(parents=True)
    with FileLock(str(corpora / "alive.lock")):
        assert list(entries(tmp_path)) == [] and prune(tmp_path, timedelta(0)) == []
        assert [path.name for path in corpora.glob("*.tmp")] == ["alive.tmp"]

    def make(folder: Path) -> None:
        (folder / "x").write_text("1")

    make_once(corpora / "alive", make)
    assert [entry.path.name for entry in entries(tmp_path)] == ["alive"]


@pytest.mark.parametrize(("kind", "left"), [("corpora", "layers"), ("examples", "corpora")])
def test_what_is_taken_for_something_that_is_being_made_stays(tmp_path: Path, kind: str, left: str) -> None:
    cache = tmp_path / "cache"
    filled(cache)
    with FileLock(str(cache / kind / "other.lock")):
        prune(cache, timedelta(0), now=datetime.now(UTC) + MONTH)
        assert left in {entry.kind for entry in entries(cache)}
    prune(cache, timedelta(0), now=datetime.now(UTC) + MONTH)
    assert list(entries(cache)) == []


def test_a_prune_that_is_stopped_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    filled(cache)
    corpus = next(entries(cache)).path

    def stopped(path: Path, ignore_errors: bool = False) -> None:
        if path.exists():
            raise KeyboardInterrupt

    monkeypatch.setattr("pluglm.files.replacing.shutil.rmtree", stopped)
    with pytest.raises(KeyboardInterrupt):
        prune(cache, timedelta(0), now=datetime.now(UTC) + MONTH)
    assert not corpus.exists()


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["pluglm", "cache", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    cache = tmp_path / "cache"
    filled(cache)
    capsys.readouterr()
    assert command(monkeypatch, "list", "--dir", str(cache)) == 0
    assert "generated_reviews > lowercase > split" in (shown := capsys.readouterr().out) and "3 entries" in shown
    assert command(monkeypatch, "list", "--json", "--dir", str(cache)) == 0
    assert {row["kind"] for row in json.loads(capsys.readouterr().out)} == {"corpora", "examples", "layers"}
    assert command(monkeypatch, "prune", "--dir", str(cache)) == 0
    assert "0 entries" in capsys.readouterr().out
    assert command(monkeypatch, "prune", "--older-than", "0", "--dir", str(cache)) == 0
    assert "3 entries" in capsys.readouterr().out and list(entries(cache)) == []
    for wrong in (["clear"], [], ["prune", "--older-than", "soon"], ["prune", "--older-than", "-1"]):
        assert command(monkeypatch, *wrong) == 2
        assert "pluglm: " in capsys.readouterr().err
