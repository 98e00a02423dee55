"""Groups of parameters by role and depth, over models of different build."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from pluglm.training.parameters import layer_stacks, parameter_groups

WIDE = {"vocab_size": 30, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24}


def llama(tied: bool = True) -> Any:
    return LlamaForCausalLM(LlamaConfig(**WIDE, num_hidden_layers=3, tie_word_embeddings=tied))


def gpt2() -> Any:
    return GPT2LMHeadModel(GPT2Config(vocab_size=30, n_embd=16, n_layer=3, n_head=2, n_positions=8))


def bert() -> Any:
    return BertForMaskedLM(BertConfig(**WIDE, num_hidden_layers=3, max_position_embeddings=8))


def t5() -> Any:
    shape = {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_heads": 2, "num_layers": 2, "num_decoder_layers": 3}
    return T5ForConditionalGeneration(T5Config(vocab_size=30, **shape))


def by_name(model: torch.nn.Module, *decay: float) -> dict[str, dict[str, Any]]:
    """The group of each parameter, by the parameter's name."""
    of = {id(p): group for group in parameter_groups(model, 1.0, *decay) for p in group["params"]}
    return {name: of[id(parameter)] for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("make", [llama, gpt2, bert, t5])
@pytest.mark.parametrize("decay", [1.0, 0.5])
def test_every_trainable_parameter_is_in_one_group(make: Any, decay: float) -> None:
    model = make()
    frozen = next(model.parameters()).requires_grad_(False)
    grouped = [id(p) for group in parameter_groups(model, 1.0, decay) for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters() if p is not frozen)


@pytest.mark.parametrize(
    ("make", "roles"),
    [
        (llama, {"model.embed_tokens.weight": "embedding", "model.layers.1.mlp.up_proj.weight": "matrix"}),
        (lambda: llama(tied=False), {"lm_head.weight": "head", "model.norm.weight": "vector"}),
        (gpt2, {"transformer.wpe.weight": "embedding", "transformer.h.0.attn.c_attn.weight": "matrix"}),
        (gpt2, {"transformer.h.0.attn.c_attn.bias": "vector", "transformer.ln_f.weight": "vector"}),
        (bert, {"bert.encoder.layer.2.output.dense.weight": "matrix", "bert.embeddings.LayerNorm.weight": "vector"}),
        (bert, {"cls.predictions.transform.dense.weight": "head", "cls.predictions.bias": "vector"}),
        (t5, {"shared.weight": "embedding", "decoder.final_layer_norm.weight": "vector"}),
        (t5, {"decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight": "embedding"}),
    ],
)
def test_roles(make: Any, roles: dict[str, str]) -> None:
    found = by_name(make())
    assert {name: found[name]["role"] for name in roles} == roles
    decayed = {role for role in roles.values() if role in ("matrix", "head")}
    assert all(("weight_decay" in found[name]) == (role not in decayed) for name, role in roles.items())


def test_without_layer_decay_there_is_a_group_for_each_role_with_the_optimizers_rate() -> None:
    groups = parameter_groups(llama(tied=False), 1.0)
    assert [group["role"] for group in groups] == ["matrix", "head", "embedding", "vector"]
    assert not any("lr" in group for group in groups)


@pytest.mark.parametrize(
    ("make", "depths"),
    [
        (lambda: llama(tied=False), {"lm_head.weight": 0, "model.norm.weight": 0, "model.embed_tokens.weight": 4}),
        (
            llama,
            {f"model.layers.{i}.{part}.weight": 3 - i for i in range(3) for part in ("mlp.up_proj", "input_layernorm")},
        ),
        (gpt2, {"transformer.wte.weight": 4, "transformer.wpe.weight": 4, "transformer.h.0.mlp.c_fc.weight": 3}),
        (gpt2, {"transformer.h.2.ln_1.bias": 1, "transformer.ln_f.bias": 0}),
        (bert, {"bert.embeddings.word_embeddings.weight": 4, "bert.embeddings.LayerNorm.weight": 4}),
        (bert, {"bert.encoder.layer.0.attention.self.query.weight": 3, "cls.predictions.bias": 0}),
        (t5, {"shared.weight": 4, "encoder.block.0.layer.1.DenseReluDense.wi.weight": 2}),
        (t5, {"decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight": 3}),
        (t5, {"decoder.block.2.layer.1.EncDecAttention.q.weight": 1, "decoder.final_layer_norm.weight": 0}),
    ],
)
def test_rates_fall_by_a_factor_from_layer_to_layer(make: Any, depths: dict[str, int]) -> None:
    model = make()
    found = by_name(model, 0.5)
    assert {name: found[name]["lr_scale"] for name in depths} == {name: 0.5**depth for name, depth in depths.items()}
    groups = parameter_groups(model, 0.02, 0.5)
    assert all(group["lr"] == 0.02 * group["lr_scale"] for group in groups)
    assert groups[0]["lr"] == 0.02 and groups[-1]["lr"] == min(group["lr"] for group in groups)


def test_stacks_are_the_outermost_lists() -> None:
    assert list(layer_stacks(t5())) == ["encoder.block", "decoder.block"]


def test_a_model_without_layers_is_one_of_matrices_at_one_depth() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 2))
    groups = parameter_groups(module, 1.0, 0.5)
    assert [(group["role"], group["lr_scale"]) for group in groups] == [("matrix", 1.0), ("vector", 1.0)]
