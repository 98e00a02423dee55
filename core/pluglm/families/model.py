"""Models: what is trained."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pluglm.technique import Technique

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class Model(Technique):
    """Builds a `transformers` model."""

    family: ClassVar[str] = "model"

    @abstractmethod
    def heads(self) -> frozenset[str]:
        """The `transformers` Auto classes this model can be built as, such as "AutoModelForCausalLM".
        Called while the config is checked: import nothing heavy."""

    def longest_input(self) -> int | None:
        """How many tokens the model takes at most, or None where it takes as many as the run has. A default or a recipe
        that asks for more is brought down to it. Called while the config is checked: import nothing heavy."""
        return None

    @abstractmethod
    def build(
        self, head: str, tokenizer: PreTrainedTokenizerFast, sequence_length: int, options: Mapping[str, Any]
    ) -> PreTrainedModel:
        """The model with `head`, its vocabulary that of `tokenizer`, for inputs up to `sequence_length` tokens.
        `options` are keywords for the model's config (num_labels, id2label ...). Weights are drawn from torch's global
        generator, which the core has seeded."""

    def outline(
        self, head: str, tokenizer: PreTrainedTokenizerFast, sequence_length: int, options: Mapping[str, Any]
    ) -> PreTrainedModel:
        """The model that `build` makes, for a plan: all but the numbers in its weights. Called with torch's meta device
        as the default, on which tensors take no memory. The default builds it; one whose `build` reads weights must not
        read them here."""
        return self.build(head, tokenizer, sequence_length, options)

    def own_tokenizer(self) -> PreTrainedTokenizerFast | None:
        """The tokenizer this model comes with, which then replaces the configured one; None to train one."""
        return None

    def finish(self, model: PreTrainedModel, folder: Path) -> Iterable[Path] | None:
        """After training, and after the regularizers: change the trained model in place into the plain one that is
        measured and saved, where it was trained as something else. What is worth keeping of that goes into the run's
        `folder`. Called again where a run is resumed after its last step. Returns the folders it wrote that are used
        with the run's tokenizer, which the core saves in them too."""
        return None
