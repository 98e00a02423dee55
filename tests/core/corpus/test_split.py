"""Shares of the training documents: nested, counted, and with the same documents to validate on."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pluglm import DataError, Document
from pluglm.config.compose import compose
from pluglm.corpus.split import LEFT_OUT, Split
from pluglm.corpus.tasks import documents_in
from pluglm.lifecycle.preparation import prepare


def parts(share: float, count: int = 4000, fraction: float = 0.1) -> list[str]:
    split = Split(part="train", fraction=fraction, train_fraction=share, seed=3)
    keys: Any = [split.key(Document("text", id=str(number), source="s")) for number in range(count)]
    return list(split.decide(keys))


def test_shares_are_of_what_is_not_held_out_and_lie_within_each_other() -> None:
    whole, quarter, sixteenth = parts(1.0), parts(0.25), parts(1 / 16)
    assert Counter(whole).keys() == {"train", "validation"}
    for some, share in ((quarter, 0.25), (sixteenth, 1 / 16)):
        assert some.count("train") / whole.count("train") == pytest.approx(share, rel=0.15)
        assert some.count("train") + some.count(LEFT_OUT) == whole.count("train")
    for larger, smaller in ((whole, quarter), (quarter, sixteenth)):
        assert all(a == "train" for a, b in zip(larger, smaller, strict=True) if b == "train")
        assert all((a == "validation") == (b == "validation") for a, b in zip(larger, smaller, strict=True))


def test_something_is_always_left_to_train_on() -> None:
    assert Counter(parts(1e-9, count=5)) == {"train": 1, "validation": 1, LEFT_OUT: 3}


def prepared(home: Path, documents: int, *more: str) -> tuple[dict[str, int | dict[str, int]], dict[str, list[str]]]:
    """The split's account, and the ids in each part."""
    file = home / "some.jsonl"
    file.write_text("".join(json.dumps({"text": f"This is document {n}."}) + "\n" for n in range(documents)))
    words = ["source=[jsonl]", f"source.jsonl.paths=[{file}]", "preprocessor=[]", "tokenizer=byte"]
    words += [
        "data.sequence_length=16",
        "data.validation_fraction=0.2",
        "data.workers=1",
        f"data.cache_dir={home / 'cache'}",
    ]
    folder = home / f"run-{len(list(home.iterdir()))}"
    prepare(compose([*words, *more]), folder, quiet=True)
    stations = json.loads((folder / "ledger.json").read_text())["stations"]
    account = next(station for station in stations if station["station"] == "split")
    corpora = sorted((home / "cache" / "corpora").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    newest = [path for path in corpora if path.is_dir()][-1]
    return account, {part: [d.id for d in documents_in(newest / part)] for part in ("train", "validation")}


def test_the_ledger_counts_what_is_left_out(tmp_path: Path) -> None:
    whole, all_of = prepared(tmp_path, 60)
    some, few_of = prepared(tmp_path, 60, "data.train_fraction=0.25")
    assert whole["dropped"] == {} and whole["kept"] == 60
    left_out = len(all_of["train"]) - len(few_of["train"])
    assert some["dropped"] == {LEFT_OUT: left_out} and some["kept"] == 60 - left_out > 10
    assert few_of["validation"] == all_of["validation"] and set(few_of["train"]) < set(all_of["train"])


def test_a_single_document_has_no_share(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.train_fraction=0\.5.*only one"):
        prepared(tmp_path, 1, "data.train_fraction=0.5")
