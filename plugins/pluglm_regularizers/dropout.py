"""Dropout inside a transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pluglm import PluglmError, Regularizer, TrainingRun

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

# The projections that end the attention and the feed-forward part of a decoder whose blocks have no dropout of their
# own: what leaves them goes straight into the residual stream.
INTO_RESIDUAL = ("o_proj", "down_proj")


class DropOutput:
    """A forward hook that drops out a module's output in training. A class, so that a model with it can be copied."""

    def __init__(self, probability: float) -> None:
        self.probability = probability

    def __call__(self, module: torch.nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        import torch.nn.functional as F

        return F.dropout(output, self.probability, module.training)


def role_of(name: str) -> str:
    """Where the dropout module called `name` sits: "attention" (on the weights), "embedding" or "residual"."""
    *path, last = name.split(".")
    if last in ("attn_dropout", "attention_dropout") or (last == "dropout" and path[-1:] in (["self"], ["attention"])):
        return "attention"
    if "embeddings" in path or last == "drop" or last.startswith("emb"):
        return "embedding"
    return "residual"


def set_dropout(model: PreTrainedModel, probabilities: dict[str, float]) -> list[str]:
    """Give `model` the probability of each role, and return the roles for which it has no place."""
    import torch

    found = set()
    for name, module in list(model.named_modules()):
        if "lora_dropout" in name.split("."):
            continue  # the adapters' own, whose probability is among their parameters
        if isinstance(module, torch.nn.Dropout):
            role = role_of(name)
            module.p = probabilities[role]
            found.add(role)
        elif isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = probabilities["attention"]
            found.add("attention")
    places = {
        "residual": [m for name, m in model.named_modules() if name.rpartition(".")[2] in INTO_RESIDUAL],
        "embedding": [model.get_input_embeddings()],
    }
    for role, modules in places.items():
        if role not in found and modules:
            found.add(role)
            for module in modules if probabilities[role] else ():
                module.register_forward_hook(DropOutput(probabilities[role]))
    return sorted(set(probabilities) - found)


class Dropout(Regularizer):
    """Sets random activations to 0 in training, and scales the others by 1 / (1 - p); nothing changes in use.

    It works on the attention weights, on what each block adds to the residual stream, and on the embeddings. Models
    with dropout modules (GPT-2, BERT) get these probabilities in place of their own; decoders without them (Llama) get
    the same effect. The saved model's config stays as it was.

    Sources: Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html; Vaswani et al. 2017.
    """

    attention: Annotated[float, Field(ge=0, lt=1, description="Share of attention weights dropped; 0 for none")] = 0.1
    residual: Annotated[
        float, Field(ge=0, lt=1, description="Share dropped of what a block adds to the residual stream; 0 for none")
    ] = 0.1
    embedding: Annotated[float, Field(ge=0, lt=1, description="Share of the embeddings dropped; 0 for none")] = 0.1

    def before_training(self, run: TrainingRun) -> None:
        """Set the probabilities.

        Raises:
            PluglmError: where the model has no place for a probability above 0.
        """
        probabilities = {"attention": self.attention, "residual": self.residual, "embedding": self.embedding}
        missing = [role for role in set_dropout(run.model, probabilities) if probabilities[role]]
        if missing:
            raise PluglmError(
                f"regularizer={self.name}: {type(run.model).__name__} has no known place for {missing[0]} dropout; "
                f"set its {missing[0]} to 0"
            )
