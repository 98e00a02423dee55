"""A logistic regression over hashed words, learnt from labelled texts and kept as plain numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm_preprocessors.words.shingling import hashes, multipliers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BITS = 18
KIND = f"polynomial_words_{BITS}"
"""Of how words are hashed, without which weights mean nothing."""


def features(text: str) -> NDArray[np.uint64]:
    """(n,) the distinct places below 2^18 of the text's words and pairs of words."""
    import numpy as np

    words = hashes(text, "word")
    pairs = np.correlate(words, multipliers(2), "valid") if len(words) > 1 else words[:0]
    return np.unique(np.concatenate((words * multipliers(1)[0], pairs)) >> np.uint64(64 - BITS))


@dataclass(frozen=True, eq=False, slots=True)
class Classifier:
    """Weights (2^18,) and a bias; a text's score is the sigmoid of the sum of its features' weights, over the square
    root of their number."""

    weights: NDArray[np.float32]
    bias: float

    def score(self, text: str) -> float:
        """The probability that a text is harmful, from 0 to 1."""
        found = features(text)
        total = self.bias + float(self.weights[found].sum()) / math.sqrt(max(1, len(found)))
        return 1 / (1 + math.exp(-max(-500.0, min(500.0, total))))

    @classmethod
    def fit(cls, texts: Sequence[str], labels: Sequence[bool]) -> Classifier:
        """Learnt from texts of both labels, which count the same however many there are of each.

        Raises:
            ValueError: where all labels are the same.
        """
        import numpy as np
        from scipy.sparse import csr_matrix
        from sklearn.linear_model import LogisticRegression

        if len(set(labels)) < 2:
            raise ValueError("has texts of one label only")
        rows = [features(text) for text in texts]
        ends = np.cumsum([0, *map(len, rows)])
        values = np.concatenate([np.full(len(row), 1 / math.sqrt(max(1, len(row)))) for row in rows])
        columns = np.concatenate(rows).astype(np.int64)
        matrix = csr_matrix((values, columns, ends), shape=(len(rows), 2**BITS))
        model = LogisticRegression(C=10.0, class_weight="balanced", max_iter=300).fit(matrix, np.asarray(labels))
        return cls(model.coef_[0].astype(np.float32), float(model.intercept_[0]))

    def save(self, path: Path) -> None:
        """Write it as a safetensors file."""
        import numpy as np
        from safetensors.numpy import save_file

        save_file({"weights": self.weights, "bias": np.array([self.bias])}, path, {"kind": KIND})

    @classmethod
    def load(cls, path: Path) -> Classifier:
        """Read what `save` wrote.

        Raises:
            ValueError: where the file is something else.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "numpy") as file:
                if (file.metadata() or {}).get("kind") != KIND:
                    raise ValueError("is no classifier that Classifier.save wrote")
                return cls(file.get_tensor("weights"), float(file.get_tensor("bias")[0]))
        except SafetensorError as error:
            raise ValueError(f"is no safetensors file: {error}") from None


def labelled(path: Path) -> tuple[list[str], list[bool]]:
    """The texts of a file of JSON lines with `text` and `label`, which is 0 or 1, true or false.

    Raises:
        ValueError: for a line that is something else, naming it.
    """
    texts, labels = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record: Any = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        text = record.get("text") if isinstance(record, dict) else None
        if not isinstance(text, str) or record.get("label") not in (0, 1):
            raise ValueError(f"line {number}: needs a text, and a label of 0 or 1")
        texts.append(text)
        labels.append(bool(record["label"]))
    return texts, labels


def check(path: Path) -> None:
    """See whether a classifier can be had from a file, without learning it.

    Raises:
        OSError: where it cannot be read.
        ValueError: where it is neither a saved one nor labelled texts of both kinds.
    """
    if path.suffix == ".safetensors":
        Classifier.load(path)
    elif len(set(labelled(path)[1])) < 2:
        raise ValueError("has texts of one label only")


@lru_cache(maxsize=4)
def classifier(path: str) -> Classifier:
    """That of a safetensors file, or one learnt from a labelled file.

    Raises:
        OSError: where it cannot be read.
        ValueError: where it is neither.
    """
    file = Path(path)
    return Classifier.load(file) if file.suffix == ".safetensors" else Classifier.fit(*labelled(file))
