"""The plan of a run that is about to begin; a plan that fails does not stop the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pluglm.planning.forecast import forecast

if TYPE_CHECKING:
    from pluglm.lifecycle.assemble import Parts


def plan_or_reason(parts: Parts) -> dict[str, Any]:
    """The plan of an assembled run; where its step cannot be rehearsed, what the model itself tells: parameters, steps,
    tokens, operations as 6 N D (Kaplan et al. 2020), and why there is no more."""
    try:
        return forecast(parts.config, parts.corpus, parts.examples)
    except Exception as error:  # techniques of others run in it, without numbers, for which they were not written
        batch = parts.config.train.batch_size
        assert batch != "auto"
        examples = parts.steps * batch * parts.config.train.gradient_accumulation
        tokens = round(examples * float(parts.examples.train.lengths().mean()))
        every = sum(parameter.numel() for parameter in parts.model.parameters())
        trained = sum(parameter.numel() for parameter in parts.model.parameters() if parameter.requires_grad)
        reason = " ".join(str(error).split())[:160]
        return {
            "parameters": {"all": every, "trainable": trained},
            "steps": parts.steps,
            "tokens": tokens,
            "epochs": round(examples / len(parts.examples.train), 3),
            "flops": 6 * every * tokens,
            "flops_exact": False,
            "seconds": None,
            "cost": None,
            "notes": [f"no more can be planned, since a step could not be rehearsed: {type(error).__name__}: {reason}"],
        }
