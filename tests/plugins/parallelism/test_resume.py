"""A run that was saved under any parallelism goes on under any other, on the curve of one process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from selection import asked_for, matrix
from sessions import alone, assert_same, config_tree, lines, together

SAVED = 6
WORDS = [
    "objective=clm",
    "evaluator=[]",
    "regularizer=[early_stopping]",
    "train.steps=12",
    "train.gradient_accumulation=1",
    "train.eval_every=4",
    f"train.save_every={SAVED}",
]
WRITERS = {
    "data": {"name": "data", "processes": 4},
    "sharded": {"name": "sharded", "processes": 4},
    "tensor": {"name": "tensor", "processes": 4},
    "pipeline": {"name": "pipeline", "processes": 4, "order": "gpipe"},
    "hybrid": {"name": "hybrid"},
}
READERS = {
    **{name: {"name": name} for name in ("data", "sharded", "tensor", "pipeline")},
    "hybrid": {"name": "hybrid", "shard": 1, "tensor": 2},
}
CELLS = [(writer, reader) for writer in ("single", *WRITERS) for reader in ("single", *READERS)]
# The writer that cuts tensors and has copies of them, and each way of cutting as a reader.
SAMPLE = [("single", "tensor"), ("hybrid", "single"), ("hybrid", "sharded"), ("hybrid", "pipeline")]
MATRIX = matrix(CELLS, SAMPLE)


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`<writer>/whole`: a run in one process, or in four. `<writer>/<reader>`: the same from its middle on, in one
    process, or in two."""
    home = tmp_path_factory.mktemp("runs")
    tree = config_tree(*WORDS)
    alone(home / "single" / "whole", tree)
    writers = [name for name in asked_for(request, "writer") if name != "single"]
    together(4, {home / name / "whole": tree | {"parallelism": WRITERS[name]} for name in writers}, home)
    cells = asked_for(request, "writer", "reader")
    for writer, reader in cells:
        middle = Path("checkpoints") / f"step-{SAVED:08d}"
        shutil.copytree(home / writer / "whole" / middle, home / writer / reader / middle)
        shutil.copy(home / writer / "whole" / "metrics.jsonl", home / writer / reader)
    for writer, reader in cells:
        if reader == "single":
            alone(home / writer / reader, tree)
    together(2, {home / w / r: tree | {"parallelism": READERS[r]} for w, r in cells if r != "single"}, home)
    return home


@pytest.mark.parametrize("writer", matrix(WRITERS, ["hybrid"]))
def test_four_processes_compute_what_one_does(writer: str, runs: Path) -> None:
    assert_same(runs / writer / "whole", runs / "single" / "whole")


@pytest.mark.parametrize(("writer", "reader"), MATRIX)
def test_goes_on_where_it_was(writer: str, reader: str, runs: Path) -> None:
    assert_same(runs / writer / reader, runs / "single" / "whole")


@pytest.mark.parametrize(("writer", "reader"), MATRIX)
def test_it_went_on(writer: str, reader: str, runs: Path) -> None:
    first, *_ = lines(runs / writer / "whole", "train")
    again, *_ = lines(runs / writer / reader, "train")
    # What was logged before the checkpoint is kept as it is, so that nothing was computed anew.
    assert first == again and lines(runs / writer / reader, "train")[-1]["step"] == 12
