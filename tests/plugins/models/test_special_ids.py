"""Config, generation config and tokenizer of a loaded model name the same special tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from pluglm_models.pretrained import Pretrained
from pluglm_models.special_ids import complete, stops

CLM, CLASSES = "AutoModelForCausalLM", "AutoModelForSequenceClassification"
NAMES = ["<|end|>", "<|turn|>", "<|start|>", "[CLS]", "[SEP]"]
WORDS = [*NAMES, *"abcdefghij"]


def tokenizer(**roles: str) -> Any:
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="a"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens(NAMES)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **roles)


def base(folder: Path, words: Any, generation: dict[str, Any] | None = None, **ids: Any) -> Pretrained:
    config = transformers.LlamaConfig(
        vocab_size=len(WORDS), hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=32, **ids,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(config)
    for name, value in (generation or {}).items():
        setattr(model.generation_config, name, value)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return Pretrained(path=folder)


def ids_of(technique: Pretrained, folder: Path, head: str = CLM) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """What is saved: config, generation config, and the tokenizer."""
    words = technique.own_tokenizer()
    technique.build(head, words, 32, {}).save_pretrained(folder)
    saved = [folder / name for name in ("config.json", "generation_config.json")]
    config, generation = (json.loads(path.read_text()) if path.exists() else {} for path in saved)
    return config, generation, words


def test_the_end_is_the_tokenizers(tmp_path):
    technique = base(tmp_path / "base", tokenizer(eos_token="<|end|>"), bos_token_id=7, eos_token_id=9)
    config, generation, words = ids_of(technique, tmp_path / "out")
    assert config["eos_token_id"] == generation["eos_token_id"] == words.eos_token_id == 0
    assert config["pad_token_id"] == generation["pad_token_id"] == words.pad_token_id == 0
    # No special token begins a text: 7 is an ordinary word.
    assert config.get("bos_token_id") is None and generation.get("bos_token_id") is None and words.bos_token is None


def test_padding_of_a_classifier_is_the_tokenizers(tmp_path):
    words = tokenizer(eos_token="<|end|>", pad_token="<|start|>")
    technique = base(tmp_path / "base", words, eos_token_id=0, pad_token_id=9)
    model = technique.build(CLASSES, technique.own_tokenizer(), 32, {"num_labels": 2}).eval()
    assert model.config.pad_token_id == model.get_input_embeddings().padding_idx == 2
    rows = torch.tensor([[5, 6, 2, 2], [5, 6, 7, 8]])
    alone = model(input_ids=rows[:1, :2]).logits[0]
    torch.testing.assert_close(model(input_ids=rows, attention_mask=(rows != 2).long()).logits[0], alone)


def test_an_end_that_pads_too_is_trained(tmp_path):
    technique = base(
        tmp_path / "base", tokenizer(eos_token="<|end|>"), eos_token_id=0, pad_token_id=0, tie_word_embeddings=False
    )
    model = technique.build(CLM, technique.own_tokenizer(), 32, {})
    model(input_ids=torch.tensor([[5, 0, 6]]), labels=torch.tensor([[5, 0, 6]])).loss.backward()
    assert model.get_input_embeddings().weight.grad[0].abs().sum() > 0


def test_what_the_tokenizer_lacks_is_what_the_config_names(tmp_path):
    technique = base(tmp_path / "base", tokenizer(), bos_token_id=2, eos_token_id=0)
    config, generation, words = ids_of(technique, tmp_path / "out")
    assert (words.bos_token, words.eos_token, words.pad_token) == ("<|start|>", "<|end|>", "<|end|>")
    assert (config["bos_token_id"], config["eos_token_id"], generation["eos_token_id"]) == (2, 0, 0)


def test_a_decoder_over_berts_vocabulary_ends_with_its_separator(tmp_path):
    words = tokenizer(cls_token="[CLS]", sep_token="[SEP]")
    technique = base(tmp_path / "base", words, eos_token_id=12)
    config, generation, words = ids_of(technique, tmp_path / "out")
    assert config["eos_token_id"] == generation["eos_token_id"] == words.eos_token_id == WORDS.index("[SEP]")


def test_a_tokenizer_with_no_special_role_at_all_gets_padding(tmp_path):
    words = tokenizer()
    complete(words, {"model_type": "llama", "eos_token_id": 9})
    assert words.eos_token is None and words.pad_token == "<pad>" and words.pad_token_id == len(WORDS)


def test_padding_where_positions_are_counted_from_is_left_to_the_config():
    words = tokenizer(eos_token="<|end|>", pad_token="<|turn|>")
    complete(words, {"model_type": "roberta", "architectures": ["RobertaForMaskedLM"], "pad_token_id": 2})
    assert words.pad_token == "<|start|>"


@pytest.mark.parametrize(
    ("said", "end", "right"),
    [
        (9, 0, 0),
        ([0, 1], 0, [0, 1]),
        ([1, 0], 0, [1, 0]),
        ([9, 1], 0, [0, 1]),
        ([9], 0, 0),
        ([0, 9], 0, 0),
        (None, 0, 0),
        (9, None, None),
    ],
)
def test_further_tokens_that_end_a_text_stay_if_they_are_special(said, end, right):
    assert stops(said, end, {0, 1, 2}) == right


def test_turns_of_a_chat_still_end_it(tmp_path):
    technique = base(tmp_path / "base", tokenizer(eos_token="<|end|>"), {"eos_token_id": [9, 1]}, eos_token_id=9)
    config, generation, _ = ids_of(technique, tmp_path / "out")
    assert config["eos_token_id"] == 0 and generation["eos_token_id"] == [0, 1]
