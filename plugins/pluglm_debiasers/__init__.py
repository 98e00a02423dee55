"""Debiasers: in the documents, in training, and in the trained model."""

from __future__ import annotations

from pluglm import Debiaser, hookimpl
from pluglm_debiasers.adversarial_debias import AdversarialDebias
from pluglm_debiasers.counterfactual import Counterfactual
from pluglm_debiasers.leace import Leace


@hookimpl
def register_debiasers() -> list[type[Debiaser]]:
    return [Counterfactual, AdversarialDebias, Leace]
