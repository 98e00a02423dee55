"""A layer does to documents what its station did, and is whole or absent."""

from __future__ import annotations

from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from pluglm import Document
from pluglm.corpus.layers import ADDED, CHANGED, GONE, Layer, LayerStore, first_layer
from pluglm.corpus.ledger import Account
from pluglm.corpus.tasks import read_documents, write_documents

ODD = [
    Document("a\nb\u2028c", id="1", source="s", fields={"label": "x", "n": 3}, media={"p": b"\x00\xff"}, weight=0.5),
    Document("", id="2", metadata={"k": [1, {"z": None}]}),
    Document("\x00 日本 😀", id="3", fields={"answers": ["a", "b"]}),
]


@given(st.lists(st.sampled_from(["keep", "drop", "change", "copy", "copies"]), max_size=12))
def test_documents_leave_as_the_rows_say(fates: list[str]) -> None:
    documents = [Document(str(n), id=str(n)) for n in range(len(fates))]
    layer, expected = Layer(), []
    for place, fate in enumerate(fates):
        if fate == "drop":
            layer.rows.append((place, GONE, None))
        elif fate == "change":
            layer.rows.append((place, CHANGED, Document(f"changed {place}")))
            expected.append(f"changed {place}")
        else:
            expected.append(str(place))
            for copy in range({"keep": 0, "copy": 1, "copies": 2}[fate]):
                layer.rows.append((place, ADDED, Document(f"copy {copy} of {place}")))
                expected.append(f"copy {copy} of {place}")
    assert [document.text for document in layer.apply(documents)] == expected


def test_documents_come_back_as_they_were(tmp_path: Path) -> None:
    write_documents(tmp_path / "d.parquet", ODD)
    assert list(read_documents(tmp_path / "d.parquet")) == ODD
    store = LayerStore(tmp_path / "store")
    store.write("k", first_layer(ODD), Account("source.s", read=3, kept=3))
    found = store.read("k")
    assert found is not None and found[0].apply([]) == ODD and found[1].kept == 3
    store.write("nothing", Layer(), Account("preprocessor.p"))
    assert not (tmp_path / "store" / "nothing.arrow").exists() and store.read("nothing") is not None


def test_what_was_damaged_is_not_taken(tmp_path: Path) -> None:
    store = LayerStore(tmp_path)
    store.write("k", first_layer(ODD * 50), Account("source.s"))
    arrow, account = tmp_path / "k.arrow", tmp_path / "k.json"
    whole, random = arrow.read_bytes(), Random(0)
    for _ in range(60):
        broken = bytearray(whole)
        if random.random() < 0.5:
            del broken[random.randrange(len(broken)) :]
        else:
            broken[random.randrange(len(broken))] ^= 1 << random.randrange(8)
        arrow.write_bytes(broken)
        assert store.read("k") is None
    arrow.write_bytes(whole)
    assert store.read("k") is not None
    arrow.unlink()
    assert store.read("k") is None
    store.write("k", first_layer(ODD * 50), Account("source.s"))
    said = account.read_bytes()
    for place in random.sample(range(len(said)), 40):
        account.write_bytes(said[:place] + bytes([said[place] ^ 1 << random.randrange(7)]) + said[place + 1 :])
        assert store.read("k") is None and store.entry("k") is None
    account.write_bytes(said[:-20])
    assert store.read("k") is None and store.entry("k") is None
