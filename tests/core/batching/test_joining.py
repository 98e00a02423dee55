"""Parts that were encoded apart are joined as if they had been encoded together, and mixed as was asked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluglm.batching.encode_documents import COPIES
from pluglm.batching.join_tables import join
from pluglm.batching.mixture import copies, passes
from pluglm.batching.packing import TokenAccount
from pluglm.batching.table import ExampleTable, write_table
from pluglm.config.compose import compose
from pluglm.config.problems import mixture_problems
from pluglm.config.settings import MixtureSettings
from pluglm.errors import DataError
from pluglm.planning.contributions import contributions, source_lines

PIECES = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3)), max_size=8)


def parts_of(folder: Path, parts: list[list[tuple[int, int]]], mixed: bool) -> tuple[list[Path], list[Any]]:
    number, paths = 0, list[Path]()
    given: list[Any] = []
    for place, part in enumerate(parts):
        rows = []
        for length, count in part:
            row: dict[str, Any] = {
                "input_ids": list(range(number, number + length)),
                "label": len(given),
                "weight": 1.0,
            }
            number += length
            given.append((row["input_ids"], row["label"], count if mixed else 1))
            rows.append(row | ({COPIES: count} if mixed else {}))
        paths.append(folder / f"part-{place}")
        write_table(paths[-1], rows)
    return paths, given


@given(st.lists(PIECES, max_size=4), st.booleans())
def test_examples_are_joined(tmp_path_factory: pytest.TempPathFactory, parts: Any, mixed: bool) -> None:
    folder = tmp_path_factory.mktemp("join")
    paths, given = parts_of(folder, parts, mixed)
    tokens = sum(len(ids) for ids, _, _ in given)
    account = TokenAccount(tokens_in=tokens, tokens_used=tokens)
    count = join(paths, folder / "whole", 4, False, account)
    table = ExampleTable(folder / "whole")
    found = [(table[n]["input_ids"].tolist(), table[n]["label"]) for n in range(len(table))]
    # Everything once, then what is seen again, so that nothing stands beside itself.
    expected = [(ids, label) for taken in range(3) for ids, label, times in given if times > taken]
    assert found == expected and count == len(expected) == account.examples
    assert account.tokens_in + account.repeated == account.tokens_used + account.dropped.total() + account.padding


@given(st.lists(PIECES, max_size=4), st.booleans(), st.integers(2, 9))
def test_blocks_are_joined(tmp_path_factory: pytest.TempPathFactory, parts: Any, mixed: bool, length: int) -> None:
    folder = tmp_path_factory.mktemp("join")
    paths, given = parts_of(folder, parts, mixed)
    account = TokenAccount(tokens_in=sum(len(ids) for ids, _, _ in given))
    join(paths, folder / "whole", length, True, account)
    table = ExampleTable(folder / "whole")
    found = [token for n in range(len(table)) for token in table[n]["input_ids"].tolist()]
    stream = [token for taken in range(3) for ids, _, times in given if times > taken for token in ids]
    assert found == stream[: len(stream) // length * length]
    assert account.tokens_in + account.repeated == account.tokens_used + account.dropped.total() + account.padding


SIZES = {"books": {"documents": 10, "tokens": 8000}, "web": {"documents": 90, "tokens": 2000}}


def test_passes_follow_the_formula() -> None:
    assert passes(MixtureSettings(), SIZES) == {"books": 1.0, "web": 1.0}
    assert passes(MixtureSettings(epochs={"web": 2.5}), SIZES) == {"books": 1.0, "web": 2.5}
    half = passes(MixtureSettings(weights={"books": 1, "web": 1}), SIZES)
    assert half == {"books": 5000 / 8000, "web": 5000 / 2000}
    documents = passes(MixtureSettings(weights={"books": 3, "web": 1}, unit="documents"), SIZES)
    assert documents == {"books": pytest.approx(7.5), "web": pytest.approx(25 / 90)}
    hot = passes(MixtureSettings(temperature=2.0), SIZES)
    shares = {name: hot[name] * SIZES[name]["tokens"] / 10_000 for name in SIZES}
    root = {name: SIZES[name]["tokens"] ** 0.5 for name in SIZES}
    assert shares == {name: pytest.approx(root[name] / sum(root.values())) for name in SIZES}


def test_a_weight_for_what_has_no_document_left() -> None:
    settings = MixtureSettings(weights={"books": 1, "web": 0})
    with pytest.raises(DataError, match=r"data\.mixture\.weights.*web"):
        passes(settings, {"web": SIZES["web"]})


def test_copies_are_as_many_as_the_passes_say() -> None:
    counted = Counter(copies(1.3, "web", str(n), seed=0) for n in range(20_000))
    assert set(counted) == {1, 2} and 0.28 < counted[2] / 20_000 < 0.32
    assert copies(0.0, "web", "a", 0) == 0 and copies(3.0, "web", "a", 0) == 3


def test_contributions_are_told() -> None:
    account = {"sources": {name: {**counts, "passes": 1.0 + (name == "web")} for name, counts in SIZES.items()}}
    found = contributions(account, epochs=3.0)
    assert found["web"]["share"] == pytest.approx(4000 / 12_000) and found["web"]["repeats"] == 6.0
    assert found["books"]["trained_tokens"] == 24_000
    assert any("33.3% of a pass" in line and "each 6 times" in line for line in source_lines(found))
    assert source_lines({"one": {**SIZES["web"], "passes": 1.0, "share": 1.0}}) == []


def test_a_mixture_of_unknown_sources_is_a_mistake() -> None:
    given = ["source=[generated_reviews,python_library]"]
    config = compose([*given, "data.mixture.weights={generated_reviews:1,python_library:2}"])
    assert list(mixture_problems(config)) == []
    from pluglm.errors import ConfigError

    for wrong, said in (
        ("data.mixture.epochs={books:1}", "data.mixture.epochs.books: is no source of this run"),
        ("data.mixture.weights={python_library:1}", "has no share for source generated_reviews"),
        ("data.mixture.epochs={generated_reviews:0,python_library:0}", "leaves no source to train on"),
        ("data.mixture.temperature=0.5", "data.mixture.temperature"),
        ("data.mixture={temperature:2,epochs:{python_library:2}}", "set only one of"),
        ("data.mixture.weight={python_library:2}", "data.mixture"),
    ):
        with pytest.raises(ConfigError) as caught:
            compose([*given, wrong])
        assert said in str(caught.value), str(caught.value)
