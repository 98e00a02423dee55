"""What is planned to be computed beside what torch counts of a real step, with attention written out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from pluglm.config.run_config import RunConfig
from pluglm.families import TrainingRun
from pluglm.planning.forecast import forecast
from pluglm.planning.material import Material, material_of
from pluglm.planning.parameters import by_role
from pluglm.planning.rehearsal import rehearsal
from pluglm.training.operations import counted
from pluglm.training.recomputation import recompute_activations
from pluglm.training.step_module import StepModule


def real_step(config: RunConfig, material: Material, attention: str) -> tuple[int, int, int]:
    """(operations as torch counts them, as we do, parameters) of a real forward and backward pass."""
    objective = config.objective
    assert isinstance(config.train.batch_size, int)
    batch = material.batch(config.train.batch_size, config.data.sequence_length)
    torch.manual_seed(0)
    options = objective.model_options(material.fitted)
    model = config.model.build(objective.head, material.tokenizer, config.data.sequence_length, options)
    model.set_attn_implementation(attention)
    if config.train.recompute_activations:
        recompute_activations(model)
    auxiliary, loss = torch.nn.ModuleDict(), objective.loss
    for technique in config.interventions().values():
        run = TrainingRun(
            model=model,
            auxiliary=auxiliary,
            tokenizer=material.tokenizer,
            objective=objective,
            state={},
            seed=0,
            steps=5,
            batches=lambda count: iter([batch] * count),
            documents=lambda: iter(material.documents),
            note=print,
        )
        if "before_training" in technique.moments():
            technique.before_training(run)
        if "wrap_loss" in technique.moments():
            loss = technique.wrap_loss(loss, run)
    module = StepModule(model, auxiliary, loss, objective.loss).train()
    with torch.no_grad():
        objective.loss(model, batch)  # what is found out of a model once
    precision = torch.bfloat16 if config.train.precision == "bf16" else torch.float32
    with FlopCounterMode(display=False) as counter, counted() as own:
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            sums, _, _ = module(batch)
        sums.backward()
    return counter.get_total_flops(), own.total, sum(p.numel() for p in model.parameters())


def rehearsed_operations(config: RunConfig, material: Material) -> tuple[int, dict[str, int]]:
    assert isinstance(config.train.batch_size, int)
    batch = material.batch(config.train.batch_size, config.data.sequence_length)
    with rehearsal(config, material.tokenizer, material.fitted, [batch], material.documents, 5) as rehearsed:
        return rehearsed.run(batch).operations, by_role(rehearsed.model)


SHAPES = [
    ["objective=clm"],
    ["objective=clm", "model.architecture=gpt2", "model.num_layers=2"],
    ["objective=clm", "model.num_kv_heads=2", "model.tie_embeddings=false", "objective.loss_chunk=16"],
    ["objective=clm", "data.packing=false", "objective.loss_chunk=0"],
    ["objective=clm", "train.precision=bf16"],
    ["objective=clm", "train.recompute_activations=true"],
    ["objective=mlm", "objective.probability=0.3"],
    ["objective=mlm_nsp"],
    ["objective=nsp", "model.hidden_size=48"],
    ["objective=span_corruption"],
    ["objective=classification"],
    ["objective=classification", "model=causal_lm"],
    ["regularizer=[dropout,r_drop]"],
    ["regularizer=[label_smoothing,l1]"],
    ["regularizer=[adversarial]"],
]


@pytest.mark.parametrize("words", SHAPES, ids=lambda words: " ".join(words))
def test_operations_and_parameters_are_those_of_a_real_step(small: Callable[..., RunConfig], words: list[str]) -> None:
    config = small(*words)
    material = material_of(config)
    by_torch, by_us, parameters = real_step(config, material, "eager")
    assert by_torch > 0
    operations, roles = rehearsed_operations(config, material)
    assert operations == by_torch == by_us
    assert roles["all"] == parameters == sum(v for k, v in roles.items() if k not in ("all", "trainable"))


def test_fused_attention_counts_as_if_it_were_written_out(small: Callable[..., RunConfig]) -> None:
    config = small("objective=clm")
    material = material_of(config)
    eager, _, _ = real_step(config, material, "eager")
    by_torch, by_us, _ = real_step(config, material, "sdpa")
    assert by_us == eager > by_torch  # torch does not count the CPU's kernel


def test_adapters_take_fewer_operations_than_the_whole(small: Callable[..., RunConfig], tmp_path: Path) -> None:
    pytest.importorskip("peft")
    config = small("objective=clm")
    tokenizer = config.tokenizer.build(iter(()))
    config.model.build("AutoModelForCausalLM", tokenizer, 32, {}).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    found = {}
    for name, words in {"whole": [], "lora": ["model.lora.r=4"], "frozen": ["model.freeze=1"]}.items():
        chosen = small("model=pretrained", f"model.path={tmp_path / 'base'}", *words)
        material = material_of(chosen)
        by_torch, _, parameters = real_step(chosen, material, "eager")
        operations, roles = rehearsed_operations(chosen, material)
        assert (operations, roles["all"]) == (by_torch, parameters)
        plan = forecast(chosen)
        found[name] = plan
    assert max(found["lora"]["flops"], found["frozen"]["flops"]) < found["whole"]["flops"]
    assert found["lora"]["parameters"]["trainable"] < found["whole"]["parameters"]["trainable"] / 5
    assert found["lora"]["memory_bytes"]["optimizer"] < found["whole"]["memory_bytes"]["optimizer"] / 5


def test_all_steps_are_counted(plan: Callable[..., dict[str, int]]) -> None:
    one, more = plan(), plan("train.steps=15", "train.gradient_accumulation=2")
    assert one["flops"] == 5 * one["flops_per_step"] and one["flops_exact"]
    assert more["flops"] == 6 * one["flops"]
    grown = plan("train.steps=16", "train.batch_size=8", "train.batch_size_warmup=8")
    whole = plan("train.steps=16", "train.batch_size=8")
    assert grown["flops"] == whole["flops"] * (sum([1 + 7 * step // 8 for step in range(8)]) + 8 * 8) // (16 * 8)
