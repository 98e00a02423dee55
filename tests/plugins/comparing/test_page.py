"""comparison.html: one whole, safe page, with two members or a hundred; and the verb that writes it."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest
from pages import Page
from run_folders import HOSTILE
from sweep_folders import grid, member, sweep_json

from pluglm.cli.dispatch import run_verb
from pluglm.errors import ConfigError
from pluglm_comparing.charts import MOST_COLOURED, styles
from pluglm_comparing.comparison import compare
from pluglm_comparing.page import write_comparison, write_page

run = partial(run_verb, "compare")


def page(out: Path) -> Page:
    text = out.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>") and not re.search(r"@import|url\(\s*['\"]?(?!#)", text)
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    shown = Page(text)
    assert "script" not in shown.tags and not any(link.startswith(("http", "//")) for link in shown.loads)
    assert len(shown.ids) == len(set(shown.ids))
    assert {anchor[1:] for anchor in shown.anchors} <= set(shown.ids)
    return shown


def test_two_members(tmp_path: Path) -> None:
    runs = [member(tmp_path / "x" / "one <b>"), member(tmp_path / "x" / "two", {"optimizer.lr": 0.1}, loss=2.9)]
    shown = page(write_comparison(runs, tmp_path / "x" / "comparison.html"))
    words = " ".join(shown.text.split())
    assert "Best: lr 0.1, validation loss 2.9" in words and "One seed each" in words
    assert shown.loads == ["one%20%3Cb%3E/report.html", "two/report.html"] and "b" not in shown.tags
    assert "one <b>" in words and "optimizer.lr: 0.001 → 0.1" in words
    # Charts over steps, tokens, operations and seconds, one shown at a time without a script.
    assert [one for one in shown.ids if one.startswith("axis-")] == [
        "axis-step",
        "axis-tokens",
        "axis-flops",
        "axis-seconds",
    ]
    assert shown.tags.count("input") == 4 and (tmp_path / "x" / "comparison.csv").is_file()


def test_one_member(tmp_path: Path) -> None:
    words = " ".join(page(write_comparison([member(tmp_path / "a")], tmp_path / "c.html")).text.split())
    assert "1 run compared" in words and "One finished run: validation loss 3." in words


def test_eight_members(tmp_path: Path) -> None:
    shown = page(write_comparison([grid(tmp_path / "grid", optimizers=2, rates=2, seeds=2)], tmp_path / "c.html"))
    words = " ".join(shown.text.split())
    for heading in ("Ranking by validation loss", "Curves", "What mattered", "One change at a time", "All figures"):
        assert heading in words, heading
    for told in ("optimizer explains 86 %", "schedule.warmup", "over 2 settings of the others", "worse by", "6 TFLOPs"):
        assert told in words, told


def test_many_members(tmp_path: Path) -> None:
    folder = grid(tmp_path / "grid", optimizers=4, rates=3, sizes=3, seeds=2)
    member(folder / "900-slow", finished=False)
    sweep_json(folder, [{"words": ["optimizer=none"], "status": "invalid", "reason": f"no such thing {HOSTILE}"}])
    found = compare([folder])
    out = write_page(found, tmp_path / "c.html")
    shown = page(out)
    words = " ".join(shown.text.split())
    assert "36 configurations" in words and "28 others" in words and HOSTILE in words
    for heading in ("Trade-offs", "Not compared", "optimizer=none", "step 30 of 100"):
        assert heading in words, heading
    assert out.stat().st_size < 1_500_000
    drawn = styles(found.order, found.baseline)
    coloured = [one for one in found.order if drawn[one].number]
    assert len(coloured) == MOST_COLOURED and found.baseline in coloured and coloured[:4] == [*found.order[:4]]
    # No two look alike.
    assert len({(drawn[one].number, drawn[one].dash) for one in coloured}) == MOST_COLOURED


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = grid(tmp_path / "grid", optimizers=2, rates=2, sizes=2, seeds=2)
    first, second = (write_comparison([folder], tmp_path / name / "c.html") for name in ("a", "b"))
    for suffix in (".html", ".csv", ".json"):
        one, other = (path.with_suffix(suffix).read_bytes() for path in (first, second))
        assert one == other and one
    assert not list(first.parent.glob("*.tmp"))


def test_names_with_markup_stay_text(tmp_path: Path) -> None:
    name = HOSTILE.replace("/", "")
    scores = [{"evaluator": name, "name": name, "value": 1.0, "better": "higher", "meaning": name}]
    member(tmp_path / "a", {"optimizer": {"name": name, "lr": 1}}, scores=scores)
    member(tmp_path / "b", {"optimizer": {"name": "plain", "lr": 1}}, loss=2.0, scores=scores, latency=50.0)
    shown = page(write_comparison([tmp_path / "a", tmp_path / "b"], tmp_path / "c.html"))
    assert "img" not in shown.tags and name in " ".join(shown.text.split())


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(grid(tmp_path / "grid", optimizers=2, rates=1, seeds=2))
    assert run([folder]) == 0
    said = capsys.readouterr().out
    assert "Best: descent_0" in said and said.endswith("Comparison: comparison.html\n")
    assert all(Path(f"comparison.{kind}").is_file() for kind in ("html", "csv", "json"))
    assert run([folder, "--json", "--metric", "bits_per_byte", "--out", "other/page.html"]) == 0
    said = capsys.readouterr().out
    assert json.loads(said)["metric"]["name"] == "fit.bits_per_byte"
    assert said == Path("other/page.json").read_text(encoding="utf-8")
    assert run(["--help"]) == 0 and "--metric NAME" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "compare: takes run folders, or a folder with runs"),
        (["nowhere"], "nowhere: is not there"),
        (["grid", "--metric", "f2"], "--metric=f2: no run has such a figure"),
        (["grid", "--out", "x.csv"], "--out=x.csv: names the page"),
        (["grid/000-descent_0"], "compare: takes two finished runs at least; found 1"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, words: list[str], line: str) -> None:
    grid(tmp_path / "grid", optimizers=2, rates=1, seeds=1)
    with pytest.raises(ConfigError) as caught:
        run(words)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value) and caught.value.exit_code == 2


def test_the_verb_is_that_of_a_plugin(capsys: pytest.CaptureFixture[str]) -> None:
    from pluglm.catalog import installed_catalog
    from pluglm.cli import help_text

    owner = installed_catalog().verb_owner("compare")
    assert owner is not None and str(owner) == "pluglm (comparing)"
    assert "  compare     compare runs\n" in help_text()
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: pluglm compare DIR|RUN... [--flags]\n") and "--metric NAME" in shown


def test_the_verb_is_missed_where_its_plugin_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from pluglm.catalog import installed_catalog

    installed_catalog.cache_clear()
    monkeypatch.setenv("PLUGLM_PLUGINS", "-comparing")
    try:
        with pytest.raises(ConfigError, match="no such verb; PLUGLM_PLUGINS=-comparing leaves out the verbs of other"):
            run(["x"])
    finally:
        installed_catalog.cache_clear()
