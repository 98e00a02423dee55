"""Which runs are compared, and that the others are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sweep_folders import member, sweep_json

from pluglm.errors import ConfigError
from pluglm_comparing.comparison import compare
from pluglm_comparing.members import find_members
from pluglm_comparing.tables import terminal_text


def names(folder: Path) -> list[str]:
    return [found.name for found in find_members([folder])[0]]


def test_runs_are_found_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("10", "9", "x/2", "x/10"):
        member(tmp_path / "all" / name)
    assert names(tmp_path / "all") == ["9", "10", "x/2", "x/10"]
    twice, _ = find_members([tmp_path / "all", tmp_path / "all" / "9", tmp_path / "all" / "." / "10"])
    assert len(twice) == 4


def test_unfinished_and_broken_runs_are_named(tmp_path: Path) -> None:
    member(tmp_path / "a")
    member(tmp_path / "b", {"optimizer.lr": 0.1})
    member(tmp_path / "going", finished=False)
    broken = member(tmp_path / "broken")
    (broken / "results.json").write_text('{"name": "ru')
    begun = tmp_path / "begun"
    begun.mkdir()
    (begun / "config.yaml").write_text("name: x\n")
    found = compare([tmp_path])
    assert [one.name for one in found.members] == ["a", "b"]
    told = {one.name: (one.status, one.reason) for one in found.left_out}
    assert told == {
        "begun": ("unfinished", "has not begun to train"),
        "broken": ("broken", "its results.json cannot be read"),
        "going": ("unfinished", "step 30 of 100"),
    }
    for line in ("not compared: going: unfinished, step 30 of 100", "3 of 5 members are not in this comparison"):
        assert line in terminal_text(found)
    # The run that goes on has a curve, without being ranked.
    assert [curve.label for curve in found.validation_curves if curve.configuration is None] == [
        "broken (broken)",
        "going (unfinished)",
    ]


def test_a_sweep_names_members_that_left_no_run(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    member(sweep / "000-a")
    member(sweep / "001-b", {"optimizer.lr": 0.1})
    member(sweep / "002-c", {"optimizer.lr": 9.0}, finished=False)
    member(sweep / "005-f", {"optimizer.lr": 3.0})
    members: list[dict[str, Any]] = [
        {"folder": "000-a"},
        {"folder": "001-b"},
        {"folder": "002-c", "status": "failed", "reason": "the loss is not a number at step 31"},
        {"words": ["optimizer.lr=-1"], "status": "invalid", "reason": "must be above 0"},
        {"words": ["optimizer.lr=2"], "status": "waiting"},
        {"folder": "005-f", "status": "pruned", "reason": "worse than half of the others at step 10"},
    ]
    sweep_json(sweep, members)
    for paths in ([sweep], [tmp_path]):
        found = compare(paths)
        assert [one.name.rpartition("/")[2] for one in found.members] == ["000-a", "001-b"]
        told = {one.name.rpartition("/")[2]: (one.status, one.reason) for one in found.left_out}
        assert told == {
            "002-c": ("failed", "the loss is not a number at step 31"),
            "optimizer.lr=-1": ("invalid", "must be above 0"),
            "optimizer.lr=2": ("waiting", ""),
            "005-f": ("pruned", "worse than half of the others at step 10"),
        }
    # Given one by one, they are compared without the rest of the sweep; what it says of them still holds.
    assert not compare([sweep / "000-a", sweep / "001-b"]).left_out
    assert [one.status for one in compare([sweep / "000-a", sweep / "005-f"]).left_out] == ["pruned"]


def test_mistakes(tmp_path: Path) -> None:
    member(tmp_path / "a")
    member(tmp_path / "going", finished=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="holds no run"):
        compare([tmp_path / "a", tmp_path / "empty"])
    with pytest.raises(ConfigError, match="is not there"):
        compare([tmp_path / "nowhere"])
    with pytest.raises(ConfigError, match="two finished runs at least; found 0; going: unfinished, step 30 of 100"):
        compare([tmp_path / "going"])
    # A sweep of which one member finished still has its page.
    assert "One finished run: validation loss 3." in terminal_text(compare([tmp_path / "a", tmp_path / "going"]))


def test_a_model_with_its_own_tokenizer_is_not_labelled_with_another(tmp_path: Path) -> None:
    base = {"name": "pretrained", "path": "base"}
    member(tmp_path / "0", {"model": base, "tokenizer": {"name": "bpe", "vocab_size": 300}})
    member(tmp_path / "1", {"model": {**base, "path": "other"}, "tokenizer": {"name": "byte"}})
    found = compare([tmp_path])
    assert not any(row.key.startswith("tokenizer") for row in found.differences)
    member(tmp_path / "2", {"tokenizer": {"name": "byte"}})
    (row,) = [row for row in compare([tmp_path]).differences if row.key.startswith("tokenizer")]
    assert row.values == ("its own tokenizer", "its own tokenizer", "byte")


def test_a_loss_says_what_it_is_of(tmp_path: Path) -> None:
    for number, rate in enumerate((1e-3, 1e-4)):
        chosen = {"objective": {"name": "classification"}, "optimizer.lr": rate}
        member(tmp_path / "classes" / str(number), chosen)
        member(tmp_path / "tokens" / str(number), {"objective": {"name": "clm"}, "optimizer.lr": rate})
    meaning = {
        kind: compare([tmp_path / kind]).metrics["validation loss"].meaning for kind in ("classes", "tokens", "")
    }
    assert meaning["classes"] == "nats for a document" and meaning["tokens"] == "nats for a token"
    assert "in each run of what its objective predicts" in meaning[""]
