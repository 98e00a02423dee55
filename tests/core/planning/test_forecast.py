"""What a plan says, and what making it does not do."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pluglm.batching.examples import prepare_examples
from pluglm.config.compose import compose
from pluglm.config.identity import NOT_COMPUTED
from pluglm.config.recipe_search import recipes
from pluglm.config.run_config import RunConfig
from pluglm.corpus.prepared import corpus_key, prepare_corpus
from pluglm.errors import ConfigError
from pluglm.planning.forecast import forecast
from pluglm.planning.material import material_of
from pluglm.planning.memory import growth
from pluglm.planning.price import carbon_kg, cost_of, energy_kwh
from pluglm.planning.rehearsal import rehearsal
from pluglm.planning.scaling_laws import effective_tokens, optimal
from pluglm.planning.storage_estimate import storage_of
from pluglm.progress import Progress

Small = Callable[..., RunConfig]


def test_nothing_is_prepared_or_allocated(tmp_path: Path) -> None:
    import psutil

    words = ["model.size=1b", "data.sequence_length=64", "train.batch_size=1", f"data.cache_dir={tmp_path}"]
    forecast(compose([*words, "model.size=nano"]))
    before = psutil.Process().memory_info().rss
    plan = forecast(compose([*words, "model.num_layers=1"]))
    assert plan["memory_bytes"]["weights"] > 200e6
    assert psutil.Process().memory_info().rss - before < 100e6
    assert not (tmp_path / "corpora").exists() and not (tmp_path / "examples").exists()
    assert any("not prepared" in note for note in plan["notes"])


def test_what_is_in_the_cache_is_counted(small: Small) -> None:
    config = small("train.steps=null", "train.epochs=2", "data.packing=false")
    guessed = forecast(config)
    assert guessed["unique_tokens"] is None and "not known" in " ".join(guessed["notes"])
    corpus = prepare_corpus(config, Progress(quiet=True))
    examples = prepare_examples(config, corpus, Progress(quiet=True))
    plan = forecast(config)
    used = int(examples.train.lengths().sum())
    assert plan["unique_tokens"] == used and plan["tokens_from"] == "the examples in the cache"
    assert plan["steps"] == math.ceil(2 * len(examples.train) / 4)
    assert plan["tokens"] == pytest.approx(2 * used, rel=0.05)
    # Padded to the longest of each micro-batch: more than the tokens alone would take, less than full examples would.
    assert plan["flops"] < plan["flops_per_step"] * plan["steps"]
    assert sum(counts["tokens"] for counts in plan["sources"].values()) > 0


def test_the_size_of_the_input_tells_the_tokens(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("word " * 20_000)
    words = ["source=[text_files]", f"source.text_files.paths=[{tmp_path}/text.txt]", "tokenizer=byte"]
    words += ["data.validation_fraction=0.1", "train.steps=null", "train.epochs=3", f"data.cache_dir={tmp_path}/cache"]
    plan = forecast(compose([*words, "data.sequence_length=50", "train.batch_size=10", "model.size=nano"]))
    assert plan["unique_tokens"] == 90_000 and plan["steps"] == 3 * 90_000 / 500


@pytest.mark.parametrize("words", [[], ["train.recompute_activations=true"], ["model.architecture=gpt2"]])
def test_activations_are_what_autograd_keeps(small: Small, words: list[str]) -> None:
    config = small("objective.loss_chunk=0", "train.batch_size=8", "data.sequence_length=64", *words)
    material = material_of(config)
    batch = material.batch(8, 64)
    with rehearsal(config, material.tokenizer, material.fitted, [batch], material.documents, 5) as rehearsed:
        planned = rehearsed.run(batch).activations
    from pluglm.training.recomputation import recompute_activations

    model = config.model.build(config.objective.head, material.tokenizer, 64, {}).train()
    if config.train.recompute_activations:
        recompute_activations(model)
    kept: dict[int, int] = {}
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        losses = config.objective.loss(model, batch)
    assert planned == pytest.approx(sum(kept.values()), rel=0.1), losses


@pytest.mark.parametrize(
    ("optimizer", "numbers"), [("adamw", 2), ("lion", 1), ("sgd", 0), ("sgd optimizer.momentum=0.9", 1)]
)
def test_weights_gradients_and_optimizer(plan: Callable[..., dict[str, Any]], optimizer: str, numbers: int) -> None:
    found = plan(*f"optimizer={optimizer}".split())
    count, memory = found["parameters"]["all"], found["memory_bytes"]
    assert (memory["weights"], memory["gradients"]) == (4 * count, 4 * count)
    assert memory["optimizer"] == pytest.approx(4 * count * numbers, abs=200)
    assert found["peak_bytes"] > sum(memory[name] for name in ("weights", "optimizer", "activations", "process"))


def test_blocks_lie_in_free_places_that_hold_them() -> None:
    assert growth([10, 20], []) == 30
    assert growth([10, 20], [21, 11]) == 0
    assert growth([10, 20], [20, 10]) == 20  # a block needs a little more than its own size
    assert growth([10, 10], [25]) == 0 and growth([30], [25, 25]) == 30


def test_a_run_takes_what_was_planned(tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["experiment=smoke", f"output.folder={out}", f"data.cache_dir={tmp_path / 'cache'}", "evaluator=[]"]
    words += ["train.threads=1", "train.steps=6", "train.save_every=3", "--quiet"]
    done = subprocess.run([sys.executable, "-m", "pluglm", "train", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    plan = json.loads((out / "plan.json").read_text())
    measured = plan["measured"]
    assert plan["parameters"]["all"] == measured["parameters"]
    assert plan["flops_of_a_step"] == plan["flops_per_step"] == measured["flops_of_a_step"]
    assert sum(plan["storage_bytes"].values()) == pytest.approx(measured["storage_bytes"], rel=0.05)
    assert plan["peak_bytes"] == pytest.approx(measured["peak_memory_bytes"], rel=0.1)


def test_only_the_newest_checkpoints_are_kept(small: Small) -> None:
    def checkpoints(*words: str) -> float:
        found = storage_of(small(*words), 100, 4_000_000, 8_000_000, 10, 300)
        return found["checkpoints"] / 12_000_000

    assert checkpoints("train.save_every=0") == pytest.approx(1, rel=0.01)
    assert checkpoints("train.save_every=10", "train.keep_checkpoints=3") == pytest.approx(3, rel=0.01)
    assert checkpoints("train.save_every=60", "train.keep_checkpoints=3") == pytest.approx(2, rel=0.01)


# Hoffmann et al. 2022, table 3: parameters, operations, tokens.
@pytest.mark.parametrize(
    ("parameters", "operations", "tokens"),
    [(1e9, 1.21e20, 20.2e9), (10e9, 1.23e22, 205.1e9), (67e9, 5.76e23, 1.5e12), (175e9, 3.85e24, 3.7e12)],
)
def test_the_best_size_is_the_papers(parameters: float, operations: float, tokens: float) -> None:
    found, needed = optimal(operations)
    assert found == pytest.approx(parameters, rel=0.05) and needed == pytest.approx(tokens, rel=0.08)


def test_repeated_text_is_worth_less() -> None:
    # Muennighoff et al. 2023: up to 4 epochs nearly as good as new text; of 44 little is left of the last ones.
    assert effective_tokens(100, 0.5) == 50 and effective_tokens(100, 1) == 100
    assert effective_tokens(100, 4) == pytest.approx(100 + 100 * 15.39 * (1 - math.exp(-3 / 15.39)))
    assert effective_tokens(100, 4) / 400 > 0.93 and effective_tokens(100, 44) / 4400 < 0.4
    assert effective_tokens(100, 1e9) == pytest.approx(100 * (1 + 15.39))


def test_every_figure_of_hardware_has_a_source() -> None:
    names = recipes("hardware")
    assert {"this_machine", "a100_40gb", "a100_80gb", "h100", "h200", "mi300x", "tpu_v4", "l4", "rtx_4090"} <= set(
        names
    )
    for name in names:
        hardware = compose([f"hardware={name}"]).hardware
        assert hardware.name == name
        if name != "this_machine":
            assert hardware.peak_flops and hardware.memory_gb and hardware.source and hardware.utilisation_source, name
            priced = (hardware.price_per_hour, hardware.price_date, hardware.price_source)
            assert all(priced) or not any(priced), name


def test_unknown_hardware_and_a_users_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="hardware=h1000: no such hardware; did you mean 'h100'"):
        compose(["hardware=h1000"])
    with pytest.raises(ConfigError, match="hardware has no such key; did you mean 'count'"):
        compose(["hardware=h100", "hardware.cuont=4"])
    (tmp_path / "hardware").mkdir()
    (tmp_path / "hardware" / "mine.yaml").write_text("name: mine\npeak_flops: {fp32: 2.0e+12}\nmemory_gb: 10\n")
    assert compose(["hardware=mine"], tmp_path).hardware.peak_flops == {"fp32": 2e12}


def test_money_energy_and_carbon(small: Small) -> None:
    words = ["hardware=h100", "hardware.count=4", "hardware.price_per_hour=2", "plan.storage_price=0.1"]
    words += ["plan.engineer_hours=3", "plan.engineer_rate=50", "plan.power_usage_effectiveness=1.5"]
    config = small(*words, "plan.carbon_intensity=100")
    cost = cost_of(config, 7200, 10**10)
    assert cost is not None and cost["parts"] == {"hardware": 16, "engineers": 150, "storage": 1}
    assert cost["amount"] == 167 and cost["priced"] == "2026-09-20"
    energy = energy_kwh(config, 7200)
    assert energy == pytest.approx(0.7 * 4 * 1.5 * 2) and carbon_kg(config, 84) == pytest.approx(8.4)
    assert cost_of(small(), 7200, 10**10) is None and energy_kwh(small(), 10) is None


def test_time_is_operations_by_speed(small: Small) -> None:
    plan = forecast(small("hardware=h100", "hardware.count=2", "train.precision=bf16", "plan.utilisation=0.5"))
    assert plan["seconds"] == pytest.approx(plan["flops"] / (989.4e12 * 0.5 * 2), abs=0.01)
    unknown = forecast(small("hardware=tpu_v5e"))
    assert unknown["seconds"] is None and any("fp32 is not known" in note for note in unknown["notes"])


def test_what_fits_and_what_would(small: Small) -> None:
    big = ["model.hidden_size=64", "train.batch_size=8", "hardware=h100", "hardware.count=4"]
    found = forecast(small(*big), whole=True)["parallelism"]
    by_name = {words.split()[0].partition("=")[2]: entry for words, entry in found.items()}
    assert by_name["data"]["fits"] and by_name["sharded"]["fits"] and by_name["tensor"]["fits"]
    assert by_name["sharded"]["bytes"] < by_name["data"]["bytes"]
    assert "blocks" in by_name["pipeline"]["reason"] and not by_name["pipeline"]["fits"]
    plan = forecast(small(*big, "hardware.count=3"), whole=True)
    reasons = {words.split()[0]: entry["reason"] for words, entry in plan["parallelism"].items()}
    assert "cannot be divided over 3" in reasons["parallelism=tensor"]
    tight = forecast(small("train.batch_size=64", "hardware=h100", "hardware.memory_gb=1.01"), whole=True)
    assert "needs" in tight["parallelism"]["parallelism=single"]["reason"]
    assert tight["advice"].startswith("train.batch_size=") and "gradient_accumulation=" in tight["advice"]


def test_what_is_planned_for_changes_nothing_of_the_run(small: Small) -> None:
    one, other = small(), small("hardware=h100", "hardware.count=8", "plan.engineer_hours=9")
    assert corpus_key(one, []) == corpus_key(other, [])
    changed = {key for key in ("hardware.count", "plan.engineer_hours") if key.startswith(NOT_COMPUTED)}
    assert changed == {"hardware.count", "plan.engineer_hours"}


def test_the_command_tries_steps(small: Small, tmp_path: Path) -> None:
    from pluglm.lifecycle.timed_plan import tried

    plan = tried(small("plan.probe=4", "train.steps=40"), quiet=True)
    assert plan["seconds"] > 0 and "4 steps that were tried" in plan["hardware"]["speed_from"]
    assert forecast(small("train.steps=40"))["hardware"]["speed_from"].startswith("an earlier run")
    with pytest.raises(ConfigError, match="trains on this machine"):
        tried(small("plan.probe=4", "hardware=h100"), quiet=True)


def test_a_plan_that_cannot_be_made_stops_no_run(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    from pluglm.lifecycle import plan_or_reason as unplanned
    from pluglm.lifecycle.assemble import prepare_parts
    from pluglm.planning.lines import plan_lines

    config = small()
    corpus = prepare_corpus(config, Progress(quiet=True))
    parts = prepare_parts(config, corpus, prepare_examples(config, corpus, Progress(quiet=True)), print)
    whole = unplanned.plan_or_reason(parts)
    assert whole["flops_exact"] and "memory" in " ".join(plan_lines(whole))

    def fails(*arguments: object) -> None:
        raise RuntimeError("a number was needed")

    monkeypatch.setattr(unplanned, "forecast", fails)
    plan = unplanned.plan_or_reason(parts)
    assert (plan["steps"], plan["tokens"]) == (whole["steps"], whole["tokens"])
    assert plan["parameters"]["all"] == whole["parameters"]["all"]
    assert "a number was needed" in plan_lines(plan)[-1]
