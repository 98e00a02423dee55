"""A tokenizer that is there already."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import SPECIAL_TOKENS, DataError, Problem, Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pluglm import RunConfig


def tokenizer_folder(path: Path) -> Path | None:
    """The folder with the `tokenizer.json`: `path` or its `model/` where it is a run folder; the folder of a file."""
    path = path.expanduser()
    path = path.parent if path.is_file() and path.name == "tokenizer.json" else path
    return next((folder for folder in (path, path / "model") if (folder / "tokenizer.json").is_file()), None)


def loader_of(folder: Path) -> Any:
    """The class of `transformers` that loads a tokenizer: where it is all in its tokenizer.json and no model is beside
    it, none has to be looked for among those of all models, whose import takes a second and brings torch."""
    try:
        described = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        described = {}
    general = described.get("tokenizer_class") in ("TokenizersBackend", "PreTrainedTokenizerFast")
    if general and not (folder / "config.json").exists():
        from transformers import PreTrainedTokenizerFast

        return PreTrainedTokenizerFast
    from transformers import AutoTokenizer

    return AutoTokenizer


class Pretrained(Tokenizer):
    """A tokenizer from a folder: that of an earlier run, or of any model of `transformers`.

    Its tokens keep their ids and its special tokens their names. A special token that pluglm needs and it does not have
    (often one for padding or masks) is added behind them. What is trained need not be trained again, and runs that
    share a tokenizer can be compared token by token.
    """

    learns: ClassVar[bool] = False

    path: Annotated[Path, Field(description="A run folder, or a folder with tokenizer.json")]

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A tokenizer of bytes in `folder`."""
        from pluglm_tokenizers.byte import Byte

        Byte().build(iter(())).save_pretrained(folder / "bytes")
        return {"path": folder / "bytes"}

    def problems(self, run: RunConfig) -> Iterable[Problem]:
        """The folder must hold a tokenizer."""
        folder = tokenizer_folder(self.path)
        if folder is None:
            there = self.path.expanduser().exists()
            reason = "has no tokenizer.json, nor has its model/" if there else "does not exist"
            yield Problem("tokenizer.path", reason, self.path, "write a run folder, or one that save_pretrained made")
            return
        try:
            described = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            yield Problem("tokenizer.path", f"has a tokenizer.json that cannot be read: {error}", self.path)
            return
        if not isinstance(described, dict) or not isinstance(described.get("model"), dict):
            yield Problem("tokenizer.path", "has a tokenizer.json that describes no tokenizer", self.path)

    def build(self, texts: Iterator[str]) -> PreTrainedTokenizerFast:
        """The tokenizer; `texts` is not read.

        Raises:
            DataError: where the folder has none that can be read.
        """
        from transformers.tokenization_utils_base import VERY_LARGE_INTEGER

        folder = tokenizer_folder(self.path)
        if folder is None:
            raise DataError(f"{self.path} has no tokenizer.json, nor has its model/")
        try:
            tokenizer: PreTrainedTokenizerFast = loader_of(folder).from_pretrained(
                folder, local_files_only=True, clean_up_tokenization_spaces=False, split_special_tokens=True
            )
        except Exception as error:  # the library raises whatever its parser does
            raise DataError(f"{folder}: the tokenizer cannot be read: {error}") from None
        tokenizer.model_max_length = VERY_LARGE_INTEGER  # what another model took
        tokenizer.add_special_tokens(
            {role: token for role, token in SPECIAL_TOKENS.items() if getattr(tokenizer, role) is None}
        )
        return tokenizer
