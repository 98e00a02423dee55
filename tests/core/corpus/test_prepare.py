"""The same corpus from any number of processes, on any engine, killed at any moment; and only what is new is done."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Annotated, Any

import pytest
from pydantic import Field
from small_runs import small_without

from pluglm import Document, Dropped, PluglmError, Preprocessor, hookimpl
from pluglm.catalog import Plugin, installed_catalog
from pluglm.config.compose import compose
from pluglm.corpus import layers, tasks
from pluglm.corpus.steps import read_source
from pluglm.corpus.tasks import documents_in
from pluglm.files.digests import file_digest
from pluglm.files.replacing import replaced_file, write_bytes
from pluglm.lifecycle.preparation import prepare
from pluglm.runs.folder import write_config

STEPS = ["preprocessor=[normalize,near_dedup,lowercase,exact_dedup]", "augmenter=[random_swap]"]
SETTINGS = [*small_without("source", "preprocessor"), "data.shard_megabytes=0.01"]
CALLS: Counter[str] = Counter()


class Counted(Preprocessor):
    """Counts the documents it sees."""

    name = "counted"
    mark: Annotated[str, Field(description="What is put behind the text")] = ""

    def process(self, document: Document) -> Document | Dropped:
        CALLS[self.mark] += 1
        return document.map_text(self.fields, lambda text: text + self.mark)


@hookimpl
def register_preprocessors() -> list[type[Preprocessor]]:
    return [Counted]


@pytest.fixture
def counted() -> Iterator[None]:
    """The counting preprocessor in the catalog."""
    catalog = installed_catalog()
    if "counting" not in catalog.plugins:
        catalog.add(Plugin("counting", __name__, "tests", "0"), sys.modules[__name__])
    CALLS.clear()
    yield
    # The catalog is everybody's: the next to ask reads it anew.
    installed_catalog.cache_clear()


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Eighty files of sentences, some of them nearly the same."""
    folder, random = tmp_path / "texts", Random(3)
    folder.mkdir()
    words = "The quick brown fox jumps over a lazy dog while many people watch it from their old garden chairs".split()
    kept: list[str] = []
    for number in range(80):
        text = " ".join(random.choice(words) for _ in range(60)) + f" {number}."
        kept.append(random.choice(kept) + " Again." if kept and number % 5 == 0 else text)
        (folder / f"{number:02}.txt").write_text(kept[-1], encoding="utf-8")
    return folder


def words(texts: Path, cache: Path, *more: str) -> list[str]:
    return [
        "source=[text_files]",
        f"source.text_files.paths=[{texts}/*.txt]",
        *SETTINGS,
        f"data.cache_dir={cache}",
        *more,
    ]


def prepared(texts: Path, cache: Path, *more: str) -> dict[str, Any]:
    """The ledger of a corpus that is made, or taken from the cache."""
    folder = cache.parent / f"run-{len(list(cache.parent.iterdir()))}"
    prepare(compose(words(texts, cache, *more)), folder, quiet=True)
    ledger: dict[str, Any] = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
    return ledger


def digests(cache: Path) -> dict[str, str]:
    """Every file of the finished corpora and examples."""
    files = [path for kind in ("corpora", "examples") for path in (cache / kind).rglob("*") if path.is_file()]
    return {str(path.relative_to(cache)): file_digest(path) for path in files if path.suffix != ".lock"}


def layer_times(cache: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (cache / "layers").glob("*.arrow")}


def test_any_number_of_workers_gives_the_same_bytes(texts: Path, tmp_path: Path) -> None:
    made = []
    for workers in (1, 2, 3):
        ledger = prepared(texts, tmp_path / str(workers), *STEPS, f"data.workers={workers}")
        made.append((ledger, digests(tmp_path / str(workers))))
    assert made[0] == made[1] == made[2]
    assert len(made[0][1]) > 10
    stations = {station["station"]: station for station in made[0][0]["stations"]}
    assert stations["preprocessor.near_dedup"]["dropped"]["near_duplicate"] >= 10
    assert stations["augmenter.random_swap"]["added"] == stations["augmenter.random_swap"]["read"] > 40
    assert stations["augmenter.random_swap"]["characters_added"] > 1000


def test_a_real_ray_cluster_gives_the_same_bytes(texts: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    steps = ["preprocessor=[normalize,exact_dedup]", "data.shard_megabytes=0.02"]
    local = prepared(texts, tmp_path / "local", *steps, "data.workers=1")
    command = [sys.executable, "-m", "pluglm", "prepare", *words(texts, tmp_path / "ray", *steps), "data.workers=2"]
    command += ["data.engine=ray", f"output.folder={tmp_path / 'run'}"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "RAY_DEDUP_LOGS": "0"})
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "ledger.json").read_text()) == local
    assert digests(tmp_path / "ray") == digests(tmp_path / "local")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["data.engine=local", "data.engine_options={partition: cpu}"], "is for data.engine=ray or slurm"),
        (["data.engine=slurm", "data.engine_options={tasks: 2}"], "data.engine_options.tasks: is set by pluglm"),
        (["data.engine=slurm", "data.engine_options={partitoin: cpu}"], "did you mean 'partition'"),
    ],
)
def test_options_of_engines_are_known(given: list[str], said: str) -> None:
    pytest.importorskip("datatrove")
    with pytest.raises(PluglmError) as caught:
        compose(given)
    assert said in str(caught.value)


def test_slurm_needs_to_be_told_a_partition(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(PluglmError, match=r"data\.engine_options\.partition"):
        prepared(texts, tmp_path / "cache", "data.engine=slurm")


def chain(folder: Path, *marks: str) -> str:
    """Words that choose the counting preprocessor several times."""
    folder.mkdir(exist_ok=True)
    steps = "".join(f"  {label}: {{name: counted, mark: {mark}}}\n" for label, mark in zip("abc", marks, strict=False))
    name = "chain_" + "".join(marks)
    (folder / "experiment").mkdir(exist_ok=True)
    text = f"# @package _global_\ndefaults:\n  - override /preprocessor: []\npreprocessor:\n{steps}"
    (folder / "experiment" / f"{name}.yaml").write_text(text)
    return f"experiment={name}"


def test_only_what_follows_a_change_is_done_again(texts: Path, tmp_path: Path, counted: None) -> None:
    recipes = tmp_path / "recipes"

    def made(*marks: str, more: str = "data.workers=1") -> dict[str, int]:
        config = compose([*words(texts, tmp_path / "cache", "data.workers=1", more), chain(recipes, *marks)], recipes)
        prepare(config, tmp_path / f"run-{len(list(tmp_path.iterdir()))}", quiet=True)
        return dict(CALLS)

    assert made("A", "B", "C") == {"A": 80, "B": 80, "C": 80}
    assert made("A", "B", "D") == {"A": 80, "B": 80, "C": 80, "D": 80}
    assert made("A", "E", "C") == {"A": 80, "B": 80, "C": 160, "D": 80, "E": 80}
    # Another seed splits otherwise, and preprocesses nothing again; another objective touches no document.
    made("A", "B", "C", more="seed=1")
    assert made("A", "B", "C", more="objective=mlm") == {"A": 80, "B": 80, "C": 160, "D": 80, "E": 80}


def test_touching_a_file_is_no_change_and_one_byte_is(
    texts: Path, tmp_path: Path, counted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where groups of files end follows from their names, here from that of the temporary folder: many small groups.
    monkeypatch.setattr("pluglm_sources.files.local.GROUP_FILES", 4)
    cache, one = tmp_path / "cache", ["preprocessor=[counted]", "preprocessor.counted.mark=A", "data.workers=1"]
    prepared(texts, cache, *one)
    before = digests(cache)
    os.utime(texts / "07.txt")
    prepared(texts, cache, *one)
    assert CALLS["A"] == 80 and digests(cache) == before
    text = (texts / "07.txt").read_text()
    (texts / "07.txt").write_text("X" + text[1:])
    ledger = prepared(texts, cache, *one)
    assert 80 < CALLS["A"] < 160, "only the shard of the changed file is read again"
    assert ledger["stations"][0]["read"] == 80 and len(digests(cache)) == 2 * len(before)
    # The very same size and times, as a careless tool leaves them.
    stat = (texts / "08.txt").stat()
    text = (texts / "08.txt").read_text()
    (texts / "08.txt").write_text(text[:-1] + "!")
    os.utime(texts / "08.txt", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    prepared(texts, cache, *one)
    assert len(digests(cache)) == 3 * len(before)


@pytest.mark.parametrize("how", ["changed", "removed"])
def test_a_file_that_changes_while_it_is_read_is_told(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    cache, path, real = tmp_path / "cache", texts / "07.txt", read_source
    whole = path.read_bytes()

    def meanwhile(*given: Any) -> Any:
        path.write_bytes(whole.upper()) if how == "changed" else path.unlink(missing_ok=True)
        return real(*given)

    monkeypatch.setattr(tasks, "read_source", meanwhile)
    with pytest.raises(PluglmError, match=r"07\.txt changed or vanished while it was read"):
        prepared(texts, cache, "data.workers=1")
    monkeypatch.setattr(tasks, "read_source", real)
    # It is as it was: what was read of it in between is not taken for it.
    path.write_bytes(whole)
    assert prepared(texts, cache, "data.workers=1")["stations"][0]["quarantined"] == {}
    corpus = next((cache / "corpora").glob("*[0-9a-f]"))
    found = [document.text for part in ("train", "validation") for document in documents_in(corpus / part)]
    assert whole.decode() in found and whole.decode().upper() not in found


def test_what_is_known_of_files_is_only_to_save_time(texts: Path, tmp_path: Path) -> None:
    prepared(texts, tmp_path / "cache", "data.workers=1")
    (tmp_path / "cache" / "digests.db").write_bytes(b"no database" * 400)
    before = digests(tmp_path / "cache")
    prepared(texts, tmp_path / "cache", "data.workers=1")
    assert digests(tmp_path / "cache") == before


def test_the_same_command_goes_on_in_its_folder(texts: Path, tmp_path: Path) -> None:
    config = compose(words(texts, tmp_path / "cache", "data.workers=1", f"output.folder={tmp_path / 'run'}"))
    write_config(tmp_path / "run", config)
    prepare(config, quiet=True)
    with pytest.raises(PluglmError, match="already holds a run"):
        prepare(config, quiet=True)


def test_a_file_that_a_technique_reads_is_part_of_it(texts: Path, tmp_path: Path) -> None:
    other = tmp_path / "evaluation.txt"
    other.write_text("Nothing that any of the texts has in it at all, in thirteen words or in fewer of them.\n")
    step = ["preprocessor=[decontaminate]", f"preprocessor.decontaminate.paths=[{other}]", "data.workers=1"]
    ledger = prepared(texts, tmp_path / "cache", *step)
    assert not ledger["stations"][1]["dropped"]
    other.write_text((texts / "03.txt").read_text())
    # In another process, as a run is: this one has read the file already.
    command = [sys.executable, "-m", "pluglm", "prepare", *words(texts, tmp_path / "cache", *step)]
    subprocess.run([*command, f"output.folder={tmp_path / 'run'}"], capture_output=True, check=True)
    ledger = json.loads((tmp_path / "run" / "ledger.json").read_text(encoding="utf-8"))
    assert sum(ledger["stations"][1]["dropped"].values()) >= 1


def test_stop_is_stop_where_a_run_that_went_on_has_filled_the_cache(texts: Path, tmp_path: Path) -> None:
    (texts / "40.txt").write_bytes(b"\xff\xfe no text")
    assert prepared(texts, tmp_path / "cache", *STEPS, "data.workers=1")["stations"][0]["quarantined"]
    with pytest.raises(PluglmError, match=r"40\.txt.*invalid_utf8.*data\.on_error=stop"):
        prepared(texts, tmp_path / "cache", *STEPS, "data.workers=1", "data.on_error=stop")


def is_done(layer: Path) -> bool:
    """Whether a layer is whole, and the shard of one that was read is read to its end."""
    shard = layer.with_name(layer.stem.partition("-")[0] + ".json")
    return layer.with_suffix(".json").exists() and shard.exists()


def start(texts: Path, cache: Path, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pluglm", "prepare", *words(texts, cache, *STEPS), "data.workers=2"]
    command += [f"output.folder={folder}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(cache: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many files lie in the cache."""
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        if sum(1 for path in cache.rglob("*") if path.suffix in (".arrow", ".parquet", ".bin", ".keys")) >= count:
            return
        time.sleep(0.002)
    raise AssertionError(f"{count} files were not seen: {process.communicate()}")


def test_killed_at_any_moment_only_the_rest_is_done(texts: Path, tmp_path: Path) -> None:
    prepared(texts, tmp_path / "whole", *STEPS, "data.workers=1")
    cache, kept = tmp_path / "cache", dict[str, int]()
    for count in (2, 12, 40):
        process = start(texts, cache, tmp_path / f"killed-{count}")
        wait_for(cache, count, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        now = layer_times(cache)
        assert all(now[name] == at for name, at in kept.items()), "what was done is done again"
        kept = {name: at for name, at in now.items() if is_done(cache / "layers" / name)}
    assert kept
    prepared(texts, cache, *STEPS, "data.workers=2")
    assert digests(cache) == digests(tmp_path / "whole")
    after = layer_times(cache)
    assert all(after[name] == at for name, at in kept.items())


def test_of_two_that_prepare_the_same_one_waits(texts: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    both = [start(texts, cache, tmp_path / f"run-{n}") for n in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len(list((cache / "corpora").glob("*.lock"))) == 1
    assert sum("Reading:" in text for text in said) == 1
    one, other = (json.loads((tmp_path / f"run-{n}" / "ledger.json").read_text()) for n in range(2))
    assert one == other


def test_a_full_disk_is_told_and_nothing_half_is_taken(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(texts, tmp_path / "whole", *STEPS, "data.workers=1")
    real, count = write_bytes, 0

    def full(path: Path, content: bytes) -> None:
        nonlocal count
        count += 1
        if count == 30:
            with replaced_file(path) as temporary:
                temporary.write_bytes(content[:5])
                _no_space(path)
        real(path, content)

    monkeypatch.setattr(layers, "write_bytes", full)
    cache = tmp_path / "cache"
    with pytest.raises(PluglmError, match="the disk is full"):
        prepared(texts, cache, *STEPS, "data.workers=1")
    assert not list((cache / "corpora").glob("*[0-9a-f]")) and not list((cache / "layers").glob("*.tmp"))
    monkeypatch.setattr(layers, "write_bytes", real)
    prepared(texts, cache, *STEPS, "data.workers=1")
    assert digests(cache) == digests(tmp_path / "whole")


def _no_space(path: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", str(path))


def test_layers_that_are_gone_are_made_again(texts: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    prepared(texts, cache, *STEPS, "data.workers=1")
    whole, random = digests(cache), Random(5)
    for path in sorted((cache / "layers").iterdir()):
        if random.random() < 0.3:
            path.unlink()
    shutil.rmtree(cache / "corpora")
    shutil.rmtree(cache / "examples")
    prepared(texts, cache, *STEPS, "data.workers=1")
    assert digests(cache) == whole


def test_a_damaged_layer_is_told_and_made_again(texts: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    prepared(texts, cache, *STEPS, "data.workers=1")
    whole = digests(cache)
    for path in (cache / "layers").glob("*-00000.arrow"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        break
    shutil.rmtree(cache / "corpora")
    with pytest.raises(PluglmError, match="run it again"):
        prepared(texts, cache, *STEPS, "data.workers=1")
    prepared(texts, cache, *STEPS, "data.workers=1")
    assert digests(cache) == whole


def test_a_file_whose_name_is_no_unicode_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, name in enumerate([b"caf\xe9.txt", b"plain.txt", b"\xff\xfe.txt"]):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(f"{number}: " + "words in a file " * 20)
    ledger = prepared(folder, tmp_path / "cache", "data.workers=1")
    assert ledger["stations"][0]["kept"] == 3
