"""Compressors: learning from a larger model, fewer weights, smaller weights."""

from __future__ import annotations

from pluglm import Compressor, hookimpl
from pluglm_compressors.distillation import Distillation
from pluglm_compressors.dynamic_int8 import DynamicInt8
from pluglm_compressors.magnitude_pruning import MagnitudePruning


@hookimpl
def register_compressors() -> list[type[Compressor]]:
    return [Distillation, MagnitudePruning, DynamicInt8]
