"""The programs that `data.py` compares, each run in a process of its own:

    python data_programs.py NAME '{"input": "...", "folder": "..."}'

A program says on its last line what it made, as JSON, so that it can be seen whether all did the same work; and where
its start-up is not to count, how many `seconds` of the processor's time the work took.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PROGRAMS: dict[str, Callable[..., dict[str, Any]]] = {}
BANDS, ROWS, NGRAM, THRESHOLD = 16, 8, 5, 0.7

# What pluglm's `normalize` does by default, for those that do the same by hand.
INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff]")
LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
TRAILING = re.compile(r"(?<![^\S\n])[^\S\n]++(?=\n|\Z)")
BLANK_LINES = re.compile(r"\n{4,}")


def program(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Make a function one of the programs."""
    PROGRAMS[function.__name__] = function
    return function


def cleaned(text: str) -> str:
    """The text normalised and in lower case."""
    import unicodedata

    text = unicodedata.normalize("NFC", INVISIBLE.sub("", LINE_ENDS.sub("\n", text)))
    return BLANK_LINES.sub("\n\n\n", TRAILING.sub("", text)).lower()


def lines(path: str) -> Iterator[dict[str, Any]]:
    """The records of a file of JSON lines."""
    with open(path, encoding="utf-8") as file:
        yield from map(json.loads, file)


# pluglm


@program
def pluglm(words: list[str], folder: str, examples: bool = True, no_ops: int = 0) -> dict[str, Any]:
    """`pluglm prepare`, with `no_ops` further preprocessors that do nothing; without `examples` only the corpus."""
    from pluglm.config.compose import compose
    from pluglm.lifecycle.preparation import prepare

    config = compose([*words, f"data.cache_dir={folder}/cache", f"output.folder={folder}/run"])
    if no_ops:
        config = replace(config, preprocessor={**config.preprocessor, **_no_ops(no_ops)})
    if examples:
        found = json.loads((prepare(config, quiet=True) / "ledger.json").read_text())
        stations, tokens = found["stations"], sum(part["tokens_in"] for part in found["tokens"].values())
    else:
        from pluglm.corpus.prepared import prepare_corpus
        from pluglm.progress import Progress

        corpus = prepare_corpus(config, Progress(quiet=True))
        stations, tokens = corpus.ledger, 0
        kept = [document.id for part in (corpus.train(), corpus.validation()) for document in part]
        Path(folder, "kept.json").write_text(json.dumps([identifier.rpartition(":")[2] for identifier in kept]))
    documents = next(station["kept"] for station in stations if station["station"] == "split")
    return {"documents": documents} | ({"tokens": tokens} if examples else {})


def _no_ops(count: int) -> dict[str, Any]:
    from pluglm import Document, Dropped, Preprocessor, hookimpl
    from pluglm.catalog import Plugin, installed_catalog

    class NoOp(Preprocessor):
        """Does nothing."""

        def process(self, document: Document) -> Document | Dropped:
            return document

    plugin = SimpleNamespace(register_preprocessors=hookimpl(lambda: [NoOp]))
    installed_catalog().add(Plugin("no_ops", __name__, "benchmarks", "0"), plugin)
    return {f"no_op{number}": NoOp() for number in range(count)}


@program
def train_tokenizer(input: str, folder: str, size: int) -> dict[str, Any]:
    """Not compared: the tokenizer that all use."""
    from pluglm_tokenizers.bpe import Bpe

    Bpe(vocab_size=size).build(record["text"] for record in lines(input)).save_pretrained(folder)
    return {}


# (a) WARC to tokens


@program
def script(input: str, tokenizer: str, folder: str) -> dict[str, Any]:
    """A plain script of the best library for each step."""
    import numpy as np
    import tiktoken
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    texts = []
    for record in ArchiveIterator(BytesIO(Path(input).read_bytes()), record_types=WarcRecordType.response):
        content = record.reader.read()
        try:
            page = content.decode()
        except UnicodeDecodeError:
            page = bytes_to_str(content, detect_encoding(content))
        text = extract_plain_text(page, main_content=True, alt_texts=False).strip()
        if not text:
            from trafilatura import extract

            text = (extract(page, include_comments=False) or "").strip()
        if text:
            texts.append(cleaned(text))
    kept = deduplicated_by_rensa(texts)
    ranks, words, end = ranks_of(tokenizer)
    encoding = tiktoken.Encoding("script", pat_str=words, mergeable_ranks=ranks, special_tokens={})
    tokens = 0
    with open(Path(folder, "tokens.bin"), "wb") as file:
        for number in kept:
            ids = [*encoding.encode_ordinary(texts[number]), end]
            file.write(np.array(ids, np.uint16).tobytes())
            tokens += len(ids)
    return {"documents": len(kept), "tokens": tokens}


def deduplicated_by_rensa(texts: list[str]) -> list[int]:
    """Which to keep: signatures by rensa, candidates from a dict for each band, compared exactly."""
    import numpy as np
    import rensa

    word = re.compile(r"\w+")

    def ngrams(text: str) -> list[str]:
        words = word.findall(text.lower())
        return list({" ".join(words[i : i + NGRAM]) for i in range(max(1, len(words) - NGRAM + 1))})

    grams = [ngrams(text) for text in texts]
    signatures = np.asarray(rensa.RMinHash.digests_from_token_sets(grams, BANDS * ROWS, 42), np.uint32)
    buckets: list[defaultdict[bytes, list[int]]] = [defaultdict(list) for _ in range(BANDS)]
    kept = []
    for number, signature in enumerate(signatures):
        names = [signature[band * ROWS : (band + 1) * ROWS].tobytes() for band in range(BANDS)]
        own = set(grams[number])
        candidates = {other for band, name in zip(buckets, names, strict=True) for other in band.get(name, ())}
        if any(len(own & (its := set(grams[other]))) >= THRESHOLD * len(own | its) for other in candidates):
            continue
        kept.append(number)
        for band, name in zip(buckets, names, strict=True):
            band[name].append(number)
    return kept


def ranks_of(tokenizer: str) -> tuple[dict[bytes, int], str, int]:
    """A tokenizer's tokens by their bytes, how it splits words, and its token for the end of a text."""
    backend = json.loads(Path(tokenizer).read_text(encoding="utf-8"))
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    byte_of = {chr(byte): byte for byte in plain} | {chr(256 + n): byte for n, byte in enumerate(others)}
    special = {token["content"]: token["id"] for token in backend["added_tokens"]}
    vocabulary = {token: number for token, number in backend["model"]["vocab"].items() if token not in special}
    words = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
    ranks = {bytes(byte_of[c] for c in token): number for token, number in vocabulary.items()}
    return ranks, words, special["</s>"]


def _extract_by_resiliparse(data: Iterable[Any], rank: int = 0, world_size: int = 1) -> Iterator[Any]:
    from resiliparse.extract.html2text import extract_plain_text

    for document in data:
        document.text = extract_plain_text(document.text, main_content=True, alt_texts=False).strip()
        if document.text:
            yield document


def _clean(data: Iterable[Any], rank: int = 0, world_size: int = 1) -> Iterator[Any]:
    for document in data:
        document.text = cleaned(document.text)
        yield document


def _run_datatrove(*stages: tuple[list[Any], int], folder: str) -> None:
    from datatrove.executor.local import LocalPipelineExecutor

    for number, (steps, tasks) in enumerate(stages):
        LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=f"{folder}/log{number}").run()


def _minhash_of_datatrove(folder: str, last: list[Any]) -> list[tuple[list[Any], int]]:
    from datatrove.pipeline.dedup import minhash
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.utils.hashing import HashConfig

    config = minhash.MinhashConfig(
        hash_config=HashConfig(precision=64), num_buckets=BANDS, hashes_per_bucket=ROWS, n_grams=NGRAM
    )
    into = {name: f"{folder}/{name}" for name in ("documents", "signatures", "buckets", "remove")}
    return [
        (
            [
                JsonlReader(into["documents"]),
                minhash.MinhashDedupSignature(into["signatures"], config),
            ],
            1,
        ),
        ([minhash.MinhashDedupBuckets(into["signatures"], into["buckets"], config=config)], BANDS),
        ([minhash.MinhashDedupCluster(into["buckets"], into["remove"], config=config)], 1),
        ([JsonlReader(into["documents"]), minhash.MinhashDedupFilter(into["remove"]), *last], 1),
    ]


def _quiet_datatrove() -> None:
    from loguru import logger

    logger.remove()


@program
def datatrove(input: str, tokenizer: str, folder: str, extractor: str) -> dict[str, Any]:
    """datatrove's own pipeline; text by its own extractor, or by that of the others."""
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.tokens import DocumentTokenizer
    from datatrove.pipeline.writers.jsonl import JsonlWriter

    _quiet_datatrove()
    counted = {"documents": 0}

    def count(data: Iterable[Any], rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        for document in data:
            counted["documents"] += 1
            yield document

    extract = _extract_by_resiliparse if extractor == "resiliparse" else Trafilatura(timeout=60)
    write = JsonlWriter(f"{folder}/documents", compression=None)
    read = WarcReader(str(Path(input).parent), glob_pattern=Path(input).name)
    tokens = DocumentTokenizer(
        f"{folder}/tokens", tokenizer, eos_token="</s>", shuffle_documents=False, batch_size=1000
    )
    _run_datatrove(([read, extract, _clean, write], 1), *_minhash_of_datatrove(folder, [count, tokens]), folder=folder)
    size = sum(path.stat().st_size for path in Path(folder, "tokens").glob("*.ds"))
    return counted | {"tokens": size // 2}


# (b) near deduplication


@program
def near_dedup(input: str, folder: str) -> dict[str, Any]:
    """pluglm's technique by itself, keys and decisions, in memory."""
    import numpy  # noqa: F401  as the others, before the clock starts

    from pluglm import Document
    from pluglm.corpus.keys import KeyList
    from pluglm_preprocessors.near_dedup import NearDedup

    documents = [Document(record["text"], record["id"]) for record in lines(input)]
    technique = NearDedup(threshold=THRESHOLD, ngram=NGRAM, permutations=BANDS * ROWS)
    started = time.process_time()
    decisions = list(technique.decide(KeyList(map(technique.key, documents))))
    seconds = time.process_time() - started
    kept = (document.id for document, decision in zip(documents, decisions, strict=True) if decision is None)
    return _wrote(kept, folder) | {"seconds": seconds}


def _wrote(kept: Iterable[Any], folder: str) -> dict[str, Any]:
    numbers = [str(number) for number in kept]
    Path(folder, "kept.json").write_text(json.dumps(numbers))
    return {"documents": len(numbers)}


@program
def script_dedup(input: str, folder: str) -> dict[str, Any]:
    """rensa, a dict for each band, and exact comparison."""
    records = list(lines(input))
    started = time.process_time()
    kept = deduplicated_by_rensa([record["text"] for record in records])
    seconds = time.process_time() - started
    with open(Path(folder, "out.jsonl"), "w", encoding="utf-8") as file:
        file.writelines(json.dumps(records[number]) + "\n" for number in kept)
    return _wrote((records[number]["id"] for number in kept), folder) | {"seconds": seconds}


@program
def datasketch(input: str, folder: str) -> dict[str, Any]:
    """Its MinHash, in bulk, and its MinHashLSH; candidates are not compared."""
    from datasketch import MinHash, MinHashLSH

    word, index, kept = re.compile(r"\w+"), MinHashLSH(params=(BANDS, ROWS), num_perm=BANDS * ROWS), []

    def ngrams(text: str) -> set[bytes]:
        words = word.findall(text.lower())
        return {" ".join(words[i : i + NGRAM]).encode() for i in range(max(1, len(words) - NGRAM + 1))}

    records = list(lines(input))
    started = time.process_time()
    hashes = MinHash.generator((ngrams(record["text"]) for record in records), num_perm=BANDS * ROWS, seed=1)
    for number, signature in enumerate(hashes):
        if not index.query(signature):
            index.insert(number, signature, check_duplication=False)
            kept.append(number)
    seconds = time.process_time() - started
    with open(Path(folder, "out.jsonl"), "w", encoding="utf-8") as file:
        file.writelines(json.dumps(records[number]) + "\n" for number in kept)
    return _wrote((records[number]["id"] for number in kept), folder) | {"seconds": seconds}


@program
def text_dedup(input: str, folder: str) -> dict[str, Any]:
    """Its command `text_dedup.minhash`, with the hash function it calls faster; candidates are not compared."""
    from text_dedup import minhash

    given = {"path": "json", "data_files": input, "split": "train", "output": f"{folder}/out", "column": "text"}
    given |= {"cache_dir": f"{folder}/cache", "num_proc": 1, "hash_func": "xxh3", "min_length": 1}
    given |= {"ngram": NGRAM, "num_perm": BANDS * ROWS, "threshold": THRESHOLD, "b": BANDS, "r": ROWS}
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    minhash.main(words, standalone_mode=False)
    from datasets import load_from_disk

    return _wrote(load_from_disk(f"{folder}/out")["id"], folder)


@program
def datatrove_dedup(input: str, folder: str) -> dict[str, Any]:
    """Its four stages of MinHash; candidates are not compared."""
    from datatrove.pipeline.writers.jsonl import JsonlWriter

    _quiet_datatrove()
    documents = Path(folder, "documents")
    documents.mkdir()
    (documents / "0.jsonl").symlink_to(Path(input).absolute())
    last = [JsonlWriter(f"{folder}/out", compression=None)]
    _run_datatrove(*_minhash_of_datatrove(folder, last), folder=folder)
    return _wrote((record["id"] for path in Path(folder, "out").iterdir() for record in lines(str(path))), folder)


# (c) tokens


def _digest(tokens: Iterable[list[int]]) -> dict[str, Any]:
    import hashlib

    state, count = hashlib.blake2b(digest_size=4), 0
    for ids in tokens:
        count += len(ids)
        state.update(b"".join(number.to_bytes(4, "little") for number in ids))
    return {"tokens": count, "digest": state.hexdigest()}


@program
def pluglm_encode(input: str, tokenizer: str) -> dict[str, Any]:
    """How pluglm encodes: one text after the other, through the verified path."""
    from pluglm.batching.text_encoding import encode_text, use_fast_encoding
    from pluglm.batching.tokenizer import saved_tokenizer

    texts = [record["text"] for record in lines(input)]
    wrapped = saved_tokenizer(Path(tokenizer).parent)
    assert use_fast_encoding(wrapped)
    started = time.process_time()
    tokens = [encode_text(text, wrapped) for text in texts]
    return {"seconds": time.process_time() - started, "documents": len(tokens)} | _digest(tokens)


@program
def encode_batch(input: str, tokenizer: str, method: str) -> dict[str, Any]:
    """`tokenizers` itself, with as many threads as it is given."""
    from tokenizers import Tokenizer

    texts = [record["text"] for record in lines(input)]
    backend = Tokenizer.from_file(tokenizer)
    # As in pluglm: a special token that is spelt out in a text is text.
    backend.encode_special_tokens = True
    encode = getattr(backend, method)
    started = time.process_time()
    tokens = [found.ids for found in encode(texts, add_special_tokens=False)]
    return {"seconds": time.process_time() - started, "documents": len(tokens)} | _digest(tokens)


# (d) augmentation


def settle() -> None:
    """Take what was imported out of the collector's sight, which else goes through all of it once, in whichever program
    it happens to come to that."""
    gc.collect()
    gc.freeze()


@program
def pluglm_texts(input: str, name: str) -> dict[str, Any]:
    """An augmenter of pluglm, from texts to texts, each with random numbers of its own, as the engine has it."""
    from pluglm.catalog import installed_catalog
    from pluglm.corpus.named_random import NamedRandom

    records = list(lines(input))
    technique = installed_catalog().find("augmenter", name)
    assert technique is not None
    augment, random = technique().augment_text, NamedRandom(0)
    settle()
    started = time.process_time()
    made = []
    for record in records:
        random.seed(record["id"])
        made.append(augment(record["text"], random))
    return {
        "seconds": time.process_time() - started,
        "documents": sum(a != b["text"] for a, b in zip(made, records, strict=True)),
    }


@program
def pluglm_step(input: str, name: str) -> dict[str, Any]:
    """An augmenter of pluglm, through the engine's step: documents to documents, with their ids and the account."""
    from pluglm import Document
    from pluglm.catalog import installed_catalog
    from pluglm.corpus.augmenting import Augment
    from pluglm.corpus.ledger import Account

    documents = [Document(record["text"], record["id"], "jsonl") for record in lines(input)]
    technique = installed_catalog().find("augmenter", name)
    assert technique is not None
    step, station = Augment(f"augmenter.{name}", technique(), 0), Account(f"augmenter.{name}")
    settle()
    started = time.process_time()
    step.work(documents, station)
    return {"seconds": time.process_time() - started, "documents": station.added}


@program
def nlpaug(input: str, action: str) -> dict[str, Any]:
    """nlpaug's RandomWordAug, given all texts at once."""
    from nlpaug.augmenter.word import RandomWordAug

    texts = [record["text"] for record in lines(input)]
    augmenter = RandomWordAug(action=action, aug_p=0.1, aug_max=None)
    settle()
    started = time.process_time()
    made = augmenter.augment(texts)
    return {
        "seconds": time.process_time() - started,
        "documents": sum(a != b for a, b in zip(made, texts, strict=True)),
    }


if __name__ == "__main__":
    print(json.dumps(PROGRAMS[sys.argv[1]](**json.loads(sys.argv[2]))))
