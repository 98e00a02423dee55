"""A model that is already trained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pluglm import ConfigError, DataError, Model, Problem

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from pluglm import RunConfig

CLASSIFIER = "AutoModelForSequenceClassification"
ANY = frozenset({"AutoModelForCausalLM", "AutoModelForMaskedLM", "AutoModelForSeq2SeqLM", CLASSIFIER})
# Their positions count from pad_token_id + 1 on, so that many of max_position_embeddings serve no token.
OFFSET_POSITIONS = frozenset(
    ("camembert", "longformer", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl")
)
ENCODERS = OFFSET_POSITIONS | {
    "albert",
    "bert",
    "convbert",
    "deberta",
    "deberta-v2",
    "distilbert",
    "electra",
    "ernie",
    "flaubert",
    "mobilebert",
    "modernbert",
    "mpnet",
    "nomic_bert",
    "squeezebert",
}


def model_folder(path: Path) -> Path | None:
    """The folder with the `config.json`: `path`, or its `model/` where it is a run folder."""
    path = path.expanduser()
    return next((folder for folder in (path, path / "model") if (folder / "config.json").is_file()), None)


def tokenizer_folder(folder: Path) -> Path | None:
    """The folder with the tokenizer: that of the model, or for a compressed model of a run that of the whole one."""
    places = (folder, folder.parent.parent / "model")
    return next((place for place in places if (place / "tokenizer.json").is_file()), None)


def read_config(path: Path) -> dict[str, Any]:
    """The model's `config.json`, or nothing where there is none that can be read."""
    folder = model_folder(path)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8")) if folder else {}
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def heads_of(config: Mapping[str, Any]) -> frozenset[str]:
    """The Auto classes that a model with this `config.json` can be loaded as."""
    if not config.get("model_type"):
        return frozenset()
    if config.get("is_encoder_decoder"):
        return frozenset({"AutoModelForSeq2SeqLM", CLASSIFIER})
    saved = " ".join(config.get("architectures") or ())
    encoder = "MaskedLM" in saved or (config["model_type"] in ENCODERS and not config.get("is_decoder"))
    return frozenset({"AutoModelForMaskedLM" if encoder else "AutoModelForCausalLM", CLASSIFIER})


def longest_input(config: Mapping[str, Any]) -> int | None:
    """How many tokens the model takes, or None where its config does not say."""
    longest = config.get("max_position_embeddings") or config.get("n_positions")
    if longest and config.get("model_type") in OFFSET_POSITIONS:
        longest -= (config.get("pad_token_id") or 0) + 1
    return longest


class Pretrained(Model):
    """A model that is already trained, with its own tokenizer, to be trained further or to get another head.

    The path is a run folder, a compressed model in one, or any folder in the format of `transformers` with weights as
    safetensors. A head that the model does not have yet is drawn anew.
    """

    path: Annotated[Path, Field(description="A run folder, or a folder with config.json and model.safetensors")]
    freeze: Annotated[
        bool | int,
        Field(ge=0, description="What stays as it is: true for all but the head, n for embeddings and first n layers"),
    ] = False

    def heads(self) -> frozenset[str]:
        """What the model's `config.json` allows. Where it cannot be read, any: what is wrong then is the path, which
        `problems` says, and not the objective."""
        return heads_of(read_config(self.path)) or ANY

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
            )
        layers = config.get("num_hidden_layers") or config.get("n_layer")
        if self.freeze is not True and layers and self.freeze > layers:
            yield Problem("model.freeze", f"is more layers than the model has ({layers})", self.freeze)

    def own_tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer beside the model. One without a token for padding pads with its end of text."""
        from transformers import AutoTokenizer

        tokenizer: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(
            tokenizer_folder(self._folder()) or self._folder(), local_files_only=True
        )
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
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
        if len(tokenizer) > model.get_input_embeddings().num_embeddings:
            model.resize_token_embeddings(len(tokenizer))
        if model.config.pad_token_id is None:
            model.config.pad_token_id = tokenizer.pad_token_id
        freeze(model, self.freeze)
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise ConfigError([Problem("model.freeze", "leaves nothing to train", self.freeze)])
        return model

    def _folder(self) -> Path:
        folder = model_folder(self.path)
        if folder is None:
            raise DataError(f"{self.path} has no config.json of a transformers model")
        return folder


def check_body(model: PreTrainedModel, found: Mapping[str, Any], architectures: tuple[str, ...]) -> None:
    """Refuse a model whose body did not come wholly from the file. A pooler counts as part of the head, which may be
    new; where the head is the one that was saved, nothing may be missing.

    Raises:
        DataError: naming the weights.
    """
    absent = {*found["missing_keys"], *(key[0] for key in found["mismatched_keys"])}
    if type(model).__name__ not in architectures:
        body = model.base_model_prefix + "."
        absent = {key for key in absent if key.startswith(body) and ".pooler." not in key}
    else:
        absent -= {key[0] for key in found["mismatched_keys"] if not key[0].startswith(model.base_model_prefix + ".")}
    if absent:
        shown = ", ".join(sorted(absent)[:3])
        raise DataError(f"{model.name_or_path}: {len(absent)} weights are missing or have another shape: {shown}")


def freeze(model: PreTrainedModel, what: bool | int) -> None:
    """Let the body (True), or the embeddings and the first `what` layers, get no gradient."""
    from torch import nn

    if what is False or what == 0:
        return
    if what is True:
        model.base_model.requires_grad_(False)
        return
    layers = next(
        module
        for module in model.base_model.modules()
        if isinstance(module, nn.ModuleList) and len(module) == model.config.num_hidden_layers
    )
    for module in [*before(layers, model.base_model), *layers[:what]]:
        module.requires_grad_(False)


def before(layers: nn.ModuleList, body: nn.Module) -> Iterator[nn.Module]:
    """The parts of `body` that make embeddings, their norms among them, and do not hold `layers`."""
    from torch import nn

    for part in body.children():
        if part is not layers and any(module is layers for module in part.modules()):
            yield from before(layers, part)
        elif part is not layers and any(isinstance(module, nn.Embedding) for module in part.modules()):
            yield part
