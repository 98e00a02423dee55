"""Settings of training, in whole runs of a few seconds."""

from __future__ import annotations

import json
import math
import re
from functools import partialmethod
from pathlib import Path

import psutil
import pytest
import torch
import yaml
from selection import matrix
from small_runs import digests, metrics, train, weights

from pluglm.errors import ConfigError, Diverged
from pluglm.lifecycle import auto_settings
from pluglm.lifecycle.run import run
from pluglm.runs.folder import read_config
from pluglm.training import precision


def lines(folder: Path, kind: str) -> list[dict[str, float]]:
    return [line for line in metrics(folder) if line["kind"] == kind]


@pytest.mark.parametrize(("speeds", "chosen"), [((100.0, 300.0), "bf16"), ((100.0, 110.0), "fp32")])
def test_auto_precision_is_what_is_clearly_faster(
    speeds: tuple[float, float], chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGLM_CACHE", str(tmp_path / "cache"))
    asked: list[str] = []

    def speed(dtype: object, device: object) -> float:
        asked.append(str(dtype))
        return 1e9 * speeds["bfloat16" in str(dtype)]

    monkeypatch.setattr(precision, "matmul_speed", speed)
    folder = train(tmp_path / "run", "train.precision=auto", "train.steps=2")
    assert yaml.safe_load((folder / "config.yaml").read_text())["train"]["precision"] == chosen
    notes = json.loads((folder / "results.json").read_text())["notes"]
    assert [note for note in notes if note.startswith(f"train.precision=auto: {chosen}")]
    train(tmp_path / "again", "train.precision=auto", "train.steps=2")
    assert len(asked) == 2, "measured again on the same machine"


def test_bf16_is_near_fp32_and_not_the_same(tmp_path: Path) -> None:
    exact, rough = (lines(train(tmp_path / p, f"train.precision={p}"), "train")[-1] for p in ("fp32", "bf16"))
    assert exact["loss"] != rough["loss"] and rough["loss"] == pytest.approx(exact["loss"], rel=0.02)


def test_fp16_skips_steps_that_overflow_and_says_so(tmp_path: Path) -> None:
    folder = train(tmp_path / "run", "train.precision=fp16", "train.loss_scale=1e10")
    skipped = lines(folder, "skipped")
    assert skipped and [line["loss_scale"] for line in skipped] == [1e10 / 2 ** (n + 1) for n in range(len(skipped))]
    results = json.loads((folder / "results.json").read_text())
    assert any(note.startswith(f"{len(skipped)} steps moved no weight") for note in results["notes"])
    plain = train(tmp_path / "plain", "train.precision=fp16", "train.loss_scale=1024")
    assert not lines(plain, "skipped")
    exact = train(tmp_path / "exact")
    assert lines(plain, "train")[-1]["loss"] == pytest.approx(lines(exact, "train")[-1]["loss"], rel=0.02)


def test_a_resumed_fp16_run_ends_with_the_same_bytes(tmp_path: Path) -> None:
    words = ["train.precision=fp16", "train.loss_scale=1e9"]
    whole = train(tmp_path / "whole", *words)
    part = train(tmp_path / "part", *words)
    for path in (part / "checkpoints").iterdir():
        if path.name > "step-00000009":
            for file in path.iterdir():
                file.unlink()
            path.rmdir()
    run(read_config(part), part, quiet=True, resume=True)
    assert digests(whole / "model") == digests(part / "model") and metrics(whole) == metrics(part)


def test_divergence_names_step_documents_and_checkpoint(tmp_path: Path) -> None:
    words = ["optimizer=sgd", "optimizer.lr=1e4", "schedule.warmup=6", "train.max_grad_norm=null"]
    with pytest.raises(Diverged) as told:
        train(tmp_path / "run", *words)
    said = str(told.value)
    step = int(re.findall(r"at step (\d+)", said)[0])
    assert "\n" not in said and "optimizer.lr" in said and re.search(r"its documents: review-\d+, ", said)
    assert f"{tmp_path / 'run' / 'checkpoints'}/step-{(step - 1) // 3 * 3:08d}" in said or step <= 3


def test_an_exploding_loss_ends_training(tmp_path: Path) -> None:
    words = ["optimizer=sgd", "optimizer.lr=30", "schedule.warmup=0", "train.max_grad_norm=null"]
    with pytest.raises(Diverged, match=r"times the first .train.max_loss_ratio=1.01"):
        train(tmp_path / "run", *words, "train.max_loss_ratio=1.01")


def test_batches_made_ahead_are_the_same(tmp_path: Path) -> None:
    words = ["objective=mlm", "regularizer=[dropout]", "train.gradient_accumulation=2"]
    here = train(tmp_path / "here", *words)
    ahead = train(tmp_path / "ahead", *words, "train.loader_workers=2")
    assert metrics(here) == metrics(ahead)
    assert all(torch.equal(tensor, weights(ahead)[name]) for name, tensor in weights(here).items())


def test_the_largest_batch_that_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        available = 40_000_000

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    # Each doubling is worth it, and a pass may take a single step: memory alone decides.
    monkeypatch.setattr(auto_settings, "examples_per_second", lambda module, loader, accelerator, size: float(size))
    monkeypatch.setattr(auto_settings, "LEAST_STEPS", 1)
    folder = train(tmp_path / "run", "train.batch_size=auto", "train.steps=2")
    size = yaml.safe_load((folder / "config.yaml").read_text())["train"]["batch_size"]
    notes = json.loads((folder / "results.json").read_text())["notes"]
    (each,) = (float(found) for note in notes for found in re.findall(r"an example takes ([\d.]+) MB", note))
    assert size & (size - 1) == 0 and size > 1
    assert size * each < 28 < 2.2 * size * each + 4
    Memory.available = 1000
    with pytest.raises(Exception, match="choose a smaller model"):
        train(tmp_path / "none", "train.batch_size=auto", "train.steps=2")


@pytest.mark.parametrize(
    ("rates", "most", "chosen"),
    [
        ([100, 190, 300, 310, 315, 316], 32, 4),  # doublings that gain less than a tenth are not worth it
        ([100, 101, 190, 300], 8, 8),  # one that gains nothing may be chance
        ([100, 200, 400, 800], 2, 2),  # no more than there is memory, or a share of a pass, for
        ([100, 50, 25, 12], 8, 1),
    ],
)
def test_a_batch_grows_as_long_as_it_is_worth_it(rates: list[int], most: int, chosen: int) -> None:
    assert auto_settings.worthwhile(most, lambda size: float(rates[size.bit_length() - 1]))[0] == chosen


def test_a_batch_is_a_small_share_of_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto_settings, "examples_per_second", lambda module, loader, accelerator, size: float(size))
    folder = train(tmp_path / "run", "train.batch_size=auto", "train.steps=2")
    size = yaml.safe_load((folder / "config.yaml").read_text())["train"]["batch_size"]
    examples = json.loads((folder / "ledger.json").read_text())["tokens"]["train"]["examples"]
    assert size * auto_settings.LEAST_STEPS <= examples


def test_warm_ups_of_batch_and_length(tmp_path: Path) -> None:
    words = ["train.batch_size=8", "train.steps=12", "train.log_every=1"]
    plain = lines(train(tmp_path / "plain", *words), "train")
    nothing: dict[str, float] = {"tokens": 0}
    grown = lines(train(tmp_path / "grown", *words, "train.batch_size_warmup=7"), "train")
    taken = [b["tokens"] - a["tokens"] for a, b in zip([nothing, *grown], grown, strict=False)]
    assert taken == [32 * n for n in [1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8]]
    longer = lines(train(tmp_path / "longer", *words, "train.sequence_length_warmup=0.5"), "train")
    assert [line["tokens"] for line in longer] == [line["tokens"] for line in plain]
    assert longer[0]["loss"] != plain[0]["loss"]
    with pytest.raises(ConfigError, match=r"train.sequence_length_warmup=3.0: is for blocks"):
        train(tmp_path / "no", *words, "train.sequence_length_warmup=3", "data.packing=false")


@pytest.mark.parametrize("backend", matrix(["inductor", "eager"], ["eager"]))
def test_compiled_layers_compute_the_same(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code that torch generates, or only the graphs that it would be generated from."""
    monkeypatch.setattr(torch.nn.Module, "compile", partialmethod(torch.nn.Module.compile, backend=backend))
    words = ["train.steps=4", "train.log_every=1"]
    plain, compiled = (train(tmp_path / name, *words, f"train.compile={name}") for name in ("false", "true"))
    for a, b in zip(lines(plain, "train"), lines(compiled, "train"), strict=True):
        assert a["loss"] == pytest.approx(b["loss"], abs=1e-4)


def test_update_ratio_and_noise_scale_are_logged(tmp_path: Path) -> None:
    words = ["optimizer=sgd", "optimizer.lr=0.1", "schedule=constant", "schedule.warmup=0", "train.log_every=1"]
    first = lines(train(tmp_path / "run", *words, "train.gradient_accumulation=4", "train.max_grad_norm=null"), "train")
    # Plain gradient descent moves the weights by lr * gradient, and their norm hardly changes.
    ratios = [line["update_ratio"] / (0.1 * line["grad_norm"]) for line in first]
    assert max(ratios) / min(ratios) == pytest.approx(1, abs=0.02)
    assert any("noise_scale" in line and math.isfinite(line["noise_scale"]) for line in first)
