"""Writing texts with a model so that what becomes of a text does not depend on which others are beside it.

In a batch, sums are taken in another order than for a text alone, and padding adds zeros, so that logits differ by
about 1e-6. A token is picked from a batch only where no other came so close that this could matter; a text with such a
pick is written again, alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

MARGIN = 1e-3
"""Of logits: a hundred times what padding and neighbours were seen to change them by."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How tokens are picked. `temperature` 0 takes the likeliest, else one is drawn among the `top_k` likeliest (0:
    all). `beams` above 1 keeps that many beginnings (without drawing)."""

    temperature: float = 0.0
    top_k: int = 0
    beams: int = 1


@dataclass(frozen=True, slots=True)
class Written:
    """The ids that were written, without the end; whether the end came; the mean of -log p of each, the end's too (0
    for beams)."""

    ids: list[int]
    ended: bool
    nats: float


def draws(logits: torch.Tensor, generators: Sequence[torch.Generator], decoding: Decoding) -> tuple[Any, Any]:
    """What to take the maximum of, (rows, vocabulary), and (rows,) bools: whether the pick is clear.

    Logits plus Gumbel noise have their maximum at token t with the probability that the softmax gives it (Gumbel 1954),
    so that one draw from each row's own generator decides. Its first argument is not changed.
    """
    import torch

    scores = logits.float()
    edge = None
    if decoding.temperature > 0:
        uniform = torch.stack([torch.rand(scores.shape[1], generator=g, dtype=torch.float64) for g in generators])
        noise = -torch.log(-torch.log(uniform.clamp(1e-300, 1 - 1e-16)))
        noisy = scores + decoding.temperature * noise.float()
        if 0 < decoding.top_k < scores.shape[1]:
            edge = scores.topk(decoding.top_k).values[:, -1:]
            noisy = noisy.masked_fill(scores < edge - MARGIN, -torch.inf)
        picked_from = noisy
    else:
        picked_from = scores
    (first, second), winner = picked_from.topk(2).values.T, picked_from.argmax(dim=1, keepdim=True)
    clear = (first - second) > MARGIN
    if edge is not None:
        clear &= (scores.gather(1, winner) > edge + MARGIN)[:, 0]
    if edge is not None:
        picked_from = picked_from.masked_fill(scores < edge, -torch.inf)
    return picked_from, clear


class _Picker:
    """Sits in `generate` in the place of a logits processor, and keeps the account of each row."""

    def __init__(self, seeds: Sequence[int], ends: Sequence[int], decoding: Decoding) -> None:
        import torch

        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.decoding, self.ends = decoding, torch.tensor(list(ends))
        self.clear: list[torch.Tensor] = []
        self.nats: list[torch.Tensor] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        picked_from, clear = draws(scores, self.generators, self.decoding)
        self.clear.append(clear)
        chosen = picked_from.argmax(dim=1, keepdim=True)
        self.nats.append(-scores.float().log_softmax(dim=1).gather(1, chosen)[:, 0])
        return picked_from  # type: ignore[no-any-return]


def write(
    model: PreTrainedModel,
    rows: Sequence[Sequence[int]],
    limits: Sequence[int],
    seeds: Sequence[int],
    decoding: Decoding,
    batch_size: int,
) -> list[Written]:
    """What the model writes for each row of ids: for a causal model what follows it, for one with an encoder what it
    makes of it; at most `limits[i]` tokens. `seeds[i]` decides what is drawn for row i.

    Rows of like length are written together; with beams each row by itself.
    """
    import torch

    seeded = decoding.temperature > 0
    # The same row under the same seed gives the same text: once is enough.
    keys = [(tuple(row), limit, seed if seeded else 0) for row, limit, seed in zip(rows, limits, seeds, strict=True)]
    todo = sorted(dict.fromkeys(keys), key=lambda key: (len(key[0]), key[1]))
    size = 1 if decoding.beams > 1 else batch_size
    done: dict[tuple[tuple[int, ...], int, int], Written] = {}
    with torch.inference_mode():
        for start in range(0, len(todo), size):
            part = todo[start : start + size]
            for key, written in zip(part, _batch(model, part, decoding), strict=True):
                done[key] = written if written is not None else _alone(model, key, decoding)
    return [done[key] for key in keys]


def _alone(model: PreTrainedModel, key: tuple[tuple[int, ...], int, int], decoding: Decoding) -> Written:
    (written,) = _batch(model, [key], decoding)
    assert written is not None
    return written


def _batch(
    model: PreTrainedModel, part: Sequence[tuple[tuple[int, ...], int, int]], decoding: Decoding
) -> list[Written | None]:
    """None for a row of several whose picks were not all clear."""
    import torch
    from transformers import LogitsProcessorList

    config: Any = model.config
    encoder = bool(config.is_encoder_decoder)
    longest = max(len(row) for row, _, _ in part)
    pad = config.pad_token_id if config.pad_token_id is not None else 0
    gaps = [longest - len(row) for row, _, _ in part]
    sides = [((), (pad,) * gap) if encoder else ((pad,) * gap, ()) for gap in gaps]
    ids = torch.tensor([[*left, *row, *right] for (row, _, _), (left, right) in zip(part, sides, strict=True)])
    seen = torch.tensor(
        [
            [0] * len(left) + [1] * len(row) + [0] * len(right)
            for (row, _, _), (left, right) in zip(part, sides, strict=True)
        ]
    )
    ends = _ends(model)
    picker = _Picker([seed for _, _, seed in part], ends, decoding)
    options: dict[str, Any] = {"num_beams": decoding.beams, "early_stopping": True} if decoding.beams > 1 else {}
    if not options:
        options = {"num_beams": 1, "logits_processor": LogitsProcessorList([picker])}
    out = model.generate(
        ids,
        attention_mask=seen,
        max_new_tokens=max(limit for _, limit, _ in part),
        do_sample=False,
        pad_token_id=pad,
        **options,
    )
    found: list[Written | None] = []
    for number, (_row, limit, _) in enumerate(part):
        new = out[number].tolist()[1 if encoder else longest :][:limit]
        stop = next((place for place, token in enumerate(new) if token in ends), None)
        steps = len(new) if stop is None else stop + 1
        clear = all(bool(step[number]) for step in picker.clear[:steps])
        if len(part) > 1 and not clear:
            found.append(None)
            continue
        nats = [float(step[number]) for step in picker.nats[:steps]]
        found.append(Written(new[:stop], stop is not None, sum(nats) / max(len(nats), 1)))
    return found


def _ends(model: PreTrainedModel) -> tuple[int, ...]:
    end = model.generation_config.eos_token_id
    return () if end is None else (end,) if isinstance(end, int) else tuple(end)
