"""Documents to tables of examples, with an account of every token."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.batching.packing import TokenAccount, cut, packed
from pluglm.batching.table import ExampleTable, write_table
from pluglm.catalog import installed_catalog
from pluglm.config.run_config import RunConfig
from pluglm.corpus.document import Document
from pluglm.corpus.ledger import Quarantine, Station, check_balance
from pluglm.corpus.prepare import Corpus
from pluglm.corpus.storage import cache_folder, digest, make_once
from pluglm.errors import DataError
from pluglm.families import Objective

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pluglm.reporting.progress import Progress


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


def prepare_examples(config: RunConfig, corpus: Corpus, progress: Progress) -> Examples:
    """The examples of a run, from the cache where they have been made before.

    Raises:
        DataError: where a split is left without examples, or too many documents cannot serve the objective.
    """
    own = config.model.own_tokenizer()
    recipe = {"corpus": corpus.key} | _recipe(config, own)
    key = digest(recipe)
    folder = make_once(
        cache_folder(config.data.cache_dir) / "examples" / key,
        lambda temporary: _make(config, corpus, own, temporary, progress),
        waiting=lambda: progress.say("Another run is making the same examples; waiting for it"),
    )
    notes = []
    if own is not None:
        notes.append(
            f"model={config.model.name} brings its own tokenizer, so tokenizer={config.tokenizer.name} is not used"
        )
    return Examples(
        folder,
        key,
        _saved_tokenizer(folder / "tokenizer"),
        json.loads((folder / "fitted.json").read_text(encoding="utf-8")),
        ExampleTable(folder / "train"),
        ExampleTable(folder / "validation"),
        json.loads((folder / "ledger.json").read_text(encoding="utf-8")),
        notes,
    )


def _saved_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    from transformers import AutoTokenizer

    tokenizer: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(folder)
    # How it was found is kept in it and would be saved with it; it depends on the environment (HF_HUB_OFFLINE).
    for circumstance in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(circumstance, None)
    return tokenizer


def _recipe(config: RunConfig, own: PreTrainedTokenizerFast | None) -> dict[str, Any]:
    catalog = installed_catalog()
    described: dict[str, tuple[str, Any, str]] = {
        technique.family: (technique.name, technique.model_dump(mode="json"), catalog.owner(type(technique)).version)
        for technique in (config.objective, config.tokenizer)
    }
    if own is not None:
        described["tokenizer"] = ("own", digest(own.backend_tokenizer.to_str()), "")
    return described | {
        "sequence_length": config.data.sequence_length,
        "packing": config.data.packing,
        "columns": _columns(config),
        "on_error": config.data.on_error,
        "max_quarantined": config.data.max_quarantined,
    }


def _columns(config: RunConfig) -> list[str]:
    return sorted({name for technique in config.interventions().values() for name in technique.columns()})


def packs(config: RunConfig) -> bool:
    """Whether examples are joined into blocks: a block mixes documents, so not where fields travel with them."""
    return config.data.packing and type(config.objective).packs and not _columns(config)


def _make(
    config: RunConfig, corpus: Corpus, own: PreTrainedTokenizerFast | None, folder: Path, progress: Progress
) -> None:
    def texts() -> Iterator[str]:
        with progress.task("Training the tokenizer", unit="documents") as task:
            for document in corpus.train():
                task.advance(1)
                yield document.text

    tokenizer = own or config.tokenizer.build(texts())
    tokenizer.save_pretrained(folder / "tokenizer")
    fitted = config.objective.fit(corpus.train())
    (folder / "fitted.json").write_text(json.dumps(fitted), encoding="utf-8")
    quarantine = Quarantine(folder / "quarantine.jsonl", stop=config.data.on_error == "stop")
    quarantine.path.touch()
    values = _field_values(corpus, _columns(config))
    ledger: dict[str, Any] = {"stations": [], "tokens": {}}
    splits: dict[str, Callable[[], Iterator[Document]]] = {"train": corpus.train, "validation": corpus.validation}
    for split, documents in splits.items():
        station, account = Station(f"objective.{split}"), TokenAccount()
        examples = _examples(config, documents(), tokenizer, fitted, values, station, account, quarantine)
        with progress.task(f"Tokenizing {split}", unit="examples") as task:
            account.examples = write_table(folder / split, _counted(examples, task))
        bad = station.quarantined.total()
        if station.read and bad / station.read > config.data.max_quarantined:
            raise DataError(
                f"objective={config.objective.name} cannot use {bad} of {station.read} {split} documents "
                f"({', '.join(f'{r} {n}' for r, n in station.quarantined.most_common(5))})"
            )
        if account.examples == 0:
            raise DataError(
                f"the {split} split gives no example: {account.tokens_in} tokens in {station.read} documents, and a "
                f"block takes data.sequence_length={config.data.sequence_length}; add text or shorten the block"
            )
        ledger["stations"].append(station.as_dict())
        ledger["tokens"][split] = account.as_dict()
    check_balance(ledger["stations"])
    (folder / "ledger.json").write_text(json.dumps(ledger, indent=1), encoding="utf-8")


def _counted(examples: Iterator[dict[str, Any]], task: Any) -> Iterator[dict[str, Any]]:
    for example in examples:
        task.advance(1)
        yield example


def _field_values(corpus: Corpus, columns: list[str]) -> dict[str, list[str]]:
    seen: dict[str, set[str]] = {name: set() for name in columns}
    for document in corpus.train() if columns else ():
        for name in columns:
            if document.get(name) is not None:
                seen[name].add(str(document.get(name)))
    return {name: sorted(values) for name, values in seen.items()}


def _examples(
    config: RunConfig,
    documents: Iterable[Document],
    tokenizer: PreTrainedTokenizerFast,
    fitted: Mapping[str, Any],
    values: Mapping[str, list[str]],
    station: Station,
    account: TokenAccount,
    quarantine: Quarantine,
) -> Iterator[dict[str, Any]]:
    length = config.data.sequence_length
    pieces = _of_documents(config.objective, documents, tokenizer, length, fitted, values, station, quarantine)
    yield from packed(pieces, length, account) if packs(config) else cut(pieces, length, account)


def _of_documents(
    objective: Objective,
    documents: Iterable[Document],
    tokenizer: PreTrainedTokenizerFast,
    length: int,
    fitted: Mapping[str, Any],
    values: Mapping[str, list[str]],
    station: Station,
    quarantine: Quarantine,
) -> Iterator[dict[str, Any]]:
    required = objective.required_fields()
    for document in documents:
        station.read += 1
        locator = f"{document.source}:{document.id}"
        missing = [name for name in required if document.get(name) is None]
        if missing:
            quarantine.put(station, locator, "no_" + "_".join(missing), "the objective needs this field")
            continue
        try:
            examples = list(objective.examples(document, tokenizer, length, fitted))
        except ValueError as error:
            quarantine.put(station, locator, "unusable", str(error))
            continue
        station.characters_in += len(document.text)
        station.keep(None, document)
        columns: dict[str, Any] = {"weight": float(document.weight)}
        for name, known in values.items():
            value = str(document.get(name))
            columns[f"field_{name}"] = known.index(value) if value in known else -1
        for example in examples:
            yield {**example, **columns}
