"""Ways to spread a run over processes."""

from __future__ import annotations

from pluglm import Parallelism, hookimpl
from pluglm_parallelism.data import Data
from pluglm_parallelism.hybrid import Hybrid
from pluglm_parallelism.pipeline import Pipeline
from pluglm_parallelism.sharded import Sharded
from pluglm_parallelism.single import Single
from pluglm_parallelism.tensor import Tensor


@hookimpl
def register_parallelisms() -> list[type[Parallelism]]:
    return [Single, Data, Sharded, Tensor, Pipeline, Hybrid]
