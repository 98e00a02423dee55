"""Models in local folders that augmenters work with, loaded once in a process."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm import DataError, Problem

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

SEQ2SEQ, CAUSAL, MASKED = "AutoModelForSeq2SeqLM", "AutoModelForCausalLM", "AutoModelForMaskedLM"
# How the classes that a model was saved as end, by the head that it then has.
SAVED_AS = {
    SEQ2SEQ: ("ForConditionalGeneration", "MTModel", "ForSeq2SeqLM"),
    CAUSAL: ("ForCausalLM", "LMHeadModel"),
    MASKED: ("ForMaskedLM", "ForPreTraining"),
}
DOES = {SEQ2SEQ: "writes one text for another", CAUSAL: "continues texts", MASKED: "fills in masked words"}
TRAINED_BY = {SEQ2SEQ: "translation", CAUSAL: "clm", MASKED: "mlm"}


def model_folder(path: Path) -> Path | None:
    """The folder with the `config.json`: `path`, or its `model/` where it is a run folder."""
    path = path.expanduser()
    return next((folder for folder in (path / "model", path) if (folder / "config.json").is_file()), None)


def has_head(folder: Path, head: str) -> bool:
    """Whether the model in `folder` was saved with that head."""
    try:
        saved = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or [""]
    except (OSError, ValueError, AttributeError):
        return False
    return str(saved[0]).endswith(SAVED_AS[head])


def folder_problems(path: Path, head: str, parameter: str) -> Iterator[Problem]:
    """What keeps the model at `path` from being loaded with `head`."""
    hint = f"write a run folder of objective={TRAINED_BY[head]}, or a folder that save_pretrained made"
    folder = model_folder(path)
    if folder is None:
        there = path.expanduser().exists()
        reason = "has no config.json of a transformers model, nor has its model/" if there else "does not exist"
        yield Problem(parameter, reason, path, hint)
        return
    if not has_head(folder, head):
        yield Problem(parameter, f"holds no model that {DOES[head]}", path, hint)
    if not any(folder.glob("*.safetensors")):
        yield Problem(parameter, "has no weights as .safetensors, the only format read", path)
    if not (folder / "tokenizer.json").is_file():
        yield Problem(parameter, "has no tokenizer.json", path, "save the tokenizer beside the model")


def load(path: Path, head: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model and its tokenizer, on the CPU, in fp32 and eval mode.

    Raises:
        DataError: where the folder holds no such model, or one that cannot be read.
    """
    folder = model_folder(path)
    if folder is None or not has_head(folder, head):
        raise DataError(f"{path} holds no model that {DOES[head]}")
    return _loaded(folder.resolve(), head)


@functools.cache
def _loaded(folder: Path, head: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    import torch
    import transformers

    verbosity, bars = transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        # Loading draws weights before it reads them; what the run draws must not depend on that.
        with torch.random.fork_rng(devices=[]):
            model = getattr(transformers, head).from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
            )
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # the libraries raise whatever their parsers do
        said = " ".join(str(error).split())[:300]
        raise DataError(f"{folder}: the model or its tokenizer cannot be read: {said}") from None
    finally:
        transformers.logging.set_verbosity(verbosity)
        if bars:
            transformers.logging.enable_progress_bar()
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model.eval().requires_grad_(False), tokenizer


def longest_input(model: PreTrainedModel, otherwise: int) -> int:
    """How many tokens the model takes at once; `otherwise` where its config does not say."""
    config: Any = model.config
    longest = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or otherwise
    # RoBERTa and its kin count positions from pad_token_id + 1 on.
    return int(longest) - 2 if "roberta" in config.model_type else int(longest)


SMALL_VOCABULARY = (
    "the a red blue old new small book film song man woman saw liked wrote told people and good long".split()
)


def save_small_model(folder: Path, head: str) -> Path:
    """A model of a few thousand random weights over twenty words, to try an augmenter with."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    special = {"pad_token": "<pad>", "eos_token": "</s>", "cls_token": "<cls>", "mask_token": "<mask>"}
    vocabulary = [*special.values(), "<unk>", *SMALL_VOCABULARY]
    backend = Tokenizer(models.WordLevel({word: n for n, word in enumerate(vocabulary)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.add_special_tokens([*special.values(), "<unk>"])
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", **special)
    ids = {"vocab_size": len(tokenizer), "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 1}
    narrow = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    long = {"max_position_embeddings": 256}
    configs = {
        SEQ2SEQ: lambda: transformers.T5Config(
            **ids, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, dropout_rate=0.0, decoder_start_token_id=0
        ),
        CAUSAL: lambda: transformers.LlamaConfig(**ids, **narrow, **long),
        MASKED: lambda: transformers.BertConfig(**ids, **narrow, **long, hidden_dropout_prob=0.0),
    }
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        model = getattr(transformers, head).from_config(configs[head]())
        for weights in model.parameters():
            if weights.dim() > 1:
                torch.nn.init.normal_(weights, std=0.7)
        if head != MASKED:
            model.get_output_embeddings().weight[tokenizer.eos_token_id] *= 2  # so that texts end
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
