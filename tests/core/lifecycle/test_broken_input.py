"""Whatever a file holds, every record of it is accounted for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from small_runs import small_without

from pluglm.cli import main
from pluglm.config.compose import compose
from pluglm.corpus.prepared import prepare_corpus
from pluglm.errors import DataError
from pluglm.lifecycle.run import run
from pluglm.progress import Progress

GOOD = "The committee met in the old town hall, and nobody could say afterwards what it had decided. "
WORDS = small_without("source", "preprocessor")


def lines(count: int, start: int = 0) -> bytes:
    return b"".join(json.dumps({"text": f"{GOOD}{start + i}."}).encode() + b"\n" for i in range(count))


def broken_files(folder: Path) -> Path:
    folder.mkdir()
    (folder / "good.jsonl").write_bytes(lines(80))
    (folder / "cut.jsonl").write_bytes(lines(2, 100) + b'{"text": "cut sho')
    (folder / "types.jsonl").write_bytes(b'{"text": 5}\n{"text": null}\n[1]\n{"other": "x"}\n' + lines(1, 200))
    (folder / "utf8.jsonl").write_bytes(b'{"text": "\xff\xfe"}\n' + lines(1, 300))
    (folder / "empty.jsonl").write_bytes(b"")
    packed = gzip.compress(lines(400, 400), 1)
    (folder / "cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    (folder / "no_gzip.jsonl.gz").write_bytes(b"this is not gzip")
    return folder


def words(folder: Path, *more: str) -> list[str]:
    return ["source=[jsonl]", f"source.jsonl.paths=[{folder}/*]", "preprocessor=[length]", *WORDS, *more]


def test_every_record_is_accounted_for(tmp_path: Path) -> None:
    folder = run(compose(words(broken_files(tmp_path / "in"))), tmp_path / "run", quiet=True)
    ledger = json.loads((folder / "ledger.json").read_text())
    for station in ledger["stations"]:
        out = station["kept"] + sum(station["dropped"].values()) + sum(station["quarantined"].values())
        assert station["read"] + station["added"] == out, station["station"]
    for before, after in zip(ledger["stations"], ledger["stations"][1:], strict=False):
        if after["station"].startswith(("preprocessor", "split")):
            assert after["read"] == before["kept"]
    source = ledger["stations"][0]
    quarantine = [json.loads(line) for line in (folder / "quarantine.jsonl").read_text().splitlines()]
    assert len(quarantine) == sum(sum(s["quarantined"].values()) for s in ledger["stations"])
    assert all(line["locator"] and line["reason"] for line in quarantine)
    where = {line["locator"].rpartition("/")[2] for line in quarantine}
    expected = {"cut.jsonl:3", "types.jsonl:1", "types.jsonl:2", "types.jsonl:3", "types.jsonl:4", "utf8.jsonl:1"}
    assert expected <= where
    for name in ("empty.jsonl", "cut.jsonl.gz", "no_gzip.jsonl.gz"):
        assert any(place.startswith(name) for place in where), name
    # 80 + 2 + 1 + 1, and those before the cut.
    assert source["kept"] > 84


def test_too_much_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(lines(50) + b"{\n" * 50)
    with pytest.raises(DataError, match=r"data\.max_quarantined"):
        run(compose(words(folder)), tmp_path / "run", quiet=True)


def test_too_much_is_an_error_of_an_augmenter_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("no")

    (tmp_path / "a.jsonl").write_bytes(lines(50))
    config = compose(words(tmp_path, "augmenter=[random_swap]", "data.workers=1"))
    monkeypatch.setattr(type(config.augmenter["random_swap"]), "augment", fails)
    with pytest.raises(DataError, match=r"augmenter\.random_swap: \d+ of \d+ records"):
        prepare_corpus(config, Progress(quiet=True))


def test_stop_names_the_file_and_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(lines(50) + b"{\n")
    arguments = words(folder, "data.on_error=stop", f"output.folder={tmp_path / 'run'}")
    monkeypatch.setattr("sys.argv", ["pluglm", "train", "--quiet", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 3
    assert "a.jsonl:51" in said and "invalid_json" in said and said.count("\n") == 1


def test_no_documents_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("short")
    config = compose(["source=[text_files]", f"source.text_files.paths=[{folder}/*]", "preprocessor=[length]", *WORDS])
    with pytest.raises(DataError):
        run(config, tmp_path / "run", quiet=True)
