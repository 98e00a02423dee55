"""Datasets that `datasets` itself wrote, read back; damaged and hostile ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

# Read when datasets is imported, which is before any fixture runs.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import datasets
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from pluglm import DataError, Document, Unreadable
from pluglm_sources.hugging_face import HuggingFace

FEATURES = Features({"text": Value("string"), "label": ClassLabel(names=["neg", "pos"]), "n": Value("int64")})
CHOSEN: dict[str, Any] = {"fields": {"label": "label"}, "metadata": ("n",)}


@pytest.fixture(autouse=True)
def _own_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "hub")
    monkeypatch.setattr("datasets.config.HF_MODULES_CACHE", tmp_path / "modules")
    datasets.disable_progress_bars()


def dataset(rows: int = 10, start: int = 0) -> Dataset:
    numbers = range(start, start + rows)
    columns = {"text": [f"Text {n} é" for n in numbers], "label": [n % 2 for n in numbers], "n": list(numbers)}
    return Dataset.from_dict(columns, features=FEATURES)


def texts(source: HuggingFace) -> list[str]:
    return [item.text for item in source.read() if isinstance(item, Document)]


def numbers(source: HuggingFace) -> list[int]:
    return [item.metadata["n"] for item in source.read() if isinstance(item, Document)]


def troubles(source: HuggingFace) -> list[tuple[str, str]]:
    return [(item.locator, item.reason) for item in source.read() if isinstance(item, Unreadable)]


def test_what_save_to_disk_wrote() -> None:
    dataset().save_to_disk("d", num_shards=3)
    source = HuggingFace(dataset="d", **CHOSEN)
    found = [item for item in source.read() if isinstance(item, Document)]
    assert [item.text for item in found] == dataset()["text"][:]
    assert [item.fields["label"] for item in found] == ["neg", "pos"] * 5, "the names of the classes"
    assert [item.metadata["n"] for item in found] == list(range(10))
    assert found[0].id == "data-00000-of-00003.arrow:1" and len({item.id for item in found}) == 10
    names = [path.name for path in source.inputs()]
    assert names == [*(f"data-0000{n}-of-00003.arrow" for n in range(3)), "state.json", "dataset_info.json"]
    assert all(path.exists() for path in source.inputs())
    assert len(texts(HuggingFace(dataset="d", max_documents=4))) == 4


def test_splits_of_a_dict() -> None:
    DatasetDict({"train": dataset(4), "test": dataset(2, start=50)}).save_to_disk("d")
    assert numbers(HuggingFace(dataset="d", **CHOSEN)) == [0, 1, 2, 3]
    assert numbers(HuggingFace(dataset="d", split="test", **CHOSEN)) == [50, 51]
    with pytest.raises(DataError, match=r"no split valid; it has train, test"):
        list(HuggingFace(dataset="d", split="valid").read())


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv", "json"])
def test_folders_of_data_files(kind: str) -> None:
    Path("d").mkdir()
    for split, rows in {"train-00000-of-00002": (6, 0), "train-00001-of-00002": (4, 6), "test": (2, 90)}.items():
        path = f"d/{split}.{kind}"
        if kind == "parquet":
            dataset(*rows).to_parquet(path)
        elif kind == "csv":
            dataset(*rows).to_csv(path)
        else:
            dataset(*rows).to_json(path, lines=kind == "jsonl")
    source = HuggingFace(dataset="d", **CHOSEN)
    assert texts(source) == dataset()["text"][:] and numbers(source) == list(range(10))
    labels = [item.fields["label"] for item in source.read() if isinstance(item, Document)]
    # Only Parquet keeps what the numbers of the classes mean.
    assert labels == (["neg", "pos"] if kind == "parquet" else [0, 1]) * 5
    assert numbers(HuggingFace(dataset="d", split="test", **CHOSEN)) == [90, 91]
    assert [path.name for path in source.inputs()] == [f"train-0000{n}-of-00002.{kind}" for n in (0, 1)]
    with pytest.raises(DataError, match="no split dev"):
        list(HuggingFace(dataset="d", split="dev").read())


def test_configs_are_those_of_the_readme() -> None:
    for config, start in (("one", 0), ("two", 70)):
        Path("d", config).mkdir(parents=True)
        dataset(3, start).to_parquet(f"d/{config}/train.parquet")
    configs = "".join(f"- config_name: {name}\n  data_files: {name}/*.parquet\n" for name in ("one", "two"))
    Path("d/README.md").write_text(f"---\nconfigs:\n{configs}---\n", encoding="utf-8")
    assert numbers(HuggingFace(dataset="d", config="two", **CHOSEN)) == [70, 71, 72]
    with pytest.raises(DataError, match=r"hugging_face: d: .*one.*two"):
        list(HuggingFace(dataset="d").read())
    with pytest.raises(DataError, match="three"):
        list(HuggingFace(dataset="d", config="three").read())


def test_columns_that_are_missing_or_of_a_wrong_type() -> None:
    dataset(2).save_to_disk("d")
    assert [reason for _, reason in troubles(HuggingFace(dataset="d", text="body"))] == ["missing_column"] * 2
    assert [reason for _, reason in troubles(HuggingFace(dataset="d", text="n"))] == ["wrong_type"] * 2


def test_damaged_arrow_files_do_not_touch_the_others() -> None:
    dataset(3000).save_to_disk("d", num_shards=5, num_proc=None)
    files = sorted(Path("d").glob("*.arrow"))
    files[0].write_bytes(files[0].read_bytes()[:-8])
    files[1].write_bytes(files[1].read_bytes()[:9000])
    files[2].write_bytes(b"no arrow")
    files[3].unlink()
    source = HuggingFace(dataset="d", **CHOSEN)
    found = numbers(source)
    assert found == [*range(600), *range(600, 600 + len(found) - 1200), *range(2400, 3000)]
    bad = troubles(source)
    assert [place.partition(":")[0] for place, _ in bad] == [str(path) for path in files[:4]]
    assert bad[0][0].endswith(":601") and {reason for _, reason in bad} == {"truncated_or_damaged"}


def test_damaged_parquet_and_json_are_read_on_behind_the_damage() -> None:
    Path("p").mkdir()
    for n in range(3):
        dataset(5, 10 * n).to_parquet(f"p/train-{n}.parquet")
    Path("p/train-1.parquet").write_bytes(Path("p/train-1.parquet").read_bytes()[:-100])
    source = HuggingFace(dataset="p", **CHOSEN)
    assert numbers(source) == [0, 1, 2, 3, 4, 20, 21, 22, 23, 24]
    assert [reason for _, reason in troubles(source)] == ["not_parquet"]
    Path("j").mkdir()
    lines = [json.dumps({"text": f"t{n}", "label": "a", "n": n}) for n in range(5)]
    lines[1], lines[3] = lines[1][:9], "[" * 90_000
    Path("j/train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    source = HuggingFace(dataset="j", **CHOSEN)
    assert numbers(source) == [0, 2, 4] and [reason for _, reason in troubles(source)] == ["invalid_json"] * 2
    Path("c").mkdir()
    Path("c/train.csv").write_bytes(b"text,label,n\ngood,a,1\nbad \xff,b,2\n")
    assert [reason for _, reason in troubles(HuggingFace(dataset="c", **CHOSEN))] == ["truncated_or_damaged"]


def test_what_describes_a_dataset_cannot_lead_out_of_it_or_run() -> None:
    dataset(2).save_to_disk("d")
    dataset(3).save_to_disk("elsewhere")
    state = json.loads(Path("d/state.json").read_text())
    state["_data_files"] = [{"filename": "../elsewhere/data-00000-of-00001.arrow"}]
    Path("d/state.json").write_text(json.dumps(state))
    assert len(texts(HuggingFace(dataset="d"))) == 2
    for broken in ("[]", "{", "\udcff"):
        Path("d/state.json").write_text(broken, errors="surrogateescape")
        with pytest.raises(DataError, match=r"state\.json"):
            list(HuggingFace(dataset="d").read())
    # A script beside the data, as datasets once had them, is not run.
    Path("s").mkdir()
    dataset(2).to_parquet("s/train.parquet")
    Path("s/s.py").write_text("open('ran', 'w').write('x')")
    with pytest.raises(DataError, match="scripts are no longer supported"):
        list(HuggingFace(dataset="s").read())
    assert not Path("ran").exists()


def test_a_name_on_the_hub_is_one_line_when_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = HuggingFace(dataset="stanfordnlp/imdb")
    with pytest.raises(DataError) as caught:
        source.fetch(tmp_path / "store", print)
    assert "\n" not in str(caught.value) and "stanfordnlp/imdb" in str(caught.value)
    assert not list((tmp_path / "store").rglob("*.parquet*"))
    assert list(source.inputs()) == []
    with pytest.raises(DataError, match="not fetched"):
        list(source.read())

    def problems(given: HuggingFace) -> list[str]:
        return [problem.reason for problem in given.problems(SimpleNamespace(source={"x": given}))]

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert problems(source) == ["is no folder; HF_HUB_OFFLINE keeps from the hub"]
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert problems(source) == []
    assert problems(HuggingFace(dataset="./nowhere")) == ["is no folder and no name on the hub"]


@pytest.mark.parametrize("streaming", [True, False])
def test_rows_are_fetched_once_and_then_need_no_hub(
    streaming: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path("origin").mkdir()
    dataset(2500).to_parquet("origin/test.parquet")
    asked: list[dict[str, Any]] = []
    load = datasets.load_dataset

    def from_hub(path: str, **values: Any) -> Any:
        asked.append({"path": path, **values})
        assert "trust_remote_code" not in values
        return load("origin", **{key: value for key, value in values.items() if key != "revision"})

    monkeypatch.setattr("datasets.load_dataset", from_hub)
    values = {"dataset": "owner/name", "split": "test", "revision": "v1", "streaming": streaming, **CHOSEN}
    source = HuggingFace(**values).fetch(tmp_path / "store", print)
    assert (asked[0]["path"], asked[0]["split"], asked[0]["revision"]) == ("owner/name", "test", "v1")
    shutil.rmtree("origin")
    assert numbers(source) == list(range(2500))
    first = next(iter(source.read()))
    assert isinstance(first, Document) and first.fields == {"label": "neg"} and first.id == "train.parquet:1"
    again = HuggingFace(**values).fetch(tmp_path / "store", print)
    assert again == source and len(asked) == 1
    assert HuggingFace(dataset=source.dataset).fetch(tmp_path, print).dataset == source.dataset


def test_only_so_many_rows_are_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    load = datasets.load_dataset
    Path("origin").mkdir()
    dataset(2500).to_parquet("origin/train.parquet")
    monkeypatch.setattr(
        "datasets.load_dataset", lambda path, **v: load("origin", split=v["split"], streaming=v["streaming"])
    )
    for streaming in (True, False):
        source = HuggingFace(dataset="owner/name", max_documents=1200, streaming=streaming)
        assert len(texts(source.fetch(tmp_path / str(streaming), print))) == 1200
