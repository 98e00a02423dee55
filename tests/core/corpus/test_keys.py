"""Keys on disk are the keys that were written, in all the ways to get at them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluglm.corpus.keys import KeyList, StoredKeys, write_keys

SINGLE = [st.binary(max_size=20), st.text(max_size=10), st.integers(-(2**63), 2**63 - 1)]


@given(st.data())
def test_keys_come_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(SINGLE), min_size=1, max_size=3))
    each: Any = kinds[0] if len(kinds) == 1 else st.tuples(*kinds)
    parts = data.draw(st.lists(st.lists(each, max_size=6), max_size=4))
    folder = tmp_path_factory.mktemp("keys")
    for number, part in enumerate(parts):
        write_keys(folder / str(number), part)
    stored = StoredKeys([folder / str(number) for number in range(len(parts))], [len(part) for part in parts])
    whole = KeyList(key for part in parts for key in part)
    assert list(stored) == whole == list(stored) and len(stored) == len(whole)
    assert [stored[number] for number in reversed(range(len(whole)))] == whole[::-1]
    if len(kinds) > 1:
        for number in range(len(kinds)):
            assert list(stored.part(number)) == list(whole.part(number))
    with pytest.raises(IndexError):
        stored[len(whole)]
