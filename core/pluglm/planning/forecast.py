"""What a run will take, out of its config alone: nothing is prepared, and no weights are allocated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pluglm.planning.estimate import optimizer_state_ratio
from pluglm.planning.stand_in import planned_tokenizer, stand_in_documents
from pluglm.planning.tokens import planned_extent

if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig


def forecast(config: RunConfig) -> dict[str, Any]:
    """The plan of a run before anything of it is done.

    Keys: `parameters` {all, trainable, embedding}, `steps`, `tokens`, `flops`, `memory_bytes` {weights, gradients,
    optimizer}, `peak_bytes` (their sum), `storage_bytes` {model, checkpoints}, `seconds` and `cost` (None where nothing
    is known of them), and `notes`: what was taken for granted.
    """
    import torch

    tokenizer, note = planned_tokenizer(config)
    extent = planned_extent(config, len(tokenizer))
    objective = config.objective
    fitted = objective.fit(stand_in_documents(config, "text", 2))
    with torch.device("meta"):
        options = objective.model_options(fitted)
        model = config.model.build(objective.head, tokenizer, config.data.sequence_length, options)
    every = sum(p.numel() for p in model.parameters())
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    embedded = {id(p): p.numel() for m in model.modules() if isinstance(m, torch.nn.Embedding) for p in m.parameters()}
    head = model.get_output_embeddings()
    tied = head is not None and id(head.weight) in embedded
    multiplied = every - sum(embedded.values()) + (head.weight.numel() if tied else 0)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    memory = {
        "weights": weights,
        "gradients": 4 * trainable,
        "optimizer": round(4 * trainable * optimizer_state_ratio(config.optimizer)),
    }
    kept = config.train.keep_checkpoints + config.train.keep_best
    return {
        "parameters": {"all": every, "trainable": trainable, "embedding": sum(embedded.values())},
        "steps": extent.steps,
        "tokens": extent.tokens,
        "flops": 6 * multiplied * extent.tokens,
        "memory_bytes": memory,
        "peak_bytes": sum(memory.values()),
        "storage_bytes": {"model": weights, "checkpoints": kept * (weights + memory["optimizer"])},
        "seconds": None,
        "cost": None,
        "notes": [*([note] if note else []), *extent.notes],
    }
