"""What a run will take: parameters, operations, memory and storage, before its first step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pluglm.lifecycle.assemble import Parts
from pluglm.lifecycle.settle import batch_size
from pluglm.planning.contributions import contributions, source_lines

if TYPE_CHECKING:
    from pluglm.families import Optimizer


def estimate(assembly: Parts) -> dict[str, Any]:
    """The plan of an assembled run, as written to plan.json.

    Operations are 6 N D (Kaplan et al. 2020) with N the parameters that take part in matrix products (all but the
    embedding, and the output head even where it is tied to it) and D the tokens of all steps. Memory counts weights,
    gradients and optimizer state; activations come on top. Storage is the model and the checkpoints that are kept.
    """
    import torch

    config, model = assembly.config, assembly.step_module
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    embedded = {id(p): p.numel() for m in model.modules() if isinstance(m, torch.nn.Embedding) for p in m.parameters()}
    head = assembly.model.get_output_embeddings()
    tied = head is not None and id(head.weight) in embedded
    every = sum(p.numel() for p in model.parameters())
    multiplied = every - sum(embedded.values()) + (head.weight.numel() if tied else 0)
    per_step = batch_size(config) * config.train.gradient_accumulation
    tokens = round(assembly.steps * per_step * float(assembly.examples.train.lengths().mean()))
    state = optimizer_state_ratio(config.optimizer)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    memory = {"weights": weights, "gradients": 4 * trainable, "optimizer": round(4 * trainable * state)}
    checkpoint = weights + memory["optimizer"]
    epochs = assembly.steps * per_step / len(assembly.examples.train)
    return {
        "parameters": {"all": every, "trainable": trainable, "embedding": sum(embedded.values())},
        "steps": assembly.steps,
        "tokens": tokens,
        "epochs": round(epochs, 3),
        "sources": contributions(assembly.examples.ledger["tokens"]["train"], epochs),
        "flops": 6 * multiplied * tokens,
        "memory_bytes": memory,
        "storage_bytes": {
            "model": weights,
            "checkpoints": checkpoint * (config.train.keep_checkpoints + config.train.keep_best),
        },
    }


def optimizer_state_ratio(optimizer: Optimizer) -> float:
    """Numbers of optimizer state per parameter, found by letting the optimizer take one step on a small matrix."""
    import torch

    weight = torch.nn.Parameter(torch.zeros(64, 64))
    weight.grad = torch.ones_like(weight)
    built = optimizer.build([{"params": [weight], "role": "matrix"}])
    built.step()
    tensors = [v for state in built.state.values() for v in state.values() if isinstance(v, torch.Tensor)]
    return sum(tensor.numel() for tensor in tensors if tensor.numel() > 1) / weight.numel()


def with_measured(plan: Mapping[str, Any], seconds: float, peak_bytes: int) -> dict[str, Any]:
    """The plan with what was measured beside it: training time and the process's peak memory."""
    measured = {"training_seconds": round(seconds, 1), "peak_memory_bytes": peak_bytes}
    if seconds > 0:
        measured["flops_per_second"] = round(plan["flops"] / seconds)
    return {**plan, "measured": measured}


def plan_lines(plan: Mapping[str, Any]) -> list[str]:
    """The plan in a few lines for a person."""
    memory, storage = plan["memory_bytes"], plan["storage_bytes"]
    return [
        f"parameters  {plan['parameters']['all']:,} ({plan['parameters']['trainable']:,} trained)",
        f"training    {plan['steps']:,} steps, {plan['tokens']:,} tokens, {plan['epochs']:g} epochs, "
        f"{plan['flops']:.3g} floating-point operations",
        f"memory      {sum(memory.values()) / 1e6:,.0f} MB for weights, gradients and optimizer; activations on top",
        f"storage     {sum(storage.values()) / 1e6:,.0f} MB for the model and its checkpoints",
        *source_lines(plan["sources"]),
    ]
