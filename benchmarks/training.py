"""What a training step of pluglm costs, beside programs that train the same model on the same tokens.

    python benchmarks/training.py --sizes 10M --blocks 256 --vocab 8k --precision fp32 --peers bare,trainer,accelerate

A cell is a size, a block, a vocabulary and a precision (`fp32`, `bf16`, and either with `+compile`); each program runs
in a process of its own with one thread, and they take turns, another one first each time. Figures are medians and
ranges of all repeats: tokens by second of the processor and of the clock, the share of the machine's own peak in a
product of matrices, the most memory of the process during training and how much of it came on top of what it had before
its first step, and seconds from the start of the process to the end of its first step.

    python benchmarks/training.py --ladder               one technique after the other, on documents of mixed lengths
    python benchmarks/training.py --mixed FILE.jsonl     fine-tuning a classifier on texts of mixed lengths

What needs another environment is told where its Python is: --python litgpt=/elsewhere/bin/python. It runs on Linux.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data import can_import, environment, goal, spread

PROGRAMS = Path(__file__).with_name("training_programs.py")
NEEDS = {
    "pluglm": ("pluglm", "pluglm"),
    "bare": ("transformers", "torch, transformers"),
    "plain": ("transformers", "torch, transformers"),
    "padded": ("transformers", "torch, transformers"),
    "padded_fused": ("transformers", "torch, transformers"),
    "bare_classify": ("transformers", "torch, transformers"),
    "trainer": ("transformers accelerate", "transformers, accelerate"),
    "trainer_classify": ("transformers accelerate", "transformers, accelerate"),
    "accelerate": ("accelerate transformers", "accelerate, transformers"),
    "fabric": ("lightning transformers", "lightning.fabric, transformers"),
    "litgpt": ("litgpt", "litgpt, lightning.fabric"),
    "trl": ("trl", "trl"),
}
PEERS = ("bare", "trainer", "accelerate", "fabric", "litgpt", "trl")
# hidden_size, num_layers, num_heads and intermediate_size; the name is of all parameters at a vocabulary of 8k.
SIZES = {"3M": (192, 4, 3, 512), "10M": (320, 6, 5, 832), "30M": (512, 8, 8, 1376)}
VOCABULARIES = {"2k": 2048, "8k": 8192, "32k": 32_768, "50k": 50_304}
MEGABYTES = 12
MOST_EXAMPLES = 4096
LONGEST_SECONDS = 1800
STILL = ["train.eval_every=0", "train.save_every=0", "train.threads=1", "evaluator=[]", "optimizer=adamw"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What is trained, and how."""

    size: str
    block: int
    vocabulary: str
    precision: str

    def kind(self) -> tuple[str, bool]:
        """The number format, and whether it is compiled."""
        name, _, rest = self.precision.partition("+")
        return name, rest == "compile"

    def shape(self) -> dict[str, int]:
        """The model's widths and depth."""
        names = ("hidden_size", "num_layers", "num_heads", "intermediate_size")
        return dict(zip(names, SIZES[self.size], strict=True))

    def __str__(self) -> str:
        return f"{self.size}, block {self.block}, vocabulary {self.vocabulary}, {self.precision}"


@dataclass(frozen=True, slots=True)
class Program:
    """A row: its label, the function of `training_programs.py`, and words for pluglm beside those of the cell."""

    label: str
    function: str
    words: tuple[str, ...] = ()


@dataclass(slots=True)
class Run:
    """What one process took. `tokens`: by step. Lists are by step: seconds since the start of the process."""

    cpu: list[float]
    wall: list[float]
    begun: float
    before_mb: float
    peak_mb: float
    whole_peak_mb: float
    real_tokens: list[int]
    tokens: float
    flops: float = 0.0
    peak_flops: float = 1.0
    skipped: int = 1

    def rate(self, clock: bool = False) -> float:
        """Tokens a second of the processor, or of the clock, without the first steps; of all steps where none is
        skipped."""
        times = self.wall if clock else self.cpu
        if self.real_tokens:
            return sum(self.real_tokens[self.skipped :]) / (times[-1] - times[self.skipped - 1])
        if self.skipped == 0:
            return self.tokens * len(times) / (times[-1] - self.begun)
        return self.tokens * (len(times) - self.skipped) / (times[-1] - times[self.skipped - 1])

    def on_top(self) -> float:
        """MB that training took beside what was there before."""
        return self.peak_mb - self.before_mb

    def share(self) -> float:
        """Of the peak of the machine, in percent."""
        return 100 * self.rate() * self.flops / self.peak_flops


@dataclass(slots=True)
class Bench:
    """Where inputs lie, how often and how long everything runs, and which Python has what."""

    folder: Path
    repeats: int
    steps: int
    skipped: int
    step_tokens: int
    pythons: dict[str, str]
    extra: list[Program]
    results: list[dict[str, Any]] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)

    def python(self, function: str) -> str | None:
        """The Python that has the libraries, or None, which is said once."""
        wanted, imported = NEEDS[function]
        python = self.pythons.get(function, sys.executable)
        if function not in self.missing and not can_import(python, imported):
            self.missing.add(function)
            print(
                f"{function}: not installed here, left out (pip install {wanted}; or --python {function}=PYTHON)",
                flush=True,
            )
        return None if function in self.missing else python

    def call(self, python: str, function: str, given: dict[str, Any]) -> dict[str, Any]:
        """Run a function in a process of its own, in a folder that is gone afterwards, and give what it printed.

        Raises:
            RuntimeError: it failed; with the end of what it said.
        """
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            given = {**given, "folder": scratch, "started": time.time()}
            # What was compiled before must not make the next one start sooner.
            own = {"PLUGLM_CACHE": str(self.folder / "cache"), "TORCHINDUCTOR_CACHE_DIR": f"{scratch}/compiled"}
            done = subprocess.run(
                [python, str(PROGRAMS), function, json.dumps(given)],
                capture_output=True,
                text=True,
                env=environment(1) | own,
                timeout=LONGEST_SECONDS,
                cwd=scratch,
            )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not lines:
            raise RuntimeError(f"{function} failed:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
        made: dict[str, Any] = json.loads(lines[-1])
        return made

    def prepared(self, words: Sequence[str], block: int, name: str) -> dict[str, Any]:
        """The examples of the words in pluglm's cache, and as the others read them."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        given = {"words": list(words), "block": block, "most": MOST_EXAMPLES}
        given |= {"rows": str(folder / "rows.npz"), "tokenizer": str(folder / "tokenizer")}
        # Each time, since another version of pluglm may not take what is in the cache from an earlier one.
        made = self.call(sys.executable, "prepare", given)
        return made | {key: given[key] for key in ("rows", "tokenizer")}

    def compare(
        self, programs: Sequence[Program], given: dict[str, Any], words: Sequence[str], tokens: float, flops: float
    ) -> dict[str, list[Run]]:
        """All of them by turns; in each turn the peak of the machine is measured once."""
        ready = [(each, python) for each in programs if (python := self.python(each.function))]
        runs: dict[str, list[Run]] = {each.label: [] for each, _ in ready}
        for repeat in range(self.repeats):
            first, peaks = repeat % len(ready), dict[str, float]()
            for each, python in ready[first:] + ready[:first]:
                own = given | {"words": [*words, *each.words], "seed": repeat}
                taken = self.call(python, each.function, own)
                kind = "bf16" if "train.precision=bf16" in own["words"] else given["precision"]
                if kind not in peaks:
                    peaks[kind] = self.call(sys.executable, "matmul", {"precision": kind, "times": 12})["flops"]
                peak = peaks[kind]
                runs[each.label].append(Run(**taken, tokens=tokens, flops=flops, peak_flops=peak, skipped=self.skipped))
        return runs

    def keep(self, title: str, runs: dict[str, list[Run]]) -> None:
        """Among the results, as they were measured."""
        self.results.append(
            {"title": title, "runs": {label: [asdict(run) for run in each] for label, each in runs.items()}}
        )


def flops_per_token(cell: Cell, vocabulary: int) -> float:
    """Operations of a forward and backward pass: three times 2 (L (4 h² + 3 h f) + V h) + 4 L s h."""
    h, layers, _, f = SIZES[cell.size]
    return float(3 * (2 * (layers * (4 * h * h + 3 * h * f) + vocabulary * h) + 4 * layers * cell.block * h))


def model_words(cell: Cell) -> list[str]:
    """The cell's model, in pluglm's words."""
    return ["model=causal_lm", *(f"model.{name}={value}" for name, value in cell.shape().items())]


def corpus_words(cell: Cell, block: int) -> list[str]:
    """What the tokens are made of."""
    return [
        "source=[python_library]",
        f"source.python_library.max_megabytes={MEGABYTES}",
        "tokenizer=bpe",
        f"tokenizer.vocab_size={VOCABULARIES[cell.vocabulary]}",
        f"data.sequence_length={block}",
        "data.workers=1",
    ]


def asked(bench: Bench, cell: Cell, data: dict[str, Any], batch: int) -> dict[str, Any]:
    """What a program is told."""
    precision, compiled = cell.kind()
    told = {"block": cell.block, "batch": batch, "steps": bench.steps, "precision": precision, "compile": compiled}
    return {**data, **cell.shape(), **told}


def point(bench: Bench, cell: Cell, peers: Sequence[str]) -> dict[str, list[Run]]:
    """One cell, all programs."""
    precision, compiled = cell.kind()
    corpus = [*corpus_words(cell, cell.block), *model_words(cell)]
    data = bench.prepared(corpus, cell.block, f"blocks-{cell.vocabulary}-{cell.block}")
    batch = max(1, bench.step_tokens // cell.block)
    words = [*corpus, *STILL, f"train.steps={bench.steps + 1}", f"train.batch_size={batch}"]
    words += [f"train.precision={precision}", f"train.compile={str(compiled).lower()}", "optimizer.lr=1e-3"]
    given = asked(bench, cell, data, batch)
    programs = [Program("pluglm", "pluglm"), *bench.extra, *(Program(peer, peer) for peer in peers)]
    runs = bench.compare(programs, given, words, batch * cell.block, flops_per_token(cell, data["vocabulary"]))
    title = f"{cell} ({data['vocabulary']:,} tokens in it), batches of {batch} x {cell.block}"
    bench.keep(title, runs)
    show(title, runs)
    targets(cell, runs)
    return runs


def show(title: str, runs: dict[str, list[Run]], base: str = "pluglm", unit: str = "tokens") -> None:
    """Print a table; the last column is how many times as fast as the program `base` is, by turns."""
    print(f"\n{title}\n")
    print(
        f"| program | {unit} / CPU s | {unit} / s | % of peak | peak MB | MB on top | CPU s to first step "
        f"| s to first step | {base} is so many times as fast |"
    )
    print(f"|---|{'---:|' * 8}")
    for label, each in runs.items():
        cells = [label, spread([run.rate() for run in each], 0), spread([run.rate(clock=True) for run in each], 0)]
        cells += [f"{statistics.median(run.share() for run in each):.0f}"]
        cells += [f"{statistics.median(run.peak_mb for run in each):,.0f}"]
        cells += [f"{statistics.median(run.on_top() for run in each):,.0f}"]
        cells += [f"{statistics.median(run.cpu[0] for run in each):.1f}"]
        cells += [f"{statistics.median(run.wall[0] for run in each):.1f}"]
        cells += [spread(ratios(runs, label, base), 3)]
        print(f"| {' | '.join(cells)} |", flush=True)


def ratios(runs: dict[str, list[Run]], label: str, base: str = "pluglm") -> list[float]:
    """By turn, how many times as fast as a program `base` is."""
    return [own.rate() / run.rate() for own, run in zip(runs[base], runs[label], strict=True)]


def targets(cell: Cell, runs: dict[str, list[Run]]) -> None:
    """What the figures are to be, beside what they are."""
    if "pluglm" not in runs:
        return

    def faster(label: str) -> float | None:
        return statistics.median(ratios(runs, label)) if label in runs else None

    def first(label: str) -> float:
        return statistics.median(run.cpu[0] for run in runs[label])

    best = {"pluglm", *(label for label in runs if label not in PEERS)}
    fastest = [value for label in runs if label not in best and (value := faster(label)) is not None]
    goal("pluglm / the bare loop", faster("bare"), 0.99)
    if fastest:
        goal("pluglm / the fastest of the others", min(fastest), 1.0 if cell.precision == "fp32" else 1.08)
    if cell.vocabulary == "32k":
        goal("pluglm / TRL", faster("trl"), 2)
    if "trainer" in runs:
        goal(
            "CPU seconds to the end of the first step / HF Trainer's",
            first("pluglm") / first("trainer"),
            0.75,
            most=True,
        )
        if cell.vocabulary == "50k":
            tops = [statistics.median(run.on_top() for run in runs[label]) for label in ("pluglm", "trainer")]
            goal("memory on top / HF Trainer's", tops[0] / tops[1], 0.5, most=True)


def break_even(cell: Cell, eager: list[Run], compiled: list[Run]) -> None:
    """Say from how many steps on compiling pays, in seconds of the processor."""

    def step(runs: list[Run]) -> float:
        return statistics.median(run.tokens / run.rate() for run in runs)

    def before(runs: list[Run]) -> float:
        return statistics.median(run.cpu[run.skipped - 1] - run.skipped * step(runs) for run in runs)

    gained, spent = step(eager) - step(compiled), before(compiled) - before(eager)
    said = f"from {spent / gained:,.0f} steps on" if gained > 0 else "never"
    print(
        f"{cell}: compiling costs {spent:.1f} CPU s and saves {1000 * gained:.1f} ms a step; it pays {said}", flush=True
    )


def ladder(bench: Bench, cell: Cell, rungs: Sequence[Program]) -> None:
    """One technique after the other, each on top of those before it, on documents as they are; tokens are those of
    the documents, without padding."""
    corpus = [*corpus_words(cell, cell.block), *model_words(cell)]
    data = bench.prepared([*corpus, "data.packing=false"], cell.block, f"documents-{cell.vocabulary}-{cell.block}")
    batch = max(1, bench.step_tokens // cell.block)
    words = [*corpus, *STILL, f"train.steps={bench.steps + 1}", f"train.batch_size={batch}", "optimizer.lr=1e-3"]
    given = asked(bench, cell, data, batch)
    flops = flops_per_token(cell, data["vocabulary"])
    bench.prepared(corpus, cell.block, f"blocks-{cell.vocabulary}-{cell.block}")
    runs = bench.compare(rungs, given, words, batch * cell.block, flops)
    title = (
        f"ladder: {cell.size}, block {cell.block}, vocabulary {cell.vocabulary}; documents of {data['mean']:.0f} tokens"
    )
    bench.keep(title, runs)
    print(f"\n{title}\n\n| with | tokens / CPU s | times the rung before | peak MB | MB on top |")
    print("|---|---:|---:|---:|---:|")
    before = ""
    for label, each in runs.items():
        step = spread(ratios(runs, before, label), 2) if before else ""
        memory = [
            f"{statistics.median(values):,.0f}" for values in ([r.peak_mb for r in each], [r.on_top() for r in each])
        ]
        print(f"| {label} | {spread([run.rate() for run in each], 0)} | {step} | {' | '.join(memory)} |", flush=True)
        before = label


def rungs(chunked: str, bf16: bool) -> list[Program]:
    """What a ladder has. A loop pads each batch to its longest document; pluglm joins documents into blocks."""
    words = ["objective.loss_chunk=0"] if chunked else []
    found = [
        Program("a loop by hand", "padded"),
        Program("+ fused optimizer", "padded_fused"),
        Program("+ packing (pluglm)", "pluglm", tuple(words)),
    ]
    steps = [("+ chunked loss", [chunked])] if chunked else []
    steps += [("+ bf16", ["train.precision=bf16"])] if bf16 else []
    steps += [("+ compile", ["train.compile=true"]), ("+ recomputed activations", ["train.recompute_activations=true"])]
    for label, more in steps:
        words = [word for word in words if word.split("=")[0] not in {other.split("=")[0] for other in more}] + more
        found.append(Program(label, "pluglm", tuple(words)))
    return found


def mixed(bench: Bench, cell: Cell, path: Path) -> None:
    """Fine-tuning a classifier, one pass over texts of mixed lengths: padded to the longest of a batch, or gathered by
    length as pluglm does."""
    batch = 16
    chosen = bench.folder / "mixed.jsonl"
    # A few more, which are held out.
    chosen.write_text("".join(sample(path, bench.steps * batch + 64)), encoding="utf-8")
    corpus = ["source=[jsonl]", f"source.jsonl.paths=[{chosen}]", "source.jsonl.fields={label: label}"]
    corpus += ["preprocessor=[]", "tokenizer=bpe"]
    corpus += [f"tokenizer.vocab_size={VOCABULARIES[cell.vocabulary]}", f"data.sequence_length={cell.block}"]
    corpus += ["data.workers=1", "data.validation_fraction=0.02", "objective=classification", "objective.label=label"]
    corpus += model_words(cell)
    data = bench.prepared(corpus, cell.block, "mixed")
    words = [*corpus, *STILL, f"train.steps={bench.steps + 1}", f"train.batch_size={batch}", "optimizer.lr=1e-3"]
    precision, compiled = cell.kind()
    words += [f"train.precision={precision}", f"train.compile={str(compiled).lower()}"]
    given = asked(bench, cell, data, batch)
    bench.skipped = 0
    programs = [Program("pluglm", "pluglm"), Program("bare", "bare_classify"), Program("trainer", "trainer_classify")]
    runs = bench.compare(programs, given, words, batch * data["mean"], flops_per_token(cell, 0))
    lengths = f"{data['mean']:.1f} tokens a text, longest {data['longest']}"
    title = f"fine-tuning on mixed lengths ({path.name}): {cell}; {lengths}"
    bench.keep(title, runs)
    show(title, runs)
    if "trainer" in runs:
        goal("pluglm / HF Trainer", statistics.median(ratios(runs, "trainer")), 1.7)


def sample(path: Path, count: int) -> list[str]:
    """So many lines, evenly from the whole file."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    stride = max(1, len(lines) // count)
    return lines[::stride][:count]


def cells(given: argparse.Namespace) -> Iterator[Cell]:
    """All that the flags ask for."""
    for size in given.sizes.split(","):
        for block in given.blocks.split(","):
            for vocabulary in given.vocab.split(","):
                for precision in given.precision.split(","):
                    yield Cell(size, int(block), vocabulary, precision)


def main() -> None:
    """Measure what the flags choose, print tables, and write all figures as JSON."""
    parser = argparse.ArgumentParser(description="training with pluglm beside others")
    parser.add_argument("--sizes", default="10M", help=f"of {', '.join(SIZES)}")
    parser.add_argument("--blocks", default="256", help="tokens of a block, such as 256,1024")
    parser.add_argument("--vocab", default="8k", help=f"of {', '.join(VOCABULARIES)}")
    parser.add_argument("--precision", default="fp32", help="fp32, bf16, fp32+compile, bf16+compile")
    parser.add_argument("--peers", default=",".join(PEERS), help="of " + ", ".join(PEERS) + ", plain")
    parser.add_argument("--pluglm", action="append", default=[], metavar="LABEL=WORDS", help="another row of pluglm")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--skipped", type=int, default=2, help="first steps that do not count")
    parser.add_argument("--step-tokens", type=int, default=1024, help="tokens of a step; a block at least")
    parser.add_argument("--ladder", action="store_true", help="one technique after the other")
    parser.add_argument(
        "--chunked", default="objective.loss_chunk=256", help="pluglm's word for the ladder's chunked loss"
    )
    parser.add_argument("--no-bf16", action="store_true", help="a ladder without bf16")
    parser.add_argument("--mixed", type=Path, help="JSON lines with text and label, to fine-tune on")
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PYTHON")
    parser.add_argument("--folder", type=Path, help="where inputs are kept")
    parser.add_argument("--json", type=Path, help="where all figures go")
    given = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("reads /proc: runs on Linux")
    folder = given.folder or Path(tempfile.mkdtemp(prefix="pluglm-training-"))
    folder.mkdir(parents=True, exist_ok=True)
    extra = [(label, words.split()) for label, _, words in (item.partition("=") for item in given.pluglm)]
    bench = Bench(
        folder=folder.resolve(),
        repeats=given.repeats,
        steps=given.steps,
        skipped=given.skipped,
        step_tokens=given.step_tokens,
        pythons=dict(item.split("=", 1) for item in given.python),
        extra=[Program(label, "pluglm", tuple(words)) for label, words in extra],
    )
    try:
        measure(bench, given)
    finally:
        if given.json:
            machine = {"processor": platform.processor() or platform.machine(), "python": platform.python_version()}
            given.json.write_text(json.dumps({"machine": machine, "results": bench.results}, indent=1))
        if given.folder is None:
            shutil.rmtree(folder)


def measure(bench: Bench, given: argparse.Namespace) -> None:
    """The points that were asked for."""
    chosen = list(cells(given))
    if given.ladder:
        ladder(bench, chosen[0], rungs(given.chunked, not given.no_bf16))
        return
    if given.mixed:
        mixed(bench, chosen[0], given.mixed.resolve())
        return
    peers = [peer for peer in given.peers.split(",") if peer]
    found: dict[Cell, list[Run]] = {}
    for cell in chosen:
        runs = point(bench, cell, [peer for peer in peers if peer != "pluglm"])
        found[cell] = runs.get("pluglm", [])
    for cell, eager in found.items():
        compiled = found.get(Cell(cell.size, cell.block, cell.vocabulary, f"{cell.precision}+compile"))
        if eager and compiled:
            break_even(cell, eager, compiled)


if __name__ == "__main__":
    main()
