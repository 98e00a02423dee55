"""Sizes of new models."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pluglm import Model, Problem

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

    from pluglm import RunConfig

Size = Literal["nano", "micro", "mini", "small", "base", "medium", "large", "1b"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers that make up a transformer."""

    hidden_size: int
    num_layers: int
    num_heads: int


SHAPES: dict[Size, Shape] = {
    "nano": Shape(64, 2, 4),
    "micro": Shape(192, 4, 6),
    "mini": Shape(320, 8, 5),
    "small": Shape(512, 8, 8),
    "base": Shape(768, 16, 12),
    "medium": Shape(1024, 24, 16),
    "large": Shape(1536, 24, 24),
    "1b": Shape(2048, 20, 32),
}


class SizedModel(Model):
    """A new model whose size is a preset, of which any number can be overridden."""

    size: Annotated[
        Size,
        Field(
            description="Preset; parameters without embeddings: nano 0.1M, micro 1.8M, mini 10M, small 25M, base 113M, "
            "medium 302M, large 680M, 1b 1.0B"
        ),
    ] = "micro"
    hidden_size: Annotated[int | None, Field(ge=2, description="Width; null for the preset's")] = None
    num_layers: Annotated[int | None, Field(ge=1, description="Transformer blocks; null for the preset's")] = None
    num_heads: Annotated[int | None, Field(ge=1, description="Attention heads; null for the preset's")] = None
    intermediate_size: Annotated[
        int | None, Field(ge=1, description="Width inside the feed-forward part; null for what suits the width")
    ] = None
    tie_embeddings: Annotated[bool, Field(description="Use the input embeddings as output weights too")] = True

    @abstractmethod
    def config(
        self, tokenizer: PreTrainedTokenizerFast, sequence_length: int, options: Mapping[str, Any]
    ) -> PreTrainedConfig:
        """The config of a `transformers` model of this shape, with `options`."""

    def build(
        self, head: str, tokenizer: PreTrainedTokenizerFast, sequence_length: int, options: Mapping[str, Any]
    ) -> PreTrainedModel:
        """See `Model.build`."""
        import transformers

        config = self.config(tokenizer, sequence_length, options)
        model: PreTrainedModel = getattr(transformers, head).from_config(config, attn_implementation="sdpa")
        return model

    def shape(self) -> Shape:
        """The preset with the overrides."""
        preset = SHAPES[self.size]
        return Shape(
            self.hidden_size or preset.hidden_size,
            self.num_layers or preset.num_layers,
            self.num_heads or preset.num_heads,
        )

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """The heads must share the width evenly."""
        shape = self.shape()
        if shape.hidden_size % shape.num_heads:
            yield Problem(
                "model.num_heads",
                f"does not divide hidden_size={shape.hidden_size}",
                shape.num_heads,
                f"write a divisor of it, such as {nearest_divisor(shape.hidden_size, shape.num_heads)}",
            )


def nearest_divisor(number: int, wanted: int) -> int:
    """The divisor of `number` nearest to `wanted`."""
    return min((d for d in range(1, number + 1) if number % d == 0), key=lambda d: abs(d - wanted))


def gated_width(hidden_size: int) -> int:
    """8/3 of the width, to the next multiple of 16: three matrices then have as many weights as two of 4 times."""
    return -(-8 * hidden_size // (3 * 16)) * 16
