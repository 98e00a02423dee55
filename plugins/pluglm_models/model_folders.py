"""Folders with a model in the format of `transformers`: what is in them, and whether it was read whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CLASSIFIER = "AutoModelForSequenceClassification"
PAIRS = frozenset({"AutoModelForNextSentencePrediction", "AutoModelForPreTraining"})
ANY = PAIRS | {"AutoModelForCausalLM", "AutoModelForMaskedLM", "AutoModelForSeq2SeqLM", CLASSIFIER}
# Their positions count from pad_token_id + 1 on, so that many of max_position_embeddings serve no token.
OFFSET_POSITIONS = frozenset(
    ("camembert", "longformer", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl")
)
OFFSET_PADDING = 1
"""Their padding where the config does not say."""
READ_PAIRS = frozenset({"bert", "ernie", "mobilebert"})
"""Encoders that `transformers` can give a head over two segments."""
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
    if not encoder:
        return frozenset({"AutoModelForCausalLM", CLASSIFIER})
    return frozenset({"AutoModelForMaskedLM", CLASSIFIER}) | (PAIRS if config["model_type"] in READ_PAIRS else set())


def longest_input(config: Mapping[str, Any]) -> int | None:
    """How many tokens the model takes, or None where its config does not say."""
    if "relative_attention_num_buckets" in config or config.get("model_type") in ("t5", "mt5", "umt5"):
        return None  # whatever `n_positions` says
    longest = config.get("max_position_embeddings") or config.get("n_positions")
    if longest and config.get("model_type") in OFFSET_POSITIONS:
        longest -= int(config.get("pad_token_id", OFFSET_PADDING)) + 1
    return longest


def layer_names(folder: Path) -> frozenset[str]:
    """The last parts of the names of all modules that have a matrix of weights in the folder's .safetensors files,
    read from the headers alone. Empty where one cannot be read."""
    return frozenset(
        name.removesuffix(".weight").rpartition(".")[2]
        for name, tensor in headers(folder).items()
        if name.endswith(".weight") and len(tensor["shape"]) == 2
    )


def tensor_names(folder: Path) -> frozenset[str]:
    """The names of all tensors in the folder's .safetensors files, read from the headers alone."""
    return frozenset(headers(folder))


def headers(folder: Path) -> dict[str, Any]:
    """What the headers of the folder's .safetensors files say of each tensor; nothing where one cannot be read."""
    found: dict[str, Any] = {}
    for path in folder.glob("*.safetensors"):
        try:
            with path.open("rb") as file:
                found |= json.loads(file.read(int.from_bytes(file.read(8), "little")))
        except (OSError, ValueError, OverflowError, MemoryError):
            return {}
    found.pop("__metadata__", None)
    return found


def absent_weights(found: Mapping[str, Any]) -> set[str]:
    """The weights that did not come from the file, by what `from_pretrained` says it found."""
    return {*found["missing_keys"], *(key[0] for key in found["mismatched_keys"])}


def check_body(model: PreTrainedModel, found: Mapping[str, Any], architectures: tuple[str, ...]) -> None:
    """Refuse a model whose body did not come wholly from the file. A pooler counts as part of the head, which may be
    new; where the head is the one that was saved, nothing may be missing.

    Raises:
        DataError: naming the weights.
    """
    absent = absent_weights(found)
    if type(model).__name__ not in architectures:
        body = model.base_model_prefix + "."
        absent = {key for key in absent if key.startswith(body) and ".pooler." not in key}
    else:
        absent -= {key[0] for key in found["mismatched_keys"] if not key[0].startswith(model.base_model_prefix + ".")}
    if absent:
        shown = ", ".join(sorted(absent)[:3])
        raise DataError(f"{model.name_or_path}: {len(absent)} weights are missing or have another shape: {shown}")
