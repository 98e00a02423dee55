"""`pluglm generate RUN PROMPT`: continue a text, or write another for it."""

from __future__ import annotations

from pathlib import Path

from pluglm.errors import ConfigError, Problem
from pluglm.verbs import Arguments, Flag

FLAGS = {
    "--max-new-tokens": Flag("how many tokens at most (100)", "N"),
    "--temperature": Flag("0 for the likeliest token always (0.8)", "T"),
    "--top-k": Flag("draw among the K likeliest tokens; 0 for all (50)", "K"),
    "--seed": Flag("another seed gives another text (0)", "N"),
}


def run(given: Arguments) -> int:
    """Continues PROMPT, or writes another text for it, with the model of a run, or of RUN/compressed/NAME."""
    if not 1 <= len(given.words) <= 2:
        raise ConfigError([Problem("generate", "takes a run folder and one prompt, in quotes if it has spaces")])
    new_tokens = int(given.number("max-new-tokens", 100, least=1, whole=True))
    temperature = given.number("temperature", 0.8, least=0)
    top_k = int(given.number("top-k", 50, least=0, whole=True))
    seed = int(given.number("seed", 0, least=0, whole=True))
    if unused := [name for name in ("top-k", "seed") if name in given.flags and temperature == 0]:
        reason = "has no effect with --temperature 0, which always takes the likeliest token"
        raise ConfigError([Problem(f"--{name}", reason, given.flags[name]) for name in unused])
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
