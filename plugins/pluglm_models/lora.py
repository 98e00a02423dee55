"""Low-rank adapters beside the weights of a model, in place, with the layers of `peft`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pluglm import ConfigError, Problem

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

ALL_LINEAR = "all-linear"
TASKS = {
    "AutoModelForCausalLM": "CAUSAL_LM",
    "AutoModelForSeq2SeqLM": "SEQ_2_SEQ_LM",
    "AutoModelForSequenceClassification": "SEQ_CLS",
}
"""What `peft` calls the models that it has a class of its own for (`AutoPeftModelForCausalLM`)."""
PARTS = (".lora_", ".trainable_tokens_delta.")
"""Names of what `peft` adds to a layer, rather than the whole of it."""
# How `peft` calls the adapter of a model that has only one.
ADAPTER = "default"


class Lora(BaseModel):
    """Low-rank adaptation: (alpha / r) B A x is added to the output W x of a layer whose W stays as it is.

    A (r, in) and B (out, r) are trained, B from 0 on. With `rslora` the factor is alpha / sqrt(r).

    Sources: Hu et al. 2021, https://arxiv.org/abs/2106.09685; rslora: Kalajdzievski 2023,
    https://arxiv.org/abs/2312.03732; adapters on all linear layers: Dettmers et al. 2023,
    https://arxiv.org/abs/2305.14314.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    r: Annotated[int | None, Field(ge=1, description="Rank of the adapters; null trains the model itself")] = None
    alpha: Annotated[float, Field(gt=0, description="The adapters' output is multiplied by alpha / r")] = 16.0
    dropout: Annotated[float, Field(ge=0, lt=1, description="Share of the adapters' input dropped in training")] = 0.0
    target_modules: Annotated[
        str | tuple[str, ...],
        Field(min_length=1, description="Ends of the names of the layers that get one, or all-linear"),
    ] = ALL_LINEAR
    rslora: Annotated[bool, Field(description="Multiply by alpha / sqrt(r), which keeps high ranks learning")] = False

    def named(self) -> tuple[str, ...] | None:
        """The names of the layers that get adapters, or None where all do."""
        if self.target_modules == ALL_LINEAR:
            return None
        return (self.target_modules,) if isinstance(self.target_modules, str) else self.target_modules

    @model_validator(mode="after")
    def _something_to_set(self) -> Lora:
        given = [name for name in changed(self) if name != "r"]
        if self.r is None and given:
            raise ValueError(f"r is not set, without which {' and '.join(given)} would do nothing")
        return self


def changed(lora: Lora) -> list[str]:
    """The parameters that are not at their defaults."""
    return [name for name, field in Lora.model_fields.items() if getattr(lora, name) != field.default]


def linear_layers(model: PreTrainedModel, new: Collection[str]) -> Iterator[tuple[str, nn.Module]]:
    """The linear layers whose weights came from a file (`new` did not) and are no other module's too."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    embedded = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | Conv1D) and f"{name}.weight" not in new and id(module.weight) not in embedded:
            yield name, module


def targets(model: PreTrainedModel, wanted: tuple[str, ...] | None, new: Collection[str]) -> dict[str, nn.Module]:
    """The layers that get an adapter, by their full names: those that are named, or all of the model's body.

    Raises:
        ConfigError: for a name that is that of no linear layer.
    """
    layers = dict(linear_layers(model, new))
    if wanted is None:
        body = {id(module) for module in model.base_model.modules()}
        return {name: layer for name, layer in layers.items() if id(layer) in body}
    chosen = {
        name: layer for name, layer in layers.items() if any(f".{name}".endswith(f".{target}") for target in wanted)
    }
    for target in wanted:
        if not any(f".{name}".endswith(f".{target}") for name in chosen):
            known = ", ".join(sorted({name.rpartition(".")[2] for name in layers}))
            reason = "names no linear layer with weights of its own that was loaded"
            raise ConfigError([Problem("model.lora.target_modules", reason, target, f"there are {known}")])
    return chosen


def add_adapters(model: PreTrainedModel, lora: Lora, new: Collection[str], head: str, rows: range) -> None:
    """Give the model's layers their adapters, in place. They, the parameters called `new`, and the embeddings of the
    tokens `rows`, none of which are trained yet, get gradients; all others stay as they are. A is drawn from torch's
    global generator.

    Raises:
        ConfigError: where `lora` names a layer that is none, or the head over tokens that are new.
    """
    from peft import LoraConfig, inject_adapter_in_model
    from transformers.pytorch_utils import Conv1D

    layers = targets(model, lora.named(), new)
    untrained = [parameter for name, parameter in model.named_parameters() if name in new]
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=sorted(layers),
        use_rslora=lora.rslora,
        fan_in_fan_out=any(isinstance(layer, Conv1D) for layer in layers.values()),
        # Absolute, since `peft` looks for it from wherever it is asked.
        base_model_name_or_path=str(Path(model.name_or_path).absolute()),
        task_type=TASKS.get(head),
        auto_mapping=None if head in TASKS else {"base_model_class": head, "parent_library": "transformers"},
        trainable_token_indices={name: list(rows) for name in token_layers(model, layers)} if rows else None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a model with both kinds of layers is told of the kind of each
        inject_adapter_in_model(config, model, ADAPTER)
    for parameter in untrained:
        parameter.requires_grad_(True)


def token_layers(model: PreTrainedModel, adapted: Collection[str]) -> list[str]:
    """The names of the layers with a row for each token: the embeddings, and the head unless it shares their weights.

    Raises:
        ConfigError: where the head is to get an adapter as well.
    """
    embeddings, head = model.get_input_embeddings(), model.get_output_embeddings()
    own = head is not None and head.weight is not embeddings.weight
    wanted = [embeddings, *([head] if own else [])]
    names = [name for module in wanted for name, other in model.named_modules() if other is module]
    for name in names:
        if name in adapted:
            reason = "names the head, whose rows for the added tokens are trained themselves"
            raise ConfigError([Problem("model.lora.target_modules", reason, name, "leave it out")])
    return names


def save_adapter(model: PreTrainedModel, folder: Path) -> None:
    """Write what was trained, so that `peft`'s `PeftModel.from_pretrained(base, folder)` makes the same model."""
    from safetensors.torch import save_file

    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    tensors = {f"base_model.model.{f'{name}.'.replace(f'.{ADAPTER}.', '.')[:-1]}": v for name, v in trained.items()}
    config = model.peft_config[ADAPTER].to_dict()
    whole = sorted({name.rpartition(".")[0] for name in trained if not any(part in name for part in PARTS)})
    config |= {"modules_to_save": whole or None, "inference_mode": True}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: value.detach().contiguous() for name, value in tensors.items()},
        folder / "adapter_model.safetensors",
        metadata={"format": "pt"},
    )
    text = json.dumps({key: _plain(value) for key, value in config.items()}, indent=2, sort_keys=True)
    (folder / "adapter_config.json").write_text(text + "\n", encoding="utf-8")


def merge_adapters(model: PreTrainedModel) -> None:
    """Add each adapter's (alpha / r) B A to the weights beside it, and leave the plain model, in place.

    Raises:
        ValueError: where a weight would not be a number.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils import TrainableTokensWrapper

    for name, layer in list(model.named_modules()):
        if isinstance(layer, TrainableTokensWrapper):
            parent, _, last = name.rpartition(".")
            plain = layer.unload_and_optionally_merge_module(merge=True, safe_merge=True, adapter_names=None)
            setattr(model.get_submodule(parent), last, plain)
    for name, layer in list(model.named_modules()):
        if isinstance(layer, BaseTunerLayer):
            layer.merge(safe_merge=True)
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, layer.get_base_layer())
    del model.peft_config
    model.requires_grad_(True)


def _plain(value: Any) -> Any:
    # Sets come in another order in each process.
    return sorted(value) if isinstance(value, set) else getattr(value, "value", value)
