"""Regularizers: penalties on weights, dropout, and stopping in time."""

from __future__ import annotations

from pluglm import Regularizer, hookimpl
from pluglm_regularizers.dropout import Dropout
from pluglm_regularizers.early_stopping import EarlyStopping
from pluglm_regularizers.l1 import L1
from pluglm_regularizers.l2 import L2


@hookimpl
def register_regularizers() -> list[type[Regularizer]]:
    return [L1, L2, Dropout, EarlyStopping]
