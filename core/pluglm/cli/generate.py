"""`pluglm generate RUN PROMPT`: continue a text, or write another for it."""

from __future__ import annotations

from pathlib import Path

from pluglm.cli.flags import Flag, parse, usage, wants_help
from pluglm.errors import ConfigError, Problem

FLAGS = {
    "--max-new-tokens": Flag("how many tokens at most (100)", "N"),
    "--temperature": Flag("0 for the likeliest token always (0.8)", "T"),
    "--top-k": Flag("draw among the K likeliest tokens; 0 for all (50)", "K"),
    "--seed": Flag("another seed gives another text (0)", "N"),
}


def run(arguments: list[str]) -> int:
    """Print the prompt and its continuation; of a model that writes one text for another, what it writes."""
    if wants_help(arguments):
        about = "Continues PROMPT, or writes another text for it, with the model of a run, or of RUN/compressed/NAME."
        print(usage("generate RUN [PROMPT]", about, FLAGS), end="")
        return 0
    given = parse(arguments, FLAGS)
    if not 1 <= len(given.words) <= 2:
        raise ConfigError([Problem("generate", "takes a run folder and one prompt, in quotes if it has spaces")])
    new_tokens = int(_number(given.flags, "max-new-tokens", 100, least=1, whole=True))
    temperature = _number(given.flags, "temperature", 0.8)
    top_k = int(_number(given.flags, "top-k", 50, whole=True))
    seed = int(_number(given.flags, "seed", 0, whole=True))
    from pluglm.runs.saved_model import load_run_model, model_folder, saved_head

    folder = model_folder(Path(given.words[0]))
    if not saved_head(folder).endswith(("ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "MTModel")):
        raise ConfigError([Problem(str(folder), f"is a {saved_head(folder)}, which does not write texts")])
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    model, tokenizer = load_run_model(Path(given.words[0]))
    prompt = given.words[1] if len(given.words) == 2 else ""
    encoder = model.config.is_encoder_decoder
    from pluglm import encode_text, own_special_tokens

    # What is continued must not end; what is read as a whole must.
    own = own_special_tokens(tokenizer)
    ids = [*own.start, *encode_text(prompt, tokenizer), *(own.end if encoder else ())]
    if not ids or (encoder and ids[-1] != tokenizer.eos_token_id):
        ids = [*ids, tokenizer.eos_token_id]
    torch.manual_seed(seed)
    options = {"do_sample": True, "temperature": temperature, "top_k": top_k} if temperature else {"do_sample": False}
    inputs = torch.tensor([ids])
    with torch.no_grad():
        out = model.generate(
            inputs,
            attention_mask=torch.ones_like(inputs),
            max_new_tokens=new_tokens,
            pad_token_id=tokenizer.pad_token_id,
            **options,
        )
    written = tokenizer.decode(out[0][0 if encoder else len(ids) :], skip_special_tokens=True)
    print(written if encoder else prompt + written)
    return 0


def _number(flags: dict[str, str], name: str, default: float, least: float = 0, whole: bool = False) -> float:
    try:
        value = float(flags.get(name, default))
    except ValueError:
        value = -1
    if value < least or (whole and value != int(value)):
        raise ConfigError(
            [Problem(f"--{name}", f"takes a {'whole ' if whole else ''}number of at least {least:g}", flags[name])]
        )
    return value
