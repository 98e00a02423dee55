"""Documents to tables of examples, with an account of every token."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.batching.split_encoding import SplitEncoding
from pluglm.batching.table import ExampleTable
from pluglm.batching.tokenizer import add_extra_tokens, saved_tokenizer
from pluglm.config.run_config import RunConfig
from pluglm.corpus.engines import engine_for
from pluglm.corpus.fingerprint import described
from pluglm.corpus.ledger import Book, check_balance
from pluglm.corpus.missing import is_missing
from pluglm.corpus.prepared import Corpus
from pluglm.errors import PluglmError
from pluglm.families import own_special_tokens
from pluglm.files.digests import digest
from pluglm.files.seal import SEAL, damaged_file
from pluglm.files.storage import cache_folder, make_once
from pluglm.formatting import format_number

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pluglm.progress import Progress
    from pluglm.runs.accounts import KeepAccounts


@dataclass(frozen=True, slots=True)
class Examples:
    """A run's examples, and what made them. `fitted`: what the objective learned of the training documents."""

    folder: Path
    key: str
    tokenizer: PreTrainedTokenizerFast
    fitted: dict[str, Any]
    train: ExampleTable
    validation: ExampleTable
    ledger: dict[str, Any]
    notes: list[str]


def prepare_examples(
    config: RunConfig, corpus: Corpus, progress: Progress, keep: KeepAccounts | None = None
) -> Examples:
    """The examples of a run, from the cache where they have been made before; `keep` is given the accounts that are
    known where they cannot be made.

    Raises:
        DataError: where a split is left without examples, or too many documents cannot serve the objective.
    """
    own = config.model.own_tokenizer()
    key = digest({"corpus": corpus.key} | _recipe(config, own))
    folder = make_once(
        cache_folder(config.data.cache_dir) / "examples" / key,
        lambda temporary: _make(config, corpus, own, temporary, progress, keep),
        waiting=lambda: progress.say("Another run is making the same examples; waiting for it"),
        damaged=lambda file: progress.say(f"The examples in the cache are damaged ({file}); making them again"),
    )
    return _opened(config, corpus, folder, key, own is not None)


def made_examples(config: RunConfig, corpus: Corpus) -> Examples | None:
    """The examples of a run where they have been made before."""
    own = config.model.own_tokenizer()
    key = digest({"corpus": corpus.key} | _recipe(config, own))
    folder = cache_folder(config.data.cache_dir) / "examples" / key
    return _opened(config, corpus, folder, key, own is not None) if damaged_file(folder) is None else None


def _opened(config: RunConfig, corpus: Corpus, folder: Path, key: str, own: bool) -> Examples:
    notes = []
    if own:
        notes.append(
            f"model={config.model.name} brings its own tokenizer, so tokenizer={config.tokenizer.name} is not used"
        )
    if config.model.longest_input() == (length := config.data.sequence_length):
        notes.append(f"data.sequence_length is {length}, the most that model={config.model.name} takes")
    for station in corpus.ledger:
        found = station.get("notes", {}).items()
        notes += [f"{station['station']}: {text}: {format_number(count)} documents" for text, count in found]
    tokenizer = saved_tokenizer(folder / "tokenizer")
    special = config.objective.special_tokens(tokenizer)
    around = [" ".join(tokenizer.convert_ids_to_tokens(list(ids))) for ids in (special.start, special.end)]
    notes.append("special tokens around a text: " + " ".join(part for part in (around[0], "TEXT", around[1]) if part))
    fitted = json.loads((folder / "fitted.json").read_text(encoding="utf-8"))
    return Examples(
        folder,
        key,
        tokenizer,
        fitted,
        ExampleTable(folder / "train"),
        ExampleTable(folder / "validation"),
        json.loads((folder / "ledger.json").read_text(encoding="utf-8")),
        [*notes, *fitted.get("notes", [])],
    )


def _recipe(config: RunConfig, own: PreTrainedTokenizerFast | None) -> dict[str, Any]:
    cache = cache_folder(config.data.cache_dir)
    makers = {technique.family: described(technique, cache) for technique in (config.objective, config.tokenizer)}
    if own is not None:
        special = [own_special_tokens(own).around(()), own.pad_token_id, own.bos_token_id, own.eos_token_id]
        makers["tokenizer"] = ["own", digest(own.backend_tokenizer.to_str()), special]
    return makers | {
        "sequence_length": config.data.sequence_length,
        "packing": config.data.packing,
        "columns": _columns(config),
        "mixture": [config.data.mixture.model_dump(mode="json"), config.seed],
        "on_error": config.data.on_error,
        "max_quarantined": config.data.max_quarantined,
    }


def _columns(config: RunConfig) -> list[str]:
    return sorted({name for technique in config.interventions().values() for name in technique.columns()})


def packs(config: RunConfig) -> bool:
    """Whether examples are joined into blocks: a block mixes documents, so not where fields travel with them."""
    return config.data.packing and type(config.objective).packs and not _columns(config)


def _make(
    config: RunConfig,
    corpus: Corpus,
    own: PreTrainedTokenizerFast | None,
    folder: Path,
    progress: Progress,
    keep: KeepAccounts | None,
) -> None:
    if (broken := damaged_file(corpus.folder, everything=True)) is not None:
        (corpus.folder / SEAL).unlink(missing_ok=True)
        raise PluglmError(f"a part of the cache is damaged ({corpus.folder / broken}); run it again to make it anew")

    def texts() -> Iterator[str]:
        with progress.task("Training the tokenizer", unit="documents") as task:
            for document in corpus.train():
                task.advance(1)
                yield from config.objective.texts(document)

    # What is done of the documents outlives a stop: it does not lie in `folder`, which appears when it is whole.
    work = folder.with_name(folder.name.removesuffix(".tmp") + ".parts")
    if not (work / "prepared").exists():
        tokenizer = own or config.tokenizer.build(texts())
        add_extra_tokens(tokenizer, config.objective.extra_tokens())
        tokenizer.save_pretrained(work / "tokenizer")
        (work / "fitted.json").write_text(json.dumps(config.objective.fit(corpus.train())), encoding="utf-8")
        (work / "prepared").touch()
    shutil.copytree(work / "tokenizer", folder / "tokenizer")
    shutil.copy(work / "fitted.json", folder / "fitted.json")
    book = Book(folder / "quarantine.jsonl")
    engine = engine_for(config.data, cache_folder(config.data.cache_dir).absolute())
    with closing(engine), book.kept_on_error(keep):
        values = _field_values(corpus, _columns(config))
        encoding = SplitEncoding(config, corpus, folder, work.absolute(), values, packs(config), engine, progress)
        tokens = {split: encoding.split(split, book) for split in ("train", "validation")}
    stations = book.accounts()
    check_balance(stations)
    ledger = {"stations": stations, "tokens": tokens, "fast_encoding": encoding.fast}
    (folder / "ledger.json").write_text(json.dumps(ledger, indent=1), encoding="utf-8")
    shutil.rmtree(work)


def _field_values(corpus: Corpus, columns: list[str]) -> dict[str, list[str]]:
    seen: dict[str, set[str]] = {name: set() for name in columns}
    for document in corpus.train() if columns else ():
        for name in columns:
            if not is_missing(document.get(name)):
                seen[name].add(str(document.get(name)))
    return {name: sorted(values) for name, values in seen.items()}


def whole_ledger(corpus: Corpus, examples: Examples) -> dict[str, Any]:
    """The ledger of a run: the accounts of its corpus, then those of its examples."""
    return {"stations": corpus.ledger + examples.ledger["stations"], "tokens": examples.ledger["tokens"]}
