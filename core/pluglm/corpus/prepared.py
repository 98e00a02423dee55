"""The corpus of a run: from sources to training and validation documents, made once for all runs that need the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.config.run_config import RunConfig
from pluglm.corpus.augmenting import Augment
from pluglm.corpus.chain import Chain, ChunkRunner
from pluglm.corpus.engines import engine_for
from pluglm.corpus.fingerprint import described, described_inputs, known_inputs
from pluglm.corpus.ledger import Book, check_balance, check_quarantine
from pluglm.corpus.named_random import VERSION as NAMED_RANDOM
from pluglm.corpus.repeated_records import without_repeated
from pluglm.corpus.split import LEFT_OUT, CutInTwo, Split
from pluglm.corpus.steps import Preprocess
from pluglm.corpus.tasks import ReadShard, documents_in
from pluglm.document import Document
from pluglm.errors import DataError
from pluglm.families import CorpusPreprocessor, Source
from pluglm.files.digests import digest
from pluglm.files.locks import Lock
from pluglm.files.seal import damaged_file
from pluglm.files.storage import cache_folder, layers_lock, make_once

if TYPE_CHECKING:
    from pluglm.progress import Progress
    from pluglm.runs.accounts import KeepAccounts


@dataclass(frozen=True, slots=True)
class Corpus:
    """A prepared corpus on disk: Parquet files in `train/` and `validation/`. `key` names its content; `ledger` lists
    its stations."""

    folder: Path
    key: str
    inputs: list[dict[str, Any]]
    ledger: list[dict[str, Any]]

    def train(self) -> Iterator[Document]:
        """The training documents, streamed."""
        return documents_in(self.folder / "train")

    def validation(self) -> Iterator[Document]:
        """The held-out documents, streamed."""
        return documents_in(self.folder / "validation")


def prepare_corpus(config: RunConfig, progress: Progress, keep: KeepAccounts | None = None) -> Corpus:
    """The corpus of a run, from the cache where it has been made before; `keep` is given the accounts that are known
    where it cannot be made.

    Raises:
        DataError: where records are bad and the run was told to stop at them, or too many are, or nothing is left.
    """
    cache = cache_folder(config.data.cache_dir)
    sources = {label: _fetched(source, cache, progress) for label, source in config.source.items()}
    paths = dict.fromkeys(path for source in sources.values() for path in source.inputs())
    inputs = list(described_inputs(paths, cache))
    key = corpus_key(config, inputs)
    folder = make_once(
        cache / "corpora" / key,
        lambda temporary: _make(config, sources, inputs, temporary, progress, keep),
        waiting=lambda: progress.say("Another run is preparing the same corpus; waiting for it"),
        damaged=lambda file: progress.say(f"The corpus in the cache is damaged ({file}); making it again"),
    )
    return _opened(folder, key, inputs)


def corpus_key(config: RunConfig, inputs: list[dict[str, Any]]) -> str:
    """The name in the cache of the corpus that is made of `inputs`."""
    return digest(_recipe(config, cache_folder(config.data.cache_dir)) | {"inputs": inputs})


def prepared_corpus(config: RunConfig) -> Corpus | None:
    """The corpus of a run where it has been made before; no file is read to find out, nor is anything fetched."""
    cache = cache_folder(config.data.cache_dir)
    if any(type(source).fetch is not Source.fetch for source in config.source.values()):
        return None
    paths = dict.fromkeys(path for source in config.source.values() for path in source.inputs())
    inputs = known_inputs(paths, cache)
    if inputs is None:
        return None
    key = corpus_key(config, inputs)
    folder = cache / "corpora" / key
    return _opened(folder, key, inputs) if damaged_file(folder) is None else None


def _opened(folder: Path, key: str, inputs: list[dict[str, Any]]) -> Corpus:
    ledger = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
    return Corpus(folder, key, inputs, ledger)


def _fetched(source: Source, cache: Path, progress: Progress) -> Source:
    if type(source).fetch is Source.fetch:
        return source
    store = cache / "fetched" / source.name
    lock = Lock(store.with_name(f"{store.name}.lock"))
    with ExitStack() as held:
        # A cache that others filled may be one that can only be read; all that is wanted may be there.
        with suppress(OSError):
            store.mkdir(parents=True, exist_ok=True)
            held.enter_context(lock)
        return source.fetch(store, progress.say)


def _recipe(config: RunConfig, cache: Path) -> dict[str, Any]:
    names = ["source", "preprocessor", "debiaser", "regularizer", "compressor", "augmenter"]
    chosen = [(path, technique) for path, technique in config.techniques() if path.split(".")[0] in names]
    changing = [
        (path, technique)
        for path, technique in chosen
        if "change_documents" in getattr(technique, "moments", lambda: {"change_documents"})()
    ]
    return {
        "random": NAMED_RANDOM,
        "techniques": [(path, described(technique, cache)) for path, technique in changing],
        "validation_fraction": config.data.validation_fraction,
        "train_fraction": config.data.train_fraction,
        "shard_megabytes": config.data.shard_megabytes,
        "max_quarantined": config.data.max_quarantined,
        "on_error": config.data.on_error,
        "seed": config.seed,
    }


def _make(
    config: RunConfig,
    sources: Mapping[str, Source],
    inputs: list[dict[str, Any]],
    folder: Path,
    progress: Progress,
    keep: KeepAccounts | None,
) -> None:
    cache, stop = cache_folder(config.data.cache_dir).absolute(), config.data.on_error == "stop"
    with layers_lock(cache):
        pass
    book = Book(folder / "quarantine.jsonl", stop)
    engine = engine_for(config.data, cache)
    with closing(engine), book.kept_on_error(keep):
        runner = ChunkRunner(cache, engine, progress, stop, book)
        shards = list(_shards(config, sources, inputs, runner))
        unread = [shard for shard in shards if not shard.is_done()]
        chains = runner.read(shards)
        _check_unchanged(inputs, unread, runner)
        chains = without_repeated(chains, shards)
        for label, preprocessor in config.preprocessor.items():
            path, said = f"preprocessor.{label}", described(preprocessor, cache)
            if isinstance(preprocessor, CorpusPreprocessor):
                chains = runner.compared(chains, path, preprocessor, said)
            else:
                chains = [chain.then(Preprocess(path, preprocessor), said) for chain in chains]
        train, validation, account = _split(config, chains, runner)
        runner.finish(validation, "Writing validation", folder / "validation")
        before = len(book.stations)
        train = _changed(config, train, runner)
        for label, augmenter in config.augmenter.items():
            step = Augment(f"augmenter.{label}", augmenter, config.seed)
            said = [described(augmenter, cache), config.seed, NAMED_RANDOM]
            train = [chain.then(step, said) for chain in train]
        runner.finish(train, "Augmenting" if config.augmenter else "Writing train", folder / "train")
        for station in list(book.stations.values())[before:]:
            check_quarantine(station, config.data.max_quarantined)
        stations = book.accounts()
        ledger = [*stations[:before], account, *stations[before:]]
    check_balance(ledger)
    (folder / "ledger.json").write_text(json.dumps(ledger, indent=1), encoding="utf-8")


def _shards(
    config: RunConfig, sources: Mapping[str, Source], inputs: list[dict[str, Any]], runner: ChunkRunner
) -> Iterator[ReadShard]:
    digests = {entry["path"]: entry.get("digest") for entry in inputs}
    for label, source in sources.items():
        said = described(config.source[label], runner.cache)
        for number, shard in enumerate(source.shards()):
            files = [(str(path), digests.get(str(path))) for path in shard.inputs()]
            # Its number counts only where nothing else tells it from the other shards.
            parts = [label, said[0], said[2:], shard.model_dump(mode="json"), files or number]
            key = digest([*parts, type(shard).__qualname__, config.data.shard_megabytes])
            characters = int(config.data.shard_megabytes * 1e6)
            paths = tuple(path for path, _ in files)
            yield ReadShard(runner.store.folder, key, label, shard, characters, runner.stop, paths)


def _check_unchanged(inputs: list[dict[str, Any]], shards: list[ReadShard], runner: ChunkRunner) -> None:
    """Raises:
    DataError: where a file is not what it was before it was read. What was read of it is forgotten: it would be taken
        for the content that the file had.
    """
    read = {path for shard in shards for path in shard.files}
    before = [entry for entry in inputs if entry["path"] in read]
    now = described_inputs([Path(entry["path"]) for entry in before], runner.cache)
    changed = [entry["path"] for entry, found in zip(before, now, strict=True) if entry != found]
    for shard in shards:
        if not set(changed).isdisjoint(shard.files):
            runner.store.forget(shard.key)
    if changed:
        more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
        raise DataError(
            f"{changed[0]}{more} changed or vanished while it was read; run it again when nobody writes to it"
        )


def _split(
    config: RunConfig, chains: list[Chain], runner: ChunkRunner
) -> tuple[list[Chain], list[Chain], dict[str, Any]]:
    fraction, used, seed = config.data.validation_fraction, config.data.train_fraction, config.seed
    parts = {
        name: Split(part=name, fraction=fraction, train_fraction=used, seed=seed) for name in ("train", "validation")
    }
    decisions, counts = runner.decisions(chains, "split", parts["train"], [fraction, used, seed], "Preprocessing")
    chains = runner.entered(chains)
    for station in runner.book.stations.values():
        check_quarantine(station, config.data.max_quarantined)
    total = sum(counts.values())
    if total == 0:
        stations = runner.book.stations.values()
        lost = [(s.name, reason, n) for s in stations for reason, n in (s.dropped + s.quarantined).most_common()]
        dropped = "; ".join(f"{name}: {reason} {n}" for name, reason, n in lost)
        raise DataError(f"no document is left to train on ({dropped or 'the sources gave none'})")
    account = {"station": "split", "read": total, "added": 0, "kept": total, "dropped": {}, "quarantined": {}}
    if total == 1:
        if used < 1:
            raise DataError(f"data.train_fraction={used:g} leaves out whole documents, and there is only one")
        cut = {name: [c.then(CutInTwo("split", name, fraction), [name, fraction]) for c in chains] for name in parts}
        return cut["train"], cut["validation"], account | {"added": 1, "kept": 2, "train": 1, "validation": 1}
    split = {name: runner.carried_out(chains, decisions, "split", part) for name, part in parts.items()}
    left_out = counts.get(LEFT_OUT, 0)
    account |= {"kept": total - left_out, "dropped": {LEFT_OUT: left_out} if left_out else {}}
    return split["train"], split["validation"], account | {name: counts.get(name, 0) for name in parts}


def _changed(config: RunConfig, chains: list[Chain], runner: ChunkRunner) -> list[Chain]:
    for path, technique in config.acting_at("change_documents").items():
        said = [path, described(technique, runner.cache), config.seed]
        chains = runner.changed(chains, path, technique, said, config.seed)
    return chains
