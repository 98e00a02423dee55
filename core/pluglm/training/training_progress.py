"""Where training stands."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class TrainingProgress:
    """Where training stands; all of it is part of every checkpoint.

    `first_loss`: that of the first step, in nats. `validation`: the last validation loss, None where there was none.
    `loss_scale`, `scale_held`: of fp16. `skipped`: steps whose gradients overflowed, so that no weight moved.
    """

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    first_loss: float | None = None
    validation: float | None = None
    loss_scale: float = 1.0
    scale_held: int = 0
    skipped: int = 0
    window: dict[str, float] = field(default_factory=dict)
    window_steps: int = 0
    window_seconds: float = 0.0
    window_tokens: int = 0
