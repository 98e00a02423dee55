"""Whole runs from a base that pluglm did not make: the model is used as it was trained, from examples to export."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from small_runs import SMALL
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, pipeline

from pluglm import Arguments
from pluglm.cli import generate
from pluglm.config.compose import compose
from pluglm.errors import ConfigError
from pluglm.lifecycle.run import run
from pluglm.runs.folder import read_config
from pluglm_models.seq2seq import Seq2seq
from pluglm_tokenizers.byte import Byte

BOS, EOS = 2, 3


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of 24 positions that puts `<s>` before a text, whose config names another end than its tokenizer."""
    folder = tmp_path_factory.mktemp("base")
    tokenizer = Byte().build(iter(()))
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", BOS)])
    tokenizer.save_pretrained(folder)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=24, bos_token_id=40, eos_token_id=41,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


WORDS = [word for word in SMALL if not word.startswith(("model.", "data.sequence_length", "evaluator"))]


@pytest.fixture(scope="module")
def finished(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "out"
    chosen = ["evaluator=[perplexity,stereotype_pairs,continuation]", "evaluator.continuation.prefix_tokens=8"]
    chosen += ["data.packing=false", "compressor=[magnitude_pruning]", "train.steps=2", "train.save_every=0"]
    return run(compose([*WORDS, "model=pretrained", f"model.path={base}", *chosen]), folder, quiet=True)


def test_examples_begin_and_end_and_the_report_says_how(finished: Path) -> None:
    results = json.loads((finished / "results.json").read_text())
    assert "special tokens around a text: <s> TEXT </s>" in results["notes"]
    assert "data.sequence_length is 24, the most that model=pretrained takes" in results["notes"]
    assert "special tokens around a text" in (finished / "report.html").read_text()


def test_what_is_saved_agrees(finished: Path, base: Path) -> None:
    folders = [finished / "model", *(finished / "compressed").iterdir()]
    assert len(folders) == 2
    for folder in folders:
        config, generation = (
            json.loads((folder / name).read_text()) for name in ("config.json", "generation_config.json")
        )
        tokenizer = AutoTokenizer.from_pretrained(folder)
        for role, number in (("bos", BOS), ("eos", EOS), ("pad", 0)):
            ids = [config[f"{role}_token_id"], generation[f"{role}_token_id"], getattr(tokenizer, f"{role}_token_id")]
            assert ids == [number] * 3
        assert tokenizer("the cat")["input_ids"] == AutoTokenizer.from_pretrained(base)("the cat")["input_ids"]
        assert tokenizer.model_max_length == 24 and tokenizer.padding_side == "left"
    write = pipeline("text-generation", model=str(finished / "model"))
    assert len(write(["a", "some more"], batch_size=2, max_new_tokens=3)) == 2


def test_generate_begins_as_in_training(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[int]] = []

    def written(self: Any, inputs: torch.Tensor, **options: Any) -> torch.Tensor:
        given.append(inputs[0].tolist())
        return inputs

    monkeypatch.setattr(transformers.LlamaForCausalLM, "generate", written)
    for words in ([str(finished), "ab"], [str(finished)], [str(finished), "</s>"]):
        assert generate.run(Arguments(words=words)) == 0
    byte = Byte().build(iter(()))
    spelt = byte("</s>", split_special_tokens=True)["input_ids"]
    assert given == [[BOS, *byte("ab")["input_ids"]], [BOS], [BOS, *spelt]]


def test_a_length_that_is_named_must_fit(base: Path) -> None:
    words = ["source=[generated_reviews]", "model=pretrained", f"model.path={base}"]
    assert compose(words).data.sequence_length == 24
    assert compose([*words, "data.sequence_length=16"]).data.sequence_length == 16
    with pytest.raises(
        ConfigError, match=r"data\.sequence_length=32: is longer than the model takes; write 24 or less"
    ):
        compose([*words, "data.sequence_length=32"])
    assert compose(words[:1]).data.sequence_length == 256
    with pytest.raises(ConfigError, match=r"model\.path"):
        compose(words[:2])


def test_added_tokens_are_trained_by_adapters_in_a_run_that_is_resumed(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tokenizer = Byte().build(iter(()))
    tokenizer.save_pretrained(tmp_path / "base")
    Seq2seq(size="nano").build("AutoModelForSeq2SeqLM", tokenizer, 32, {}).save_pretrained(tmp_path / "base")
    words = [*WORDS, "data.sequence_length=32", "evaluator=[]", "model=pretrained", f"model.path={tmp_path / 'base'}"]
    words += ["model.lora.r=2", "objective=span_corruption", "train.steps=6", "train.save_every=3", "optimizer.lr=1e-2"]
    whole = run(compose(words), tmp_path / "whole", quiet=True)
    names = ("model/model.safetensors", "adapter/adapter_model.safetensors", "adapter/adapter_config.json")
    before = [(whole / name).read_bytes() for name in names]
    # As if it had been stopped after half of its steps.
    for name in ("model", "adapter"):
        shutil.rmtree(whole / name)
    (whole / "results.json").unlink()
    *_, newest = sorted((whole / "checkpoints").iterdir(), key=lambda path: path.name)
    shutil.rmtree(newest)
    run(read_config(whole), whole, quiet=True, resume=True)
    assert [(whole / name).read_bytes() for name in names] == before
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(whole / "model")
    assert model.get_input_embeddings().num_embeddings == len(tokenizer) + 100
    opened = peft.AutoPeftModelForSeq2SeqLM.from_pretrained(whole / "adapter")
    ids = torch.tensor([[20, 21, len(tokenizer), 3]])
    with torch.no_grad():
        expected = model.eval()(input_ids=ids, decoder_input_ids=ids).logits
        torch.testing.assert_close(
            opened.eval()(input_ids=ids, decoder_input_ids=ids).logits, expected, atol=1e-4, rtol=1e-3
        )
