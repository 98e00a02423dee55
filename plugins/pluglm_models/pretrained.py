"""A model that is already trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pluglm import ConfigError, DataError, Model, Problem
from pluglm_models.freezing import freeze
from pluglm_models.lora import Lora, add_adapters, merge_adapters, save_adapter
from pluglm_models.model_folders import (
    ANY,
    absent_weights,
    check_body,
    heads_of,
    layer_names,
    longest_input,
    model_folder,
    read_config,
    tensor_names,
    tokenizer_folder,
)
from pluglm_models.special_ids import agree, complete

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from pluglm import RunConfig


class Pretrained(Model):
    """A model that is already trained, with its own tokenizer, to be trained further or to get another head.

    The path is a run folder, a compressed model in one, or any folder in the format of `transformers` with weights as
    safetensors. A head that the model does not have yet is drawn anew.

    With `model.lora.r=8` only low-rank adapters beside its weights, and a new head, are trained (Hu et al. 2021,
    https://arxiv.org/abs/2106.09685). They are added to the weights at the end: `model/` is a model like any other, and
    `adapter/` holds them alone, in the format of `peft`.
    """

    path: Annotated[Path, Field(description="A run folder, or a folder with config.json and model.safetensors")]
    freeze: Annotated[
        bool | int,
        Field(ge=0, description="What stays as it is: true for all but the head, n for embeddings and first n layers"),
    ] = False
    lora: Annotated[Lora, Field(description="Low-rank adapters in place of the weights: r, alpha, ...")] = Lora()

    def heads(self) -> frozenset[str]:
        """What the model's `config.json` allows. Where it cannot be read, any: what is wrong then is the path, which
        `problems` says, and not the objective."""
        return heads_of(read_config(self.path)) or ANY

    def longest_input(self) -> int | None:
        """What the model's `config.json` says."""
        return longest_input(read_config(self.path))

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """The folder must hold a model and its tokenizer, and the model must take what the run asks of it."""
        folder = model_folder(self.path)
        if folder is None:
            there = self.path.expanduser().exists()
            reason = "has no config.json of a transformers model, nor has its model/" if there else "does not exist"
            yield Problem("model.path", reason, self.path, "write a run folder, or a folder that save_pretrained made")
            return
        config = read_config(self.path)
        if not heads_of(config):
            yield Problem("model.path", "has a config.json without a model_type", self.path)
        if not any(folder.glob("*.safetensors")):
            yield Problem("model.path", "has no weights as .safetensors, the only format read", self.path)
        if tokenizer_folder(folder) is None:
            yield Problem("model.path", "has no tokenizer.json", self.path, "save the tokenizer beside the model")
        longest = longest_input(config)
        if longest and run.data.sequence_length > longest:
            yield Problem(
                "data.sequence_length",
                "is longer than the model takes",
                run.data.sequence_length,
                f"write {longest} or less",
                instead=longest,
            )
        layers = config.get("num_hidden_layers") or config.get("n_layer")
        if self.freeze is not True and layers and self.freeze > layers:
            yield Problem("model.freeze", f"is more layers than the model has ({layers})", self.freeze)
        if self.lora.r is not None:
            yield from self._lora_problems(folder)

    def _lora_problems(self, folder: Path) -> Iterator[Problem]:
        if find_spec("peft") is None:
            yield Problem("model.lora", "needs peft, which is not installed", hint="pip install 'pluglm[lora]'")
        if self.freeze:
            yield Problem(
                "model.freeze", "cannot be chosen with model.lora, which leaves all weights as they are", True
            )
        layers = layer_names(folder)
        for target in self.lora.named() or ():
            if layers and target.rpartition(".")[2] not in layers:
                hint = f"it has {', '.join(sorted(layers))}"
                yield Problem("model.lora.target_modules", "names no layer of the model", target, hint)

    def own_tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer beside the model, with the special tokens that it lacks (see `complete`)."""
        from transformers import AutoTokenizer

        tokenizer: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(
            tokenizer_folder(self._folder()) or self._folder(), local_files_only=True
        )
        complete(tokenizer, read_config(self.path))
        return tokenizer

    def build(
        self, head: str, tokenizer: PreTrainedTokenizerFast, sequence_length: int, options: Mapping[str, Any]
    ) -> PreTrainedModel:
        """See `Model.build`. Weights are fp32, whatever they were saved as.

        Raises:
            DataError: where weights of the model's body are missing or have another shape.
            ConfigError: where `freeze` leaves nothing to train.
        """
        import torch
        import transformers

        verbosity = transformers.logging.get_verbosity()
        transformers.logging.set_verbosity_error()  # a new head is no reason to warn; a damaged body is checked below
        try:
            model, found = getattr(transformers, head).from_pretrained(
                self._folder(),
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                **options,
            )
        finally:
            transformers.logging.set_verbosity(verbosity)
        check_body(model, found, read_config(self.path).get("architectures") or ())
        rows = model.get_input_embeddings().num_embeddings
        if len(tokenizer) > rows:
            self._check_new_rows(tokenizer, rows)
            model.resize_token_embeddings(len(tokenizer))
        agree(model, tokenizer)
        absent = absent_weights(found)
        freeze(model, self.freeze, absent)
        if self.lora.r is not None:
            add_adapters(model, self.lora, absent, head, range(rows, len(tokenizer)))
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise ConfigError([Problem("model.freeze", "leaves nothing to train", self.freeze)])
        return model

    def outline(
        self, head: str, tokenizer: PreTrainedTokenizerFast, sequence_length: int, options: Mapping[str, Any]
    ) -> PreTrainedModel:
        """The model of the folder's `config.json`; of the weights only the names are read."""
        import transformers

        config = transformers.AutoConfig.from_pretrained(self._folder(), local_files_only=True, **options)
        model: PreTrainedModel = getattr(transformers, head).from_config(config, attn_implementation="sdpa")
        rows = model.get_input_embeddings().num_embeddings
        if len(tokenizer) > rows:
            self._check_new_rows(tokenizer, rows)
            model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        agree(model, tokenizer)
        absent = {name for name, _ in model.named_parameters()} - tensor_names(self._folder())
        freeze(model, self.freeze, absent)
        if self.lora.r is not None:
            add_adapters(model, self.lora, absent, head, range(rows, len(tokenizer)))
        return model

    def _check_new_rows(self, tokenizer: PreTrainedTokenizerFast, rows: int) -> None:
        """Tokens that are new must be trained, which frozen embeddings cannot be."""
        if self.freeze:
            new = tokenizer.convert_ids_to_tokens(list(range(rows, len(tokenizer))))
            shown = ", ".join([*new[:2], *(["..."] if len(new) > 2 else [])])
            reason = f"keeps the embeddings as they are, and tokens are added that need training ({shown})"
            hint = "leave model.freeze at false, or choose model.lora.r=8, which trains the new ones"
            raise ConfigError([Problem("model.freeze", reason, self.freeze, hint)])

    def finish(self, model: PreTrainedModel, folder: Path) -> list[Path]:
        """Write the adapters to `adapter/` and add them to the weights."""
        if self.lora.r is None:
            return []
        save_adapter(model, folder / "adapter")
        merge_adapters(model)
        return [folder / "adapter"]

    def _folder(self) -> Path:
        folder = model_folder(self.path)
        if folder is None:
            raise DataError(f"{self.path} has no config.json of a transformers model")
        return folder
