"""Text to token ids, through the fastest way that gives the same ids."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from pluglm.document import ANY_SPACE, LONG_TEXT, text_parts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# How GPT-2 splits text into words (Radford et al. 2019), as the byte-level pre-tokenizer of `tokenizers` does.
WORDS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
PROBES = (
    "It's 12 o'clock,  they'll\tsay:\n\n\n  'we've' DON'T  ",
    "naïve café — “quoted” ½ ² ٣ 日本語のテキスト 😀👩‍👩‍👧 \u200b\u00a0x\u2028y\r\nz\x00\x07",
    "def f(x):\n    return x**2 + 1e-9  # ok\n\n\n\tif a!=b: pass",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \u0301\u0301 a\u0308 हिन्दी ไทย עברית </s> <pad>",
    "",
    " ",
)
ENCODER, PARTS = "_pluglm_encoder", "_pluglm_parts"


def encode_text(text: str, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """The ids of `text` alone, without special tokens; one that is spelt out in it is text."""
    fast: Callable[[str], list[int]] | None = getattr(tokenizer, ENCODER, None)
    if fast is not None:
        return fast(text)
    return slow_ids(text, tokenizer)


def slow_ids(text: str, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """What the tokenizer itself says, of a long text part by part where that comes to the same."""
    return _by_parts(text, tokenizer, partial(whole_ids, tokenizer=tokenizer))


def _by_parts(text: str, tokenizer: PreTrainedTokenizerFast, encode: Callable[[str], list[int]]) -> list[int]:
    if len(text) <= LONG_TEXT or not encodes_parts(tokenizer):
        return encode(text)
    # Each number once: millions of tokens have some thousand ids, and an int of its own takes 32 bytes.
    numbers: dict[int, int] = {}
    return [numbers.setdefault(number, number) for part in text_parts(text) for number in encode(part)]


def whole_ids(text: str, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """What the tokenizer itself says of a text at once. It takes some hundred bytes a token while it does."""
    ids: list[int] = tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False)["input_ids"]
    return ids


def encodes_parts(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether a text has the ids of its parts, wherever a part begins with a white space between two words: not where
    a tokenizer marks the beginning of a text, strips spaces, or has tokens with spaces within."""
    known: bool | None = getattr(tokenizer, PARTS, None)
    if known is None:
        known = not any(re.search(r"\S\s+\S", token) for token in tokenizer.get_vocab())
        known = known and all(
            whole_ids(probe, tokenizer)
            == whole_ids(probe[: cut.start()], tokenizer) + whole_ids(probe[cut.start() :], tokenizer)
            for probe in PROBES
            for cut in ANY_SPACE.finditer(probe)
        )
        setattr(tokenizer, PARTS, known)
    return known


def use_fast_encoding(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Let `encode_text` encode with tiktoken where the tokenizer is byte-pair encoding over bytes, and gives the same
    ids for probes; whether it does."""
    ranks = byte_ranks(tokenizer)
    if ranks is None:
        return False
    import tiktoken

    encoding = tiktoken.Encoding("pluglm", pat_str=WORDS, mergeable_ranks=ranks, special_tokens={})

    def whole(text: str) -> list[int]:
        try:
            ids: list[int] = encoding.encode_ordinary(text)
            return ids
        except BaseException as error:
            # Its regular expressions give up on a word of a million characters, by an exception of their own kind.
            if type(error).__name__ != "PanicException":
                raise
            return slow_ids(text, tokenizer)

    def fast(text: str) -> list[int]:
        return _by_parts(text, tokenizer, whole)

    setattr(tokenizer, ENCODER, fast)
    if not encodes_fast(tokenizer, PROBES):
        delattr(tokenizer, ENCODER)
        return False
    return True


def encodes_fast(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> bool:
    """Whether a tokenizer has a fast way of encoding, which gives its own ids for all of these texts."""
    fast: Callable[[str], list[int]] | None = getattr(tokenizer, ENCODER, None)
    return fast is not None and all(fast(text) == slow_ids(text, tokenizer) for text in texts)


def byte_ranks(tokenizer: PreTrainedTokenizerFast) -> dict[bytes, int] | None:
    """Each token's bytes and id, where ids are the order of merging; None for any other kind of tokenizer."""
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    model, splitter = backend["model"], backend["pre_tokenizer"] or {}
    plain = {"dropout": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "byte_fallback": False}
    if model.get("type") != "BPE" or any(model.get(k) not in (v, "" if v is None else v) for k, v in plain.items()):
        return None
    level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    if backend["normalizer"] is not None or any(splitter.get(key) != value for key, value in level.items()):
        return None
    special = {token["content"] for token in backend["added_tokens"] if token["special"]}
    if any(not token["special"] for token in backend["added_tokens"]):
        return None
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    bytes_of: dict[str, int] = {character: byte for byte, character in bytes_to_unicode().items()}
    vocabulary = {token: number for token, number in model["vocab"].items() if token not in special}
    if any(character not in bytes_of for token in vocabulary for character in token):
        return None
    pairs = [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]
    merged = [vocabulary.get("".join(pair)) for pair in pairs]
    if None in merged or merged != sorted(merged, key=lambda number: number or 0) or len(set(merged)) != len(merged):
        return None
    ranks = {bytes(bytes_of[character] for character in token): number for token, number in vocabulary.items()}
    return ranks if all(bytes([byte]) in ranks for byte in range(256)) else None
