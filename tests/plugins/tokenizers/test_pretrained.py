"""A tokenizer from a folder: ids are those of the file, what is missing is added behind, what is wrong is said."""

from __future__ import annotations

import pytest
from stand_ins import stand_in
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from pluglm import SPECIAL_TOKENS, DataError
from pluglm_tokenizers.bpe import Bpe
from pluglm_tokenizers.pretrained import Pretrained

TEXT = "A cat is a cat, and not two."


def test_the_tokenizer_of_a_run_is_taken_as_it_is(tmp_path):
    trained = Bpe(vocab_size=300).build(iter([TEXT] * 3))
    trained.save_pretrained(tmp_path / "model")
    for path in (tmp_path, tmp_path / "model", tmp_path / "model" / "tokenizer.json"):
        loaded = Pretrained(path=path).build(iter(()))
        assert loaded.get_vocab() == trained.get_vocab() and loaded.special_tokens_map == trained.special_tokens_map
        assert loaded(TEXT + "<pad>")["input_ids"] == trained(TEXT + "<pad>")["input_ids"]
        assert loaded.decode(loaded(TEXT + "<pad>")["input_ids"]) == TEXT + "<pad>"


def test_ids_are_those_of_tokenizers_and_missing_special_tokens_are_added_behind(tmp_path):
    backend = Backend(models.WordLevel({"[UNK]": 0, "[PAD]": 1, "cat": 2, "a": 3}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]").save_pretrained(tmp_path)
    loaded = Pretrained(path=tmp_path).build(iter(()))
    assert (
        loaded("a cat sat")["input_ids"] == Backend.from_file(str(tmp_path / "tokenizer.json")).encode("a cat sat").ids
    )
    assert (loaded.unk_token, loaded.pad_token, loaded.pad_token_id) == ("[UNK]", "[PAD]", 1)
    added = [role for role in SPECIAL_TOKENS if role not in ("unk_token", "pad_token")]
    assert [getattr(loaded, role) for role in added] == [SPECIAL_TOKENS[role] for role in added]
    assert sorted(getattr(loaded, f"{role}_id") for role in added) == list(range(4, 4 + len(added)))
    assert len(loaded) == 4 + len(added)


def test_what_is_not_there_is_said_before_the_run(tmp_path):
    run = stand_in()
    (problem,) = Pretrained(path=tmp_path / "no").problems(run)
    assert (problem.path, problem.reason) == ("tokenizer.path", "does not exist")
    (problem,) = Pretrained(path=tmp_path).problems(run)
    assert "no tokenizer.json" in problem.reason
    with pytest.raises(DataError, match=r"no tokenizer\.json"):
        Pretrained(path=tmp_path).build(iter(()))
    for content, said in (
        (b"{}", "describes no tokenizer"),
        (b"\x00\xff", "cannot be read"),
        (b"{broken", "cannot be"),
    ):
        (tmp_path / "tokenizer.json").write_bytes(content)
        (problem,) = Pretrained(path=tmp_path).problems(run)
        assert said in problem.reason
    with pytest.raises(DataError, match="cannot be read"):
        Pretrained(path=tmp_path).build(iter(()))
