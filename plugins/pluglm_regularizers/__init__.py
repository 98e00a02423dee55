"""Regularizers: penalties on weights, noise of several kinds, averages, and stopping in time."""

from __future__ import annotations

from pluglm import Regularizer, hookimpl
from pluglm_regularizers.adversarial import Adversarial
from pluglm_regularizers.dropout import Dropout
from pluglm_regularizers.early_stopping import EarlyStopping
from pluglm_regularizers.ema import Ema
from pluglm_regularizers.l1 import L1
from pluglm_regularizers.l2 import L2
from pluglm_regularizers.label_smoothing import LabelSmoothing
from pluglm_regularizers.r_drop import RDrop


@hookimpl
def register_regularizers() -> list[type[Regularizer]]:
    return [L1, L2, Dropout, EarlyStopping, LabelSmoothing, Ema, Adversarial, RDrop]
