"""Models: new ones by size, and those already trained."""

from __future__ import annotations

from pluglm import Model, hookimpl
from pluglm_models.causal_lm import CausalLm
from pluglm_models.masked_lm import MaskedLm
from pluglm_models.pretrained import Pretrained
from pluglm_models.seq2seq import Seq2seq


@hookimpl
def register_models() -> list[type[Model]]:
    return [CausalLm, MaskedLm, Seq2seq, Pretrained]
