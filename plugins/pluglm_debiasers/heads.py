"""The output head of a model: what goes into it, and a linear map folded into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pluglm import PluglmError, encode_text

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from pluglm import SpecialTokens


def output_head(model: PreTrainedModel) -> torch.nn.Linear:
    """The last linear layer: over the vocabulary, or over labels.

    Raises:
        PluglmError: where there is none that is known.
    """
    import torch

    for found in (model.get_output_embeddings(), *(getattr(model, name, None) for name in ("score", "classifier"))):
        layers = [part for part in found.modules() if isinstance(part, torch.nn.Linear)] if found is not None else []
        if layers:
            return layers[-1]
    raise PluglmError(f"{type(model).__name__} has no linear output head")


def untie(model: PreTrainedModel, head: torch.nn.Linear) -> None:
    """Give `head` weights of its own where it shares those of the input embeddings, so that they can change alone."""
    import torch

    if head.weight is not model.get_input_embeddings().weight:
        return
    head.weight = torch.nn.Parameter(head.weight.detach().clone(), requires_grad=head.weight.requires_grad)
    if head.bias is not None:
        # BERT's is also held by the module around the head, and of two holders saving keeps one.
        head.bias = torch.nn.Parameter(head.bias.detach().clone(), requires_grad=head.bias.requires_grad)
    model.config.get_text_config().tie_word_embeddings = False
    model.config.tie_word_embeddings = False
    # Only while they are listed here does saving leave the head's weights out.
    model.all_tied_weights_keys = {}


def fold(head: torch.nn.Linear, projection: torch.Tensor, mean: torch.Tensor) -> None:
    """Let `head` see mean + projection (x - mean) in place of x: W becomes W P and the bias b + W (I - P) mean.

    A head without a bias sees projection x, which differs by a constant: what a linear probe can tell is the same.
    """
    import torch

    with torch.no_grad():
        weight = head.weight.to(projection)
        if head.bias is not None:
            constant = weight @ (mean - projection @ mean)
            head.bias.copy_(head.bias.to(projection) + constant)
        head.weight.copy_(weight @ projection)


def head_inputs(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    special: SpecialTokens,
    texts: Sequence[str],
    batch_size: int = 32,
) -> torch.Tensor:
    """(texts, hidden) float64 on the CPU: what the head sees where it answers for each text.

    That is the last token for a language model that reads left to right, a mask at the end for a masked one, and the
    end token or the pooled state for a classifier. `special`: what stands around a text. Long texts are cut to what the
    model takes.
    """
    import torch

    seen: list[torch.Tensor] = []
    handle = output_head(model).register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    was_training, states = model.training, []
    model.eval()
    try:
        with torch.no_grad():
            for start in range(0, len(texts), batch_size):
                rows, places = _rows(model, tokenizer, special, texts[start : start + batch_size])
                longest = max(len(row) for row in rows)
                ids = [row + [tokenizer.pad_token_id] * (longest - len(row)) for row in rows]
                mask = [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
                seen.clear()
                model(
                    input_ids=torch.tensor(ids, device=model.device),
                    attention_mask=torch.tensor(mask, device=model.device),
                )
                state = seen[-1]
                states.append(state if state.ndim == 2 else state[torch.arange(len(rows)), torch.tensor(places)])
    finally:
        handle.remove()
        model.train(was_training)
    return torch.cat(states).double().cpu()


def _rows(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, special: SpecialTokens, texts: Sequence[str]
) -> tuple[Any, list[int]]:
    """Token ids of each text, as the model's objective lays them out, and the position at which it answers."""
    kind = type(model).__name__
    before, after, back = list(special.start), list(special.end), 1
    if kind.endswith("CausalLM") or "LMHead" in kind:
        after = []
    elif kind.endswith("MaskedLM"):
        after, back = [tokenizer.mask_token_id, *special.end], 1 + len(special.end)
    text_config = model.config.get_text_config()
    longest = int(getattr(text_config, "max_position_embeddings", None) or 512)
    # RoBERTa's positions begin behind its padding id.
    room = max(1, min(longest, 512) - 2 - len(before) - len(after))
    bodies = [encode_text(text, tokenizer)[:room] for text in texts]
    rows = [[*before, *body, *after] or [tokenizer.eos_token_id] for body in bodies]
    places = [len(row) - back for row in rows]
    if kind.endswith("SequenceClassification"):
        # A decoder answers at the last token that is not padding, which may be the token that ends a text too.
        padding = tokenizer.pad_token_id
        places = [max((at for at, i in enumerate(row) if i != padding), default=0) for row in rows]
    return rows, places
