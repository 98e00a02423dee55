"""Comparisons tell what differed, and only that; who is best, by what; and where one technique made the step."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from run_folders import config, full_run, minimal_run
from sweep_folders import grid, member

from pluglm.errors import ConfigError
from pluglm_comparing.comparison import Comparison, compare
from pluglm_comparing.differences import Difference
from pluglm_comparing.tables import csv_text, json_text, terminal_text


def changed(folder: Path, **parts: object) -> Path:
    full_run(folder)
    (folder / "config.yaml").write_text(yaml.safe_dump({**config(), **parts}, sort_keys=False))
    return folder


def differing(*folders: Path) -> list[tuple[str, tuple[object, ...]]]:
    return [(row.key, row.values) for row in compare(folders).differences]


def quality(found: Comparison) -> str | None:
    return found.quality.name if found.quality else None


def test_a_parameter_that_differs(tmp_path: Path) -> None:
    runs = [full_run(tmp_path / "a", lr=0.001, bits_per_byte=2.0), full_run(tmp_path / "b", lr=0.1, bits_per_byte=1.9)]
    found = compare(runs, "bits_per_byte")
    assert found.differences == (Difference("optimizer.lr", (0.001, 0.1)),)
    assert found.values("fit.bits_per_byte") == [2.02, 1.92]
    assert [found.configurations[one].label for one in found.order] == ["lr 0.1", "lr 0.001"]
    # Yardsticks are nobody's score.
    assert not any("unigram" in name for name in found.metrics)


def test_a_choice_that_differs_is_one_row(tmp_path: Path) -> None:
    other = {"name": "climbing", "lr": 0.001, "momentum": 0.9}
    assert differing(full_run(tmp_path / "a"), changed(tmp_path / "b", optimizer=other)) == [
        ("optimizer", ("descent", "climbing"))
    ]
    steps = {"tidy": {"name": "tidy", "fields": ["text"]}}
    assert differing(full_run(tmp_path / "c"), changed(tmp_path / "d", preprocessor=steps)) == [
        ("preprocessor", (["tidy", "digits"], ["tidy"]))
    ]


def test_where_the_same_choice_differs_in_itself_it_is_told(tmp_path: Path) -> None:
    runs = [full_run(tmp_path / "a"), full_run(tmp_path / "b", lr=0.5)]
    runs.append(changed(tmp_path / "c", optimizer={"name": "climbing", "momentum": 0.9}))
    assert [key for key, _ in differing(*runs)] == ["optimizer", "optimizer.lr"]


def test_what_does_not_make_a_run_is_no_difference(tmp_path: Path) -> None:
    parts = {
        "name": "other", "output": {"dir": "x", "folder": None}, "sweep": {"fail_fast": True}, "plan": {"probe": 1},
        "hardware": {"name": "h100"}, "tracker": {"board": {"name": "board"}},
        "data": {"sequence_length": 256, "cache_dir": "/elsewhere"},
    }  # fmt: skip
    assert differing(full_run(tmp_path / "a"), changed(tmp_path / "b", **parts)) == []


def test_losses_of_different_things_do_not_rank(tmp_path: Path) -> None:
    def ranked_by(name: str, settings: dict[str, object], with_bits: bool = True) -> str | None:
        runs = [member(tmp_path / name / "a"), member(tmp_path / name / "b", settings, loss=1.0)]
        if not with_bits:
            for run in runs:
                results = json.loads((run / "results.json").read_text())
                results["evaluations"][0]["scores"] = [
                    {"evaluator": "task", "name": "f1", "value": 0.5, "better": "higher"}
                ]
                (run / "results.json").write_text(json.dumps(results))
        return quality(compare(runs))

    assert ranked_by("lr", {"optimizer.lr": 0.1}) == "validation loss"
    assert ranked_by("tokenizer", {"tokenizer": {"name": "letters"}}) == "fit.bits_per_byte"
    assert ranked_by("objective", {"objective": {"name": "fill_in"}}, with_bits=False) == "task.f1"
    # A smaller share of documents may give another tokenizer; only where it is the same are losses comparable.
    assert ranked_by("fraction", {"data.train_fraction": 0.5}) == "fit.bits_per_byte"
    for run in ("a", "b"):
        (tmp_path / "fraction" / run / "model").mkdir()
        (tmp_path / "fraction" / run / "model" / "tokenizer.json").write_text("{}")
    assert quality(compare([tmp_path / "fraction"])) == "validation loss"


def test_the_metric_can_be_chosen(tmp_path: Path) -> None:
    scores = [
        {"evaluator": "task", "name": "f1", "value": 0.5, "better": "higher"},
        {"evaluator": "other", "name": "f1", "value": 0.5, "better": "higher"},
        {"evaluator": "pairs", "name": "preference", "value": 61.0, "better": "", "target": 50.0},
        {"evaluator": "pairs", "name": "count", "value": 3.0, "better": ""},
    ]
    near = [*scores[:2], scores[2] | {"value": 45.0}, scores[3]]
    runs = [member(tmp_path / "a", scores=scores), member(tmp_path / "b", {"optimizer.lr": 0.1}, scores=near)]
    for name, wanted in (
        ("task.f1", "task.f1"),
        ("validation_loss", "validation loss"),
        ("validation loss", "validation loss"),
        ("bits_per_byte", "fit.bits_per_byte"),
        ("training_seconds", "training_seconds"),
    ):
        assert quality(compare(runs, name)) == wanted
    # 45 is closer to 50 than 61 is.
    assert compare(runs, "preference").order == (1, 0)
    for name, reason in (
        ("f1", "could be task.f1 or other.f1"),
        ("bits_per_bite", "did you mean bits_per_byte"),
        ("count", "neither lower nor higher is better"),
    ):
        with pytest.raises(ConfigError, match=reason):
            compare(runs, name)


def test_a_run_whose_loss_is_no_number_comes_last(tmp_path: Path) -> None:
    runs = [member(tmp_path / str(rate), {"optimizer.lr": rate}, loss=3 - rate) for rate in (0.1, 0.2, 99.0)]
    (runs[2] / "metrics.jsonl").write_text('{"kind": "validation", "step": 100, "loss": NaN}\n')
    results = json.loads((runs[2] / "results.json").read_text())
    results["evaluations"][0]["scores"][0]["value"] = float("nan")
    (runs[2] / "results.json").write_text(json.dumps(results))
    found = compare(runs)
    assert quality(found) == "validation loss" and found.order == (1, 0, 2)
    assert "Best: lr 0.2" in terminal_text(found) and "NaN" not in json_text(found)


def test_runs_that_share_no_judged_figure_are_compared_without_a_rank(tmp_path: Path) -> None:
    runs = [minimal_run(tmp_path / "a"), minimal_run(tmp_path / "b")]
    for run in runs:
        (run / "results.json").write_text('{"name": "x"}')
    found = compare(runs)
    assert found.quality is None and "--metric" in terminal_text(found)
    assert len(csv_text(found).splitlines()) == 3


def test_seeds_make_configurations(tmp_path: Path) -> None:
    found = compare([grid(tmp_path / "grid", optimizers=2, rates=1, seeds=3)])
    assert [(one.label, one.seeds) for one in found.configurations] == [
        ("descent_0", (0, 1, 2)),
        ("descent_1", (0, 1, 2)),
    ]
    assert found.means[0]["validation loss"].n == 3 and found.means[0]["validation loss"].low is not None
    text = terminal_text(found)
    assert "Best: descent_0" in text and "beyond the noise" in text and "shared seeds" in text
    for number, loss in enumerate((3.0, 2.5)):
        for seed in range(3):
            wobble = 0.01 * ((number + 2 * seed) % 3)
            member(tmp_path / "won" / f"{number}{seed}", {"optimizer.lr": number + 1.0}, seed, loss + wobble)
    assert "better than the baseline, lr 1.\nThat is beyond the noise (p" in terminal_text(compare([tmp_path / "won"]))
    # The same seed twice is one seed.
    member(tmp_path / "more" / "a", seed=1, loss=3.0)
    member(tmp_path / "more" / "b", seed=1, loss=3.2)
    found = compare([tmp_path / "more"])
    assert found.means[0]["validation loss"].n == 1 and found.means[0]["validation loss"].mean == pytest.approx(3.1)


def test_with_one_seed_the_intervals_over_text_say_what_they_can(tmp_path: Path) -> None:
    near = [member(tmp_path / "near" / "a"), member(tmp_path / "near" / "b", {"optimizer.lr": 0.1}, loss=3.02)]
    far = [member(tmp_path / "far" / "a"), member(tmp_path / "far" / "b", {"optimizer.lr": 0.1}, loss=3.9)]
    assert "cannot be told" in terminal_text(compare(near, "bits_per_byte"))
    assert "of the first two overlap; another seed still might" in terminal_text(compare(near, "bits_per_byte"))
    assert "lie apart" in terminal_text(compare(far, "bits_per_byte"))
    # The validation loss has no interval of its own.
    assert "The intervals of bits per byte over held-out text of the first two overlap" in terminal_text(compare(near))


def test_the_baseline_has_most_in_common_with_the_others(tmp_path: Path) -> None:
    # A star: each differs from the third in one thing.
    star: list[dict[str, Any]] = [{"optimizer.lr": 0.1}, {"schedule.warmup": 0.5}, {}]
    star += [{"model.size": "small"}, {"tokenizer.vocab_size": 99}]
    for number, parts in enumerate(star):
        member(tmp_path / str(number), parts)
    assert compare([tmp_path]).baseline == 2
    assert compare([grid(tmp_path / "grid", seeds=1)]).baseline == 0


def test_one_change_at_a_time(tmp_path: Path) -> None:
    steps = {name: {"name": name} for name in ("tidy", "near", "long")}
    for number, left_out in enumerate([None, "tidy", "near", "long"]):
        for seed in range(3):
            chosen = {name: one for name, one in steps.items() if name != left_out}
            loss = 3 + 0.3 * (left_out == "near") - 0.2 * (left_out == "long") + 0.05 * seed
            wobble = 0.01 * ((number * 7 + seed * 5) % 3)
            member(
                tmp_path / f"{number}-{seed}", {"preprocessor": chosen}, seed, loss + wobble, seconds=60 + 30 * number
            )
    found = compare([tmp_path])
    assert [one.label for one in found.configurations] == ["whole preprocessor", *(f"without {one}" for one in steps)]
    rungs = {rung.what: rung for rung in found.ladder if rung.start == found.baseline}
    assert list(rungs) == ["without long", "without tidy", "without near"]
    # bits_per_byte is half the loss.
    assert rungs["without near"].change.value == pytest.approx(0.15, abs=0.01)
    assert rungs["without near"].change.verdict("lower") == "worse"
    assert rungs["without long"].change.verdict("lower") == "better"
    assert rungs["without tidy"].change.verdict("lower") == "noise"
    assert rungs["without near"].costs["training_seconds"] == pytest.approx(2.0)
    assert "The preprocessor differs, and the held-out text with it" in terminal_text(found)
    assert {rung.what for rung in found.ladder if rung.start != found.baseline} == {
        "tidy instead of near", "tidy instead of long", "near instead of long",
    }  # fmt: skip


def test_two_changes_are_no_step(tmp_path: Path) -> None:
    member(tmp_path / "a")
    member(tmp_path / "b", {"optimizer.lr": 0.1, "schedule.warmup": 0.5}, loss=2.0)
    assert compare([tmp_path]).ladder == ()
    # A model that an objective brings with it is one with it.
    for number, (objective, model) in enumerate([("next", "decoder"), ("fill", "encoder"), ("fill", "encoder")]):
        parts = {"objective": {"name": objective}, "model": {"name": model, "size": "nano"}, "schedule.warmup": number}
        member(tmp_path / "brought" / str(number), parts)
    found = compare([tmp_path / "brought"])
    assert [factor.name for factor in found.factors] == ["model (with objective)", "schedule.warmup"]


def test_written_for_scripts(tmp_path: Path) -> None:
    found = compare([grid(tmp_path, optimizers=2, rates=2, seeds=2)])
    rows = list(csv.DictReader(io.StringIO(csv_text(found))))
    assert len(rows) == 8 and {row["seed"] for row in rows} == {"0", "1"}
    assert float(rows[3]["validation loss"]) == found.figures[3]["validation loss"].value
    tree = json.loads(json_text(found))
    assert [one["run"] for one in tree["runs"]] == [one.name for one in found.members]
    assert tree["metric"] == {"name": "validation loss", "better": "lower", "target": None}
    assert tree["order"][0] == tree["baseline"] == "descent_0, warmup 0.05" and len(tree["configurations"]) == 4
    change = tree["configurations"][2]["changes"]["validation loss"]
    assert change["n"] == 2 and change["design"] == "paired" and change["adjusted"] >= change["p"]
    assert {"effects", "ladder", "fronts", "scaling", "repetition", "emergence", "left_out"} <= set(tree)
    assert any(sentence in terminal_text(found) for sentence in tree["summary"])
