"""Dynamic int8 quantization."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pluglm import Compressor, PluglmError, Problem, TrainingRun
from pluglm_compressors.layers import is_transposed, linear_layers

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from pluglm import RunConfig

WEIGHTS = "model.safetensors"


def quantize_layers(model: torch.nn.Module, names: Iterable[str]) -> None:
    """Replace the linear layers called `names` by int8 ones."""
    from pluglm_compressors.int8_linear import Int8Linear

    for name in names:
        layer = model.get_submodule(name)
        weight: Any = layer.weight.T if is_transposed(layer) else layer.weight
        owner, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(owner), attribute, Int8Linear(weight, layer.bias))  # type: ignore[arg-type]


class DynamicInt8(Compressor):
    """Linear layers with int8 weights, a scale per output; their inputs are quantized as they come. About a quarter of
    the size, and faster on a CPU, most of all one token at a time. Embeddings and norms stay as they are.

    A row's result depends a little on what else is in its batch, because inputs share one scale. The result is read by
    pluglm; on a GPU it computes with floats.

    Source: Jacob et al. 2018, https://arxiv.org/abs/1712.05877.
    """

    head: Annotated[
        bool,
        Field(description="Also the output head; where it shares the input embeddings' weights, an int8 copy of them"),
    ] = True

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """Nothing can compress int8 weights further."""
        chosen = list(run.compressor.items())
        place = next(number for number, (_, technique) in enumerate(chosen) if technique is self)
        for label, technique in chosen[place + 1 :]:
            if "compress" in technique.moments():
                yield Problem(
                    f"compressor.{label}",
                    f"needs float weights, and compressor.{chosen[place][0]} before it leaves int8",
                    hint=f"put {chosen[place][0]} last",
                )

    def compress(self, run: TrainingRun) -> torch.nn.Module:
        """The model with int8 layers.

        Raises:
            PluglmError: where it has no linear layers of floats.
        """
        names = list(linear_layers(run.model, self.head))
        if not names:
            raise PluglmError(f"compressor={self.name} found no float weights in linear layers; they are int8 already")
        quantize_layers(run.model, names)
        run.note(f"{self.name}: {len(names)} linear layers are int8")
        quantized: torch.nn.Module = run.model
        return quantized

    def save(self, model: torch.nn.Module, folder: Path) -> None:
        """config.json and model.safetensors, in which int8 layers have `int8_weight` and `scale`."""
        import copy

        from safetensors.torch import save_model

        config: Any = copy.deepcopy(model.config)
        config.architectures = [type(model).__name__]
        config.save_pretrained(folder)
        save_model(model, str(folder / WEIGHTS))

    def load(self, folder: Path, head: str) -> PreTrainedModel:
        """See `Compressor.load`.

        Raises:
            PluglmError: where the folder does not hold what `save` wrote.
        """
        import torch
        import transformers
        from safetensors import safe_open
        from safetensors.torch import load_model

        suffix = ".int8_weight"
        try:
            with safe_open(folder / WEIGHTS, framework="pt") as file:
                names = [key.removesuffix(suffix) for key in file.keys() if key.endswith(suffix)]  # noqa: SIM118
            config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
            # What it draws is overwritten; the caller's generator must not notice.
            with torch.random.fork_rng(devices=[]):
                model: PreTrainedModel = getattr(transformers, head).from_config(config)
            quantize_layers(model, names)
            load_model(model, str(folder / WEIGHTS))
        except (OSError, RuntimeError, AttributeError) as error:
            raise PluglmError(f"{folder} does not hold a model of compressor={self.name}: {error}") from error
        return model.eval()
