"""Cross-entropy over a large vocabulary: all logits at once, in chunks with checkpoints, torch's own, and pluglm's.

    python benchmarks/chunked_loss.py --vocabulary 8192 32768 50257 --tokens 2048 --width 320

Each way runs in a process of its own, on one thread; printed are the median milliseconds of loss and gradients, the
memory at its peak beyond what hidden states and weights take, and by how much loss and gradients differ from the plain
way's.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

WAYS = ("plain", "checkpointed", "torch", "pluglm-128", "pluglm-256", "pluglm-512", "pluglm-1024")
REPEATS = 5


def measure(way: str, vocabulary: int, tokens: int, width: int, counted: float, bf16: bool) -> dict[str, Any]:
    """One way, in this process."""
    import torch
    import torch.nn.functional as F

    from pluglm_objectives.chunked_loss import chunked_cross_entropy

    torch.set_num_threads(1)
    torch.manual_seed(0)
    hidden = torch.randn(tokens, width, requires_grad=True)
    weight = (torch.randn(vocabulary, width) * 0.05).requires_grad_()
    targets = torch.randint(vocabulary, (tokens,))
    left_out = torch.rand(tokens) >= counted
    targets[left_out] = -100

    def part(h: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy((h @ weight.t()).float(), t, reduction="sum")

    def loss() -> torch.Tensor:
        if way == "plain":
            return part(hidden, targets)
        if way == "checkpointed":
            from torch.utils.checkpoint import checkpoint

            pairs = zip(hidden.split(256), targets.split(256), strict=True)
            return sum((checkpoint(part, h, t, use_reentrant=False) for h, t in pairs), torch.zeros(()))
        if way == "torch":
            options = torch.nn.LinearCrossEntropyOptions()
            return F.linear_cross_entropy(hidden, weight, targets, reduction="sum", options=options)
        rows = targets != -100
        return chunked_cross_entropy(hidden[rows], weight, None, targets[rows], int(way.split("-")[1]))[0].sum()

    def step() -> tuple[float, float]:
        hidden.grad = weight.grad = None
        start = time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            value = loss()
        value.backward()
        return time.process_time() - start, float(value)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = [step() for _ in range(REPEATS)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "ms": statistics.median(seconds for seconds, _ in found[1:]) * 1000,
        "megabytes": peak / 1024,
        "loss": found[0][1] / max(1, int((targets != -100).sum())),
        "norms": [float(hidden.grad.norm()), float(weight.grad.norm())],
    }


def main() -> None:
    """Every way, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocabulary", type=int, nargs="+", default=[8192, 32768, 50257])
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--counted", type=float, default=1.0, help="share of tokens that have a label")
    parser.add_argument("--bf16", action="store_true", help="under autocast")
    parser.add_argument("--ways", nargs="+", default=list(WAYS))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one, given.vocabulary[0], given.tokens, given.width, given.counted, given.bf16)))
        return
    for vocabulary in given.vocabulary:
        print(f"vocabulary {vocabulary}, {given.tokens} tokens, {given.counted:.0%} with a label, width {given.width}")
        first: dict[str, Any] = {}
        for way in given.ways:
            words = ["--vocabulary", str(vocabulary), "--tokens", str(given.tokens), "--width", str(given.width)]
            words += ["--counted", str(given.counted), "--one", way, *(["--bf16"] if given.bf16 else [])]
            done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True)
            if done.returncode:
                print(f"  {way:14} not here: {done.stderr.strip().splitlines()[-1][:80]}")
                continue
            found = json.loads(done.stdout)
            first = first or found
            off = max(
                abs(a / b - 1)
                for a, b in zip([found["loss"], *found["norms"]], [first["loss"], *first["norms"]], strict=True)
            )
            print(f"  {way:14} {found['ms']:7.0f} ms {found['megabytes']:7.0f} MB   differs by {off:.1e}", flush=True)


if __name__ == "__main__":
    main()
