"""Lists as columns of Arrow.

`pyarrow.array` would do the same, but to see whether it is given a column of pandas it imports pandas wherever that is
installed, in every process: half a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow


def text_column(values: Sequence[str]) -> pyarrow.Array:
    """Texts."""
    import pyarrow as pa

    return _column(pa.large_string(), [value.encode() for value in values])


def bytes_column(values: Sequence[bytes]) -> pyarrow.Array:
    """Bytes, of any length each."""
    import pyarrow as pa

    return _column(pa.large_binary(), values)


def number_column(values: Sequence[float], dtype: str) -> pyarrow.Array:
    """Numbers of the type that NumPy and Arrow call `dtype`: int8, int64, float64 ...

    Raises:
        OverflowError: where one is too large for it.
    """
    import numpy as np
    import pyarrow as pa

    kept = np.array(values, dtype=dtype)
    return pa.Array.from_buffers(pa.type_for_alias(dtype), len(kept), [None, pa.py_buffer(kept)])


def _column(kind: Any, values: Sequence[bytes]) -> pyarrow.Array:
    import numpy as np
    import pyarrow as pa

    ends = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, values), np.int64, len(values)), out=ends[1:])
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(values))])
