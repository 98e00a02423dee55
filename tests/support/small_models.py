"""Small models, and runs that are about to begin."""

from __future__ import annotations

from typing import Any

import torch
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from pluglm import TrainingRun

VOCABULARY = 40


def llama(**options: Any) -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=32,
        tie_word_embeddings=True,
        **options,
    )
    return LlamaForCausalLM(config)


def gpt2() -> Any:
    torch.manual_seed(0)
    none = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    return GPT2LMHeadModel(GPT2Config(vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=32, **none))


def bert() -> Any:
    torch.manual_seed(0)
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
    return BertForMaskedLM(BertConfig(vocab_size=VOCABULARY, max_position_embeddings=32, **shape, **none))


def run_of(model: Any, notes: list[str] | None = None) -> TrainingRun:
    say = notes.append if notes is not None else (lambda line: None)
    unused: Any = None
    return TrainingRun(
        model=model,
        auxiliary=torch.nn.ModuleDict(),
        tokenizer=unused,
        objective=unused,
        state={},
        seed=0,
        steps=10,
        batches=lambda n: iter(()),
        documents=lambda: iter(()),
        note=say,
    )
