"""Settings of a run that belong to no technique."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

DEFAULT_STEPS = 1100
MOST_STEPS = 10**9


class Settings(BaseModel):
    """Base of the settings groups: closed, like techniques."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


class TrainSettings(Settings):
    """How long and in what portions to train."""

    steps: Annotated[
        int | None,
        Field(ge=1, le=MOST_STEPS, description="Optimizer steps (1100 where epochs and tokens are not set either)"),
    ] = None
    epochs: Annotated[float | None, Field(gt=0, le=1e6, description="Passes over the training examples")] = None
    tokens: Annotated[
        int | None, Field(ge=1, le=10**16, description="Tokens to train on, rounded up to whole steps")
    ] = None
    batch_size: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=1, le=2**20)],
        Field(description="Examples per micro-batch, shared by all processes; auto for the largest that is worth it"),
    ] = 4
    gradient_accumulation: Annotated[
        int,
        Field(
            ge=1, le=2**20, description="Micro-batches per optimizer step: a step sees batch_size x this many examples"
        ),
    ] = 1
    max_grad_norm: Annotated[
        float | None, Field(gt=0, description="Gradients are clipped to this norm; null for no clipping")
    ] = 1.0
    batch_size_warmup: Annotated[
        float,
        Field(
            ge=0,
            le=MOST_STEPS,
            description="Steps over which a step grows from 1/8 of its examples to all; below 1, a share",
        ),
    ] = 0.0
    sequence_length_warmup: Annotated[
        float,
        Field(
            ge=0,
            le=MOST_STEPS,
            description="Steps over which blocks are read in 8, 4, 2 parts before whole; below 1, a share",
        ),
    ] = 0.0
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"],
        Field(description="Number format of the forward and backward pass; auto for bf16 where it is clearly faster"),
    ] = "fp32"
    loss_scale: Annotated[
        float, Field(ge=1, le=2.0**64, description="Factor on the loss that fp16 training begins with")
    ] = 65536.0
    compile: Annotated[
        bool, Field(description="Compile the model's layers (torch.compile): slow first steps, faster ones after")
    ] = False
    eval_every: Annotated[
        int, Field(ge=0, le=MOST_STEPS, description="Steps between validations; 0 only at the end")
    ] = 100
    eval_batches: Annotated[int, Field(ge=1, le=MOST_STEPS, description="Validation batches used while training")] = 16
    log_every: Annotated[int, Field(ge=1, le=MOST_STEPS, description="Steps between lines of training metrics")] = 10
    save_every: Annotated[
        int, Field(ge=0, le=MOST_STEPS, description="Steps between checkpoints; 0 only at the end")
    ] = 200
    keep_checkpoints: Annotated[int, Field(ge=1, le=10**6, description="Newest checkpoints kept")] = 2
    keep_best: Annotated[
        bool, Field(description="Keep the checkpoint with the lowest validation loss too, however old")
    ] = True
    max_loss_ratio: Annotated[
        float | None,
        Field(gt=1, description="Training ends as diverged at a loss so many times the first one; null for no limit"),
    ] = 10.0
    loader_workers: Annotated[
        int,
        Field(
            ge=0, le=1024, description="Processes beside each that make its batches ahead; 0 to make them in between"
        ),
    ] = 0
    recompute_activations: Annotated[
        bool, Field(description="Compute each layer again in the backward pass: less memory, a third more time")
    ] = False
    threads: Annotated[
        int,
        Field(ge=0, le=4096, description="CPU threads per process; 0 for OMP_NUM_THREADS, or the cores that are free"),
    ] = 0

    @model_validator(mode="before")
    @classmethod
    def _one_length(cls, values: Any) -> Any:
        lengths = ("steps", "epochs", "tokens")
        given = [name for name in lengths if isinstance(values, dict) and values.get(name) is not None]
        if len(given) > 1:
            raise ValueError(f"set only one of steps, epochs and tokens (set: {' and '.join(given)}); null unsets one")
        return values if given else {**values, "steps": DEFAULT_STEPS}


class MixtureSettings(Settings):
    """How often the documents of each source are seen in a pass over the training documents; each once by default."""

    weights: Annotated[
        Mapping[str, Annotated[float, Field(ge=0)]],
        Field(description="Shares of a pass by source, such as {books: 3, web: 1}; they need not add up to 1"),
    ] = {}
    epochs: Annotated[
        Mapping[str, Annotated[float, Field(ge=0)]],
        Field(description="Instead of shares: how often each source is seen in a pass, such as {books: 2, web: 0.5}"),
    ] = {}
    unit: Annotated[Literal["tokens", "documents"], Field(description="What shares are shares of")] = "tokens"
    temperature: Annotated[
        float, Field(ge=1, description="Without weights: shares by size to the power 1 / temperature; 1 as they are")
    ] = 1.0

    @model_validator(mode="after")
    def _one_way(self) -> MixtureSettings:
        given = [name for name in ("weights", "epochs") if getattr(self, name)]
        given += ["temperature"] if self.temperature != 1 else []
        if len(given) > 1:
            raise ValueError(f"set only one of weights, epochs and temperature (set: {' and '.join(given)})")
        if self.weights and not any(self.weights.values()):
            raise ValueError("one of the weights must be above 0")
        return self


class DataSettings(Settings):
    """How documents become examples."""

    validation_fraction: Annotated[float, Field(gt=0, lt=1, description="Share of documents held out")] = 0.02
    train_fraction: Annotated[
        float,
        Field(
            gt=0, le=1, description="Share of the other documents that is trained on; smaller shares are within larger"
        ),
    ] = 1.0
    sequence_length: Annotated[int, Field(ge=8, le=2**24, description="Tokens per example at most")] = 256
    packing: Annotated[
        bool, Field(description="Join documents into full blocks where the objective can; otherwise pad")
    ] = True
    on_error: Annotated[
        Literal["quarantine", "stop"], Field(description="What to do with a record that cannot be read or used")
    ] = "quarantine"
    max_quarantined: Annotated[
        float, Field(ge=0, le=1, description="The run fails when a larger share of records than this is quarantined")
    ] = 0.2
    mixture: Annotated[MixtureSettings, Field(description="How often the documents of each source are seen")] = (
        MixtureSettings()
    )
    workers: Annotated[
        int, Field(ge=0, le=4096, description="Processes that prepare the corpus; 0 for one per core")
    ] = 0
    shard_megabytes: Annotated[
        float, Field(gt=0, le=64, description="Text, in millions of characters, that is prepared and kept as one piece")
    ] = 8.0
    engine: Annotated[
        Literal["local", "ray", "slurm"],
        Field(description="Who prepares the corpus: this machine, or a cluster whose nodes all see the cache"),
    ] = "local"
    engine_options: Annotated[
        Mapping[str, bool | int | float | str],
        Field(description="Further settings of a cluster's executor in datatrove: {partition: cpu, time: '04:00:00'}"),
    ] = {}
    cache_dir: Annotated[
        Path | None, Field(description="Where prepared data is kept between runs; null for the user's cache folder")
    ] = None


class OutputSettings(Settings):
    """Where a run is written."""

    dir: Annotated[Path, Field(description="Folder that holds run folders")] = Path("outputs")
    folder: Annotated[Path | None, Field(description="This run's folder; null for <dir>/<date>/<time>-<name>")] = None


class LaunchSettings(Settings):
    """How the processes of a run are started where no launcher (torchrun, accelerate launch) did."""

    processes: Annotated[
        int | None,
        Field(ge=1, le=10**5, description="How many processes; null for as many as the parallelism asks for"),
    ] = None
    restarts: Annotated[
        int,
        Field(ge=0, le=10**6, description="How often all are started again from the last checkpoint after one died"),
    ] = 0
