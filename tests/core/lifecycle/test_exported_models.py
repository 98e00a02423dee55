"""What a run exports is an ordinary model: every head goes through `transformers`, batched and truncated, and sees a
text as it did in training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoTokenizer, pipeline

from pluglm import Document, Objective, SpecialTokens, encode_text, own_special_tokens
from pluglm.lifecycle.exported_tokenizer import exported_tokenizer, longest_text, set_special_tokens
from pluglm_models.causal_lm import CausalLm
from pluglm_models.masked_lm import MaskedLm
from pluglm_models.seq2seq import Seq2seq
from pluglm_objectives.classification import Classification
from pluglm_objectives.clm import Clm
from pluglm_objectives.mlm import Mlm
from pluglm_objectives.mlm_nsp import MlmNsp
from pluglm_objectives.nsp import Nsp
from pluglm_objectives.span_corruption import SpanCorruption
from pluglm_objectives.translation import Translation
from pluglm_tokenizers.bpe import Bpe
from pluglm_tokenizers.byte import Byte
from pluglm_tokenizers.unigram import Unigram
from pluglm_tokenizers.word import Word
from pluglm_tokenizers.wordpiece import Wordpiece

TEXTS = ["the cat sat on the mat", "a dog runs to the old house while it rains", "one"] * 4
LENGTH = 24
LONG = " ".join(TEXTS)
TOKENIZERS = {
    "byte": Byte(),
    "bpe": Bpe(vocab_size=300),
    "unigram": Unigram(vocab_size=400),
    "word": Word(),
    "wordpiece": Wordpiece(vocab_size=60),
}
SMALL: Any = {"hidden_size": 16, "num_layers": 2, "num_heads": 2}
LABELS = {"labels": ["bad", "good"], "counts": [1, 1]}
KINDS: dict[str, tuple[Any, Objective]] = {
    "llama": (CausalLm(**SMALL), Clm()),
    "gpt2": (CausalLm(architecture="gpt2", **SMALL), Clm()),
    "bert": (MaskedLm(**SMALL), Mlm()),
    "bert-pretraining": (MaskedLm(**SMALL), MlmNsp()),
    "bert-pairs": (MaskedLm(**SMALL), Nsp()),
    "t5": (Seq2seq(**SMALL), Translation()),
    "bart": (Seq2seq(architecture="bart", **SMALL), SpanCorruption(sentinels=8)),
    "bert-classes": (MaskedLm(**SMALL), Classification()),
    "llama-classes": (CausalLm(**SMALL), Classification()),
    "gpt2-classes": (CausalLm(architecture="gpt2", **SMALL), Classification()),
    "several-classes": (MaskedLm(**SMALL), Classification(multiple=True)),
}


def exported(folder: Path, kind: str, tokenizer: Any) -> Any:
    """A model of this kind with random weights, as a run saves it."""
    technique, objective = KINDS[kind]
    torch.manual_seed(0)
    options = objective.model_options(LABELS) if isinstance(objective, Classification) else {}
    model = technique.build(objective.head, tokenizer, LENGTH, options)
    with torch.no_grad():
        for weights in model.parameters():
            weights.normal_(0, 0.3)
    model.save_pretrained(folder)
    exported_tokenizer(tokenizer, model, objective, LENGTH).save_pretrained(folder)
    return model.eval()


def example(objective: Objective, text: str, tokenizer: Any) -> list[int]:
    fields = {"label": ["good"] if getattr(objective, "multiple", False) else "good", "target": "x"}
    (made,) = objective.examples(Document(text, fields=fields), tokenizer, LENGTH, LABELS)
    return list(made["input_ids"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vocabulary", ["byte", "bpe"])
def test_pipelines_take_batches_and_truncate(kind: str, vocabulary: str, tmp_path: Path) -> None:
    tokenizer = TOKENIZERS[vocabulary].build(iter(TEXTS))
    model, objective = exported(tmp_path, kind, tokenizer), KINDS[kind][1]
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.model_max_length == LENGTH and not loaded.split_special_tokens
    assert len(loaded(LONG, truncation=True)["input_ids"]) == LENGTH
    several = ["the cat", "a dog runs"]
    if objective.head == "AutoModelForCausalLM":
        write = pipeline("text-generation", model=str(tmp_path))
        options = {"do_sample": False, "max_new_tokens": 5, "return_full_text": False}
        alone = [write(text, **options)[0]["generated_text"] for text in several]
        assert [one[0]["generated_text"] for one in write(several, batch_size=2, **options)] == alone
        batch = loaded(several, padding=True, return_tensors="pt")
        assert batch["attention_mask"][:, -1].all() and "token_type_ids" not in batch
    elif objective.head in ("AutoModelForMaskedLM", "AutoModelForPreTraining"):
        fill = pipeline("fill-mask", model=str(tmp_path), top_k=1)
        texts = ["the <mask> sat", "a dog <mask> to the"]
        alone = [fill(text)[0]["token"] for text in texts]
        assert [one[0]["token"] for one in fill(texts, batch_size=2)] == alone
        assert fill(texts[0] + LONG, tokenizer_kwargs={"truncation": True})
        ids = loaded(several[0])["input_ids"]
        assert ids == objective.special_tokens(tokenizer).around(encode_text(several[0], tokenizer))
        pair = loaded("the cat", "a dog", return_tensors="pt")
        assert set(pair["token_type_ids"].flatten().tolist()) == {0, 1}
    elif objective.head == "AutoModelForSequenceClassification":
        judge = pipeline("text-classification", model=str(tmp_path), top_k=None)
        alone = [sorted((one["label"], one["score"]) for one in judge([text])[0]) for text in several]
        together = [sorted((o["label"], o["score"]) for o in one) for one in judge(several, batch_size=2)]
        assert [[label for label, _ in one] for one in together] == [["bad", "good"]] * 2
        torch.testing.assert_close(torch.tensor([[s for _, s in one] for one in together]),
                                   torch.tensor([[s for _, s in one] for one in alone]))  # fmt: skip
        # As the objective itself has the model judge.
        logits = model(input_ids=torch.tensor([example(objective, several[0], tokenizer)])).logits[0]
        multiple = model.config.problem_type == "multi_label_classification"
        scores = logits.sigmoid() if multiple else logits.softmax(0)
        torch.testing.assert_close(torch.tensor([s for _, s in alone[0]]), scores)
        assert judge(LONG, truncation=True) and judge([LONG, "one"], truncation=True, batch_size=2)
    elif objective.head == "AutoModelForSeq2SeqLM":
        writer = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
        batch = loaded([LONG, "one"], padding=True, truncation=True, return_tensors="pt")
        assert batch["input_ids"].shape == (2, LENGTH) and batch["attention_mask"][1, 0]
        assert len(writer.generate(**batch, max_new_tokens=4, do_sample=False)) == 2
        assert batch["input_ids"][0, -1] == tokenizer.eos_token_id
    else:
        judge_pair = transformers.AutoModelForNextSentencePrediction.from_pretrained(tmp_path)
        batch = loaded([("the cat", "sat"), ("a dog", LONG)], padding=True, truncation=True, return_tensors="pt")
        assert judge_pair(**batch).logits.shape == (2, 2)


@pytest.mark.parametrize("vocabulary", TOKENIZERS)
@pytest.mark.parametrize("kind", ["llama", "bert", "bert-classes", "bart", "bert-pairs"])
def test_the_exported_tokenizer_reads_a_text_as_the_objective_does(kind: str, vocabulary: str, tmp_path: Path) -> None:
    tokenizer = TOKENIZERS[vocabulary].build(iter(TEXTS))
    before = tokenizer.backend_tokenizer.to_str()
    exported(tmp_path, kind, tokenizer)
    objective, loaded = KINDS[kind][1], AutoTokenizer.from_pretrained(tmp_path)
    special = objective.special_tokens(tokenizer)
    body = encode_text("the cat sat", tokenizer)
    end = () if kind == "llama" else special.end
    assert loaded("the cat sat")["input_ids"] == [*special.start, *body, *end]
    assert own_special_tokens(loaded) == SpecialTokens(special.start, end)
    # Training goes on with the tokenizer as it was.
    assert tokenizer.backend_tokenizer.to_str() == before and tokenizer.padding_side == "right"


def test_a_mask_stands_for_a_word_and_its_space(tmp_path: Path) -> None:
    tokenizer = TOKENIZERS["bpe"].build(iter(TEXTS * 9))
    exported(tmp_path, "bert", tokenizer)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    whole, hidden = (loaded(text)["input_ids"] for text in ("the cat sat", "the <mask> sat"))
    assert [token for token in hidden if token != tokenizer.mask_token_id] == whole[:2] + whole[3:]


def test_lengths_of_models(tmp_path: Path) -> None:
    tokenizer = TOKENIZERS["byte"].build(iter(()))
    roberta = transformers.RobertaConfig(
        vocab_size=300, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, pad_token_id=1,
        max_position_embeddings=34,
    )  # fmt: skip
    assert longest_text(tokenizer, transformers.RobertaForMaskedLM(roberta), 20) == 32
    assert longest_text(tokenizer, KINDS["t5"][0].build(KINDS["t5"][1].head, tokenizer, 16, {}), 20) == 20
    llama = KINDS["llama"][0].build(KINDS["llama"][1].head, tokenizer, 64, {})
    assert longest_text(tokenizer, llama, 20) == 64
    tokenizer.model_max_length = 48  # what a base says
    assert longest_text(tokenizer, llama, 20) == 48


def test_what_else_a_post_processor_does_stays_and_odd_names_work() -> None:
    from tokenizers.processors import ByteLevel

    tokenizer = TOKENIZERS["bpe"].build(iter(TEXTS))
    tokenizer.backend_tokenizer.post_processor = ByteLevel(trim_offsets=True)
    tokenizer.add_special_tokens({"cls_token": "$odd:1"})
    set_special_tokens(tokenizer, SpecialTokens((tokenizer.cls_token_id,), (tokenizer.eos_token_id,)))
    ids = tokenizer("cat")["input_ids"]
    assert (ids[0], ids[-1]) == (tokenizer.cls_token_id, tokenizer.eos_token_id)
    kept = json.loads(tokenizer.backend_tokenizer.to_str())["post_processor"]["processors"]
    assert [part["type"] for part in kept] == ["ByteLevel", "TemplateProcessing"]
