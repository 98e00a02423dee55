"""What is planned beside what was published, what `accelerate estimate-memory` says, and what runs here took.

    python benchmarks/plan.py published
    python benchmarks/plan.py runs --folder /tmp/plans        # short trainings on this machine
    python benchmarks/plan.py accelerate --folder /tmp/plans  # of these runs

Published figures: GPT-3 175B from Brown et al. 2020, https://arxiv.org/abs/2005.14165, table D.1; Llama 3 8B from its
model card, https://github.com/meta-llama/llama3/blob/main/MODEL_CARD.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

GPT3 = """model=causal_lm model.architecture=gpt2 model.hidden_size=12288 model.num_layers=96 model.num_heads=96
tokenizer.vocab_size=50257 data.sequence_length=2048 train.tokens=300000000000 train.batch_size=1536
train.precision=fp16 hardware=a100_80gb hardware.count=1024"""
LLAMA = """model=causal_lm model.hidden_size=4096 model.num_layers=32 model.num_heads=32 model.num_kv_heads=8
model.intermediate_size=14336 model.tie_embeddings=false tokenizer.vocab_size=128256 data.sequence_length=8192
train.tokens=15000000000000 train.batch_size=512 train.precision=bf16 hardware=h100 hardware.count=1024"""
PUBLISHED: dict[str, tuple[str, dict[str, float]]] = {
    "GPT-3 175B": (GPT3, {"parameters": 174.6e9, "operations": 3.14e23}),
    "Llama 3 8B": (LLAMA, {"parameters": 8.03e9, "device hours": 1.3e6}),
}
RUNS = {
    "nano": "model.size=nano train.batch_size=8 data.sequence_length=64 tokenizer.vocab_size=512",
    "micro": "model.size=micro train.batch_size=4 data.sequence_length=256",
    "micro, sgd, 8k": "model.size=micro train.batch_size=16 data.sequence_length=256 tokenizer.vocab_size=8192 "
    "optimizer=sgd",
    "mini": "model.size=mini train.batch_size=8 data.sequence_length=256",
    "mini, logits at once": "model.size=mini train.batch_size=4 data.sequence_length=512 tokenizer.vocab_size=8192 "
    "objective.loss_chunk=0",
    "small, 4 x 4": "model.size=small train.batch_size=4 train.gradient_accumulation=4 data.sequence_length=128",
    "base": "model.size=base train.batch_size=2 data.sequence_length=128",
    "micro, masked": "objective=mlm model.size=micro train.batch_size=16 data.sequence_length=256",
    "mini, bf16": "model.size=mini train.batch_size=8 data.sequence_length=256 train.precision=bf16",
    "mini, t5": "objective=span_corruption model.size=mini train.batch_size=8 data.sequence_length=256",
    "small, recomputed": "model.size=small train.batch_size=8 data.sequence_length=256 "
    "train.recompute_activations=true",
    "small, lion": "model.size=small train.batch_size=4 data.sequence_length=256 optimizer=lion",
    "mini, muon": "model.size=mini train.batch_size=4 data.sequence_length=256 optimizer=muon",
}
COMMON = "source.python_library.max_megabytes=4 train.eval_every=0 train.save_every=0 train.eval_batches=2 evaluator=[]"


def main() -> None:
    """One of the three comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["published", "runs", "accelerate"])
    parser.add_argument("--folder", type=Path, default=Path("plans"))
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--only", nargs="*", default=list(RUNS))
    options = parser.parse_args()
    if options.what == "published":
        published()
    elif options.what == "runs":
        runs(options.folder, options.steps, options.only)
    else:
        beside_accelerate(options.folder, options.only)


def pluglm(*words: str) -> str:
    """The output of a command."""
    done = subprocess.run([sys.executable, "-m", "pluglm", *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stderr}")
    return done.stdout


def published() -> None:
    """Two trainings that others paid for."""
    for name, (words, figures) in PUBLISHED.items():
        started = time.monotonic()
        plan = json.loads(pluglm("plan", "--json", *words.split()))
        hours = plan["seconds"] * plan["hardware"]["count"] / 3600
        ours = {"parameters": plan["parameters"]["all"], "operations": plan["flops"], "device hours": hours}
        print(f"\n{name}, planned in {time.monotonic() - started:.1f} s")
        for what, figure in figures.items():
            print(f"  {what:<13} published {figure:.4g}, planned {ours[what]:.4g} ({ours[what] / figure:.3f})")
        seen = 6 * plan["parameters"]["all"] * plan["tokens"]
        print(f"  6 N D         {seen:.4g}; attention and output head make the rest")
        if "device hours" in figures:
            used = plan["flops"] / figures["device hours"] / 3600 / plan["hardware"]["peak_flops"]
            print(f"  utilisation   {used:.1%} of the peak, by the published hours")
        for way, found in plan["parallelism"].items():
            verdict = "fits" if found["fits"] else "no  "
            print(f"  {verdict} {way}: {(found['bytes'] or 0) / 1e9:,.1f} GB per device {found['reason']}")
        if "advice" in plan:
            print(f"  {plan['advice']}")


def runs(folder: Path, steps: int, names: list[str]) -> None:
    """Train each of `RUNS` and print what was planned beside what it took; the time is from ten steps tried."""
    header = ["run", "parameters", "operations of a step", "peak memory, MB", "storage, MB", "time, s (ten steps)"]
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for name in names:
        out = folder / name.replace(" ", "_").replace(",", "")
        words = [*COMMON.split(), *RUNS[name].split(), f"train.steps={steps}", "train.threads=1"]
        tried = json.loads(pluglm("plan", "--json", "plan.probe=10", *words))
        if not (out / "results.json").exists():
            pluglm("train", "--quiet", f"output.folder={out}", *words)
        plan = json.loads((out / "plan.json").read_text())
        measured = plan["measured"]
        pairs = [
            (plan["parameters"]["all"], measured["parameters"], 1),
            (plan["flops_of_a_step"], measured["flops_of_a_step"], 1),
            (plan["peak_bytes"], measured["peak_memory_bytes"], 1e6),
            (sum(plan["storage_bytes"].values()), measured["storage_bytes"], 1e6),
            (tried["seconds"], measured["training_seconds"], 1),
        ]
        print(f"| {name} | " + " | ".join(_pair(*pair) for pair in pairs) + " |", flush=True)


def _pair(planned: float, found: float, unit: float) -> str:
    if planned == found:
        return f"{planned:,} = {found:,}"
    return f"{planned / unit:,.4g} / {found / unit:,.4g} ({planned / found - 1:+.1%})"


def beside_accelerate(folder: Path, names: list[str]) -> None:
    """What `accelerate estimate-memory` says of the same models with Adam in fp32, and what the runs took, without the
    interpreter and its libraries, which it leaves out."""
    from accelerate.commands.estimate import estimate_training_usage
    from accelerate.utils import calculate_maximum_sizes
    from transformers import AutoConfig, AutoModel

    print("| run | accelerate, MB | pluglm, MB | measured, MB |\n|---|---|---|---|")
    for name in names:
        out = folder / name.replace(" ", "_").replace(",", "")
        plan: dict[str, Any] = json.loads((out / "plan.json").read_text())
        import torch

        with torch.device("meta"):
            model = AutoModel.from_config(AutoConfig.from_pretrained(out / "model"))
        whole, _ = calculate_maximum_sizes(model)
        theirs = estimate_training_usage(whole, "float32")["step"]
        base = plan["memory_bytes"]["process"]
        ours, found = plan["peak_bytes"] - base, plan["measured"]["peak_memory_bytes"] - base
        print(f"| {name} | {theirs / 1e6:,.0f} | {ours / 1e6:,.0f} | {found / 1e6:,.0f} |")


if __name__ == "__main__":
    main()
