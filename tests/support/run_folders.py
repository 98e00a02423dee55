"""Run folders as a run writes them, made by hand: one with everything, one with next to nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import yaml

HOSTILE = "<script>alert('x')</script> & <img src=x onerror=alert(1)>"


def _score(
    evaluator: str, name: str, value: float, low: float | None = None, high: float | None = None, **more: Any
) -> dict[str, Any]:
    plain = {"n": 0, "better": "", "meaning": "", "baseline": False}
    return {"evaluator": evaluator, "name": name, "value": value, "low": low, "high": high, **plain, **more}


def _station(name: str, read: int, kept: int, **more: Any) -> dict[str, Any]:
    empty = {"dropped": {}, "quarantined": {}, "samples": [], "dropped_samples": [], "changed": 0, "added": 0}
    characters = {"characters_in": read * 1200, "characters_out": kept * 1180}
    return {"station": name, "read": read, "kept": kept, **empty, **characters, **more}


def config(lr: float = 0.001) -> dict[str, Any]:
    return {
        "name": "stories <small>",
        "seed": 7,
        "train": {"steps": 600, "batch_size": 16, "epochs": None},
        "data": {"sequence_length": 256, "cache_dir": None},
        "output": {"dir": "outputs", "folder": None},
        "launch": {"processes": None, "restarts": 0},
        "source": {"shelf": {"name": "shelf", "path": "/somewhere/private/books", "weight": 1.0}},
        "preprocessor": {
            "tidy": {"name": "tidy", "fields": ["text"]},
            "digits": {"name": "pattern", "pattern": "a|b", "replacement": "<0>"},
        },
        "augmenter": {"swap": {"name": "swap", "copies": 1}},
        "tokenizer": {"name": "pairs", "vocab_size": 4096},
        "model": {"name": "decoder", "size": "nano"},
        "objective": {"name": "next_token"},
        "optimizer": {"name": "descent", "lr": lr},
        "schedule": {"name": "falling", "warmup": 0.05},
        "regularizer": {},
        "debiaser": {"swapper": {"name": "swapper"}, "projector": {"name": "projector"}},
        "compressor": {"fewer_bits": {"name": "fewer_bits", "bits": 8}},
        "evaluator": {"fit": {"name": "fit"}, "pairs": {"name": "pairs"}},
        "parallelism": {"name": "one"},
    }


def full_run(folder: Path, lr: float = 0.001, bits_per_byte: float = 1.91) -> Path:
    """A run that stopped early, debiased and compressed, over documents with HTML in them."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (folder / "config.yaml").write_text(yaml.safe_dump(config(lr), sort_keys=False))
    _write(folder / "manifest.json", _manifest())
    _write(folder / "ledger.json", _ledger())
    bad = [{"station": "source.shelf", "locator": f"book.jsonl:{i}", "reason": "invalid_utf8", "detail": "byte 0xff"}
           for i in range(37)]  # fmt: skip
    bad.append({"station": "objective.train", "locator": "book-9", "reason": "empty", "detail": HOSTILE})
    (folder / "quarantine.jsonl").write_text("".join(json.dumps(line) + "\n" for line in bad))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in _metrics()))
    _write(folder / "plan.json", {
        "parameters": {"all": 3_214_000, "trainable": 3_214_000}, "steps": 600, "flops": 4.2e13,
        "memory_bytes": {"weights": 12_856_000}, "measured": {"training_seconds": 95.2},
    })  # fmt: skip
    _write(folder / "results.json", _results(bits_per_byte))
    return folder


def minimal_run(folder: Path) -> Path:
    """What there is when a run broke off right after it began."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({"name": "barely", "seed": 0, "optimizer": {"name": "descent"}}))
    return folder


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


def _manifest() -> dict[str, Any]:
    return {
        "pluglm": "0.1.0",
        "python": "3.11.7",
        "platform": "Linux",
        "packages": {"torch": "2.13.0", "numpy": "2.4.6"},
        "plugins": [{"name": "models", "distribution": "pluglm", "version": "0.1.0"}],
        "seed": 7,
        "command": ["pluglm", "train", "name=stories"],
        "started": "2026-11-24T04:11:06+00:00",
        "corpus": "56a8de6348589ea0",
        "inputs": [{"path": f"/somewhere/private/books/{i}.txt", "bytes": 1234 + i, "digest": f"{i:032x}"}
                   for i in range(120)],
    }  # fmt: skip


def _ledger() -> dict[str, Any]:
    sample = {
        "id": "book-1",
        "before": f"The  COST was 12 crowns.\n{HOSTILE}",
        "after": f"The COST was <0> crowns.\n{HOSTILE}",
    }
    dropped = {"id": "book-2", "reason": "too_short", "text": HOSTILE}
    stations = [
        _station("source.shelf", 10_437, 10_400, quarantined={"invalid_utf8": 37}),
        _station("preprocessor.tidy", 10_400, 9_150, dropped={"too_short": 900, "duplicate": 350}, changed=4_021,
                 samples=[sample], dropped_samples=[dropped]),
        _station("preprocessor.digits", 9_150, 9_150, changed=310, samples=[sample]),
        {"station": "split", "read": 9_150, "added": 0, "kept": 9_150, "dropped": {}, "quarantined": {},
         "train": 8_967, "validation": 183},
        _station("debiaser.swapper", 8_967, 9_867, added=900),
        _station("augmenter.swap", 9_867, 11_000, added=1_133),
        _station("objective.train", 11_000, 10_999, quarantined={"empty": 1}),
    ]  # fmt: skip
    train = {"examples": 9_011, "tokens_in": 2_310_000, "tokens_used": 2_306_816, "dropped": {"tail": 3_184}}
    validation = {"examples": 180, "tokens_in": 46_200, "tokens_used": 46_080, "dropped": {"tail": 120}, "padding": 900}
    return {"stations": stations, "tokens": {"train": train, "validation": validation}}


def _metrics() -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for step in range(10, 441, 10):
        wobble = 0.05 * math.sin(step)
        lines.append({
            "kind": "train", "step": step, "loss": 2.4 + 5.6 * math.exp(-step / 90) + wobble,
            "learning_rate": 1e-3 * min(1, step / 30) * (0.55 + 0.45 * math.cos(math.pi * step / 600)),
            "grad_norm": 0.9 + wobble * 5, "tokens": step * 4096, "seconds": step * 0.21,
            "tokens_per_second": 19_500 + 900 * math.cos(step), "penalty": 0.3 / step,
        })  # fmt: skip
        if step % 40 == 0:
            rise = max(0, step - 320) * 0.001
            lines.append({"kind": "validation", "step": step, "loss": 2.55 + 5.5 * math.exp(-step / 92) + rise})
    return lines


def _results(bits_per_byte: float) -> dict[str, Any]:
    def scores(shift: float, preference: float) -> list[dict[str, Any]]:
        value = bits_per_byte + shift
        return [
            _score("fit", "bits_per_byte", value, value - 0.05, value + 0.05, n=183, better="lower",
                   meaning="How many bits the model needs for a byte of text."),
            _score("fit", "bits_per_byte_unigram", 4.61, n=183, better="lower", baseline=True,
                   meaning="A model that only counts bytes."),
            _score("pairs", "preference", preference, preference - 4, preference + 4, n=500,
                   meaning="50 is no preference for either of two sentences."),
        ]  # fmt: skip

    size = {"parameters": 3_214_000, "size_bytes": 12_900_000}
    return {
        "name": "stories <small>",
        "evaluations": [
            {"stage": "trained", "scores": scores(0, 61.2), "latency_ms": 11.9, **size},
            {"stage": "debiaser.projector", "scores": scores(0.02, 53.0), "latency_ms": 11.8, **size},
            {"stage": "compressor.fewer_bits", "scores": scores(0.3, 54.1), "latency_ms": 7.1,
             "parameters": 3_214_000, "size_bytes": 3_700_000},
        ],
        "notes": [f"A note with {HOSTILE}", "pairs: measured on 500 of 1,508 pairs"],
        "steps_done": 440, "steps_planned": 600, "stopped": "no better validation loss for 3 validations",
        "tokens": 1_802_240, "training_seconds": 95.2, "total_seconds": 131.0,
        "generated": [{"prompt": "Once upon", "text": f" a time {HOSTILE}"}],
    }  # fmt: skip
