"""What pluglm's preparation of a corpus costs, beside programs that do the same.

    python benchmarks/data.py --only warc,dedup --repeats 5 --corpus FOLDER_OF_HTML

    warc     web pages to tokens: beside datatrove, and a script of the best libraries
    dedup    near deduplication: beside datasketch, text-dedup, datatrove and rensa
    tokens   byte-pair encoding: beside `tokenizers`
    augment  random swaps and deletions: beside nlpaug
    steps    what a step that does nothing costs for each document
    workers  one process beside two
    memory   the peak for little and for much text

Each program runs in a process of its own, with one thread; they take turns. A figure is the median and the range of all
repeats: seconds of the processor (with all processes that it started), seconds of the clock, and the most memory that
the processes had at one time. Without `--corpus` the pages are made of Python's standard library. What needs another
environment is told where its Python is: --python nlpaug=/elsewhere/bin/python. It runs on Linux.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import data_input

PROGRAMS = Path(__file__).with_name("data_programs.py")
THREADS = ("OMP", "RAYON", "OPENBLAS", "MKL", "NUMEXPR", "POLARS", "VECLIB")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in THREADS} | {"TOKENIZERS_PARALLELISM": "false"}
QUIET = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "TQDM_DISABLE": "1", "PYTHONHASHSEED": "0"}
NEEDS = {
    "datatrove": (
        "datatrove[processing] spacy warcio faust-cchardet python-magic resiliparse lxml_html_clean",
        "datatrove, spacy, magic, trafilatura",
    ),
    "datasketch": ("datasketch", "datasketch"),
    "text_dedup": ("text-dedup", "text_dedup.minhash"),
    "nlpaug": ("nlpaug", "nlpaug.augmenter.word"),
    "pluglm": ("pluglm[data]", "pluglm, fastwarc, resiliparse"),
    "tokenizers": ("tokenizers", "tokenizers"),
}
SAMPLED_SECONDS, LONGEST_SECONDS = 0.25, 3600
PR_SET_CHILD_SUBREAPER = 36
STEP = "pluglm's step"


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took: seconds of the processor and of the clock, MB at the most, and what it says it made."""

    cpu: float
    wall: float
    peak: float
    made: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """A row: a function of `data_programs.py`, what it is given beside its folder, and whose environment it needs."""

    label: str
    function: str
    given: dict[str, Any]
    needs: str = "pluglm"
    folder: bool = True
    threads: int = 1


@dataclass(slots=True)
class Bench:
    """Where inputs and runs lie, and how often everything is run."""

    folder: Path
    corpus: Path | None
    pages: int
    repeats: int
    pythons: dict[str, str]
    sizes: list[float]
    missing: set[str] = field(default_factory=set)

    def python(self, needs: str) -> str | None:
        """The Python that has the libraries, or None, which is said once."""
        wanted, imported = NEEDS[needs]
        python = self.pythons.get(needs, sys.executable)
        if needs in self.missing:
            return None
        if not can_import(python, imported):
            self.missing.add(needs)
            print(
                f"{needs}: not installed here, left out (pip install {wanted}; or --python {needs}=PYTHON)", flush=True
            )
            return None
        return python

    def compare(self, programs: Sequence[Program]) -> dict[str, list[Run]]:
        """All of them by turns, another one first each time."""
        ready = [(each, python) for each in programs if (python := self.python(each.needs))]
        runs: dict[str, list[Run]] = {each.label: [] for each, _ in ready}
        for repeat in range(self.repeats):
            first = repeat % len(ready)
            for each, python in ready[first:] + ready[:first]:
                runs[each.label].append(self.run(each, python))
        return runs

    def run(self, program: Program, python: str) -> Run:
        """One run, in a folder that is gone afterwards; what it leaves in `kept.json` is among what it made."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            given = program.given | ({"folder": str(folder)} if program.folder else {})
            command = [python, str(PROGRAMS), program.function, json.dumps(given)]
            run = measured(command, folder, program.threads)
            if (folder / "kept.json").exists():
                run.made["kept"] = {int(number) for number in json.loads((folder / "kept.json").read_text())}
            return run
        finally:
            shutil.rmtree(folder)

    def found_pages(self) -> list[tuple[str, bytes]]:
        """The pages that everything is made of."""
        return data_input.pages(self.corpus, self.pages)

    def warc(self) -> Path:
        """They as WARC."""
        return data_input.once(
            self.folder / "pages.warc.gz", lambda path: data_input.write_warc(path, self.found_pages())
        )

    def documents(self) -> Path:
        """Their texts as JSON lines."""
        return data_input.once(
            self.folder / "documents.jsonl",
            lambda path: data_input.write_documents(path, data_input.texts(self.found_pages())),
        )

    def texts(self) -> list[str]:
        """Their texts."""
        return [json.loads(line)["text"] for line in self.documents().open(encoding="utf-8")]

    def tokenizer(self) -> Path:
        """The folder of a tokenizer that was trained on them."""
        folder = self.folder / "tokenizer"
        if not folder.exists():
            given = {"input": str(self.documents()), "folder": str(folder), "size": 16_000}
            measured([sys.executable, str(PROGRAMS), "train_tokenizer", json.dumps(given)], self.folder)
        return folder


def environment(threads: int) -> dict[str, str]:
    """That of a program whose main process may have so many threads."""
    several = {"TOKENIZERS_PARALLELISM": "true"} if threads > 1 else {}
    return {**os.environ, **QUIET, **ONE_THREAD, **{f"{name}_NUM_THREADS": str(threads) for name in THREADS}, **several}


def can_import(python: str, modules: str) -> bool:
    """Whether a Python is there and has these modules."""
    try:
        return subprocess.run([python, "-c", f"import {modules}"], capture_output=True).returncode == 0
    except OSError:
        return False


def measured(command: list[str], folder: Path, threads: int = 1) -> Run:
    """Run it and wait for all processes that it started. Those whose parent ends become this process's children.

    Raises:
        RuntimeError: it failed, or took more than an hour; with the end of what it said.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    said, errors = folder / "stdout", folder / "stderr"
    peak, ended = [0.0], threading.Event()

    started, cpu, failed = time.perf_counter(), 0.0, False

    def sample() -> None:
        while not ended.wait(SAMPLED_SECONDS):
            below = list(descendants(os.getpid()))
            peak[0] = max(peak[0], sum(map(resident, below)))
            if time.perf_counter() - started > LONGEST_SECONDS:
                for pid in below:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    with said.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment(threads))
    sampler = threading.Thread(target=sample)
    sampler.start()
    wall = 0.0
    while True:
        try:
            pid, status, used = os.wait4(-1, 0)
        except ChildProcessError:
            break
        cpu += used.ru_utime + used.ru_stime
        if pid == process.pid:
            wall, failed = time.perf_counter() - started, status != 0
            process.returncode = status
    ended.set()
    sampler.join()
    if failed:
        raise RuntimeError(f"{command[2]} failed:\n" + errors.read_text(errors="replace")[-2000:])
    lines = said.read_text().splitlines()
    return Run(cpu, wall, peak[0], json.loads(lines[-1]))


def descendants(pid: int) -> Iterator[int]:
    """The processes below one."""
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = listed.read_text().split()
        except OSError:
            continue
        for child in children:
            yield int(child)
            yield from descendants(int(child))


def resident(pid: int) -> float:
    """Megabytes of memory that a process holds; what it shares with others counts for each."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError):
        return 0.0


def spread(values: Sequence[float], digits: int) -> str:
    """Median and range."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"


def taken(run: Run) -> float:
    """Seconds of the processor: of the work where the program measured it, else of the whole process."""
    return float(run.made.get("seconds", run.cpu))


def whole(run: Run) -> float:
    """Seconds of the processor of the whole process."""
    return run.cpu


def show(
    title: str,
    runs: dict[str, list[Run]],
    base: str = "pluglm",
    digits: int = 2,
    seconds: Callable[[Run], float] = taken,
) -> dict[str, float]:
    """Print a table, and give by program how many times the seconds of `base` it took."""
    shown = [
        name
        for name in ("documents", "tokens", "digest", "missed", "wrong")
        if any(name in r[0].made for r in runs.values())
    ]
    print(f"\n{title}\n\n| program | CPU s | wall s | peak MB | {' | '.join(shown)} | CPU s / {base}'s |")
    print(f"|---|{'---:|' * (4 + len(shown))}")
    ratios = {}
    for label, each in runs.items():
        against = (
            [seconds(run) / seconds(own) for run, own in zip(each, runs[base], strict=True)] if base in runs else [0.0]
        )
        ratios[label] = statistics.median(against)
        made = [each[0].made.get(name, "") for name in shown]
        cells = [label, spread([seconds(r) for r in each], digits), spread([r.wall for r in each], digits)]
        cells += [f"{statistics.median(r.peak for r in each):,.0f}"]
        cells += [f"{value:,}" if isinstance(value, int) else str(value) for value in made]
        print(f"| {' | '.join([*cells, spread(against, 2)])} |", flush=True)
    return ratios


def goal(said: str, figure: float | None, least: float, most: bool = False) -> None:
    """Print a figure beside what it should be."""
    if figure is not None:
        met = figure <= least if most else figure >= least
        print(f"{said}: {figure:.2f} (to be {'at most' if most else 'at least'} {least:g}: {'yes' if met else 'NO'})")


def warc_words(bench: Bench, workers: int) -> list[str]:
    """`pluglm prepare` of web pages."""
    return [
        "source=common_crawl",
        f"source.common_crawl.paths=[{bench.warc()}]",
        "preprocessor=[normalize,lowercase,near_dedup]",
        f"preprocessor.near_dedup.permutations={16 * 8}",
        "tokenizer=pretrained",
        f"tokenizer.path={bench.tokenizer()}",
        f"data.workers={workers}",
    ]


def point_warc(bench: Bench) -> None:
    """(a)"""
    given = {"input": str(bench.warc()), "tokenizer": str(bench.tokenizer() / "tokenizer.json")}
    runs = bench.compare(
        [
            Program("pluglm", "pluglm", {"words": warc_words(bench, 1)}),
            Program("script", "script", given),
            Program("datatrove", "datatrove", given | {"extractor": "trafilatura"}, "datatrove"),
            Program("datatrove, resiliparse", "datatrove", given | {"extractor": "resiliparse"}, "datatrove"),
        ]
    )
    ratios = show(f"(a) WARC to tokens ({bench.warc().stat().st_size / 1e6:,.1f} MB packed)", runs)
    goal("datatrove's own pipeline / pluglm", ratios.get("datatrove"), 3)
    goal("script / pluglm", ratios.get("script"), 0.9)


def point_dedup(bench: Bench) -> None:
    """(b)"""
    path = data_input.once(
        bench.folder / "near.jsonl",
        lambda path: data_input.write_documents(path, data_input.near_duplicates(bench.texts(), 10_000)),
    )
    documents = [json.loads(line)["text"] for line in path.open(encoding="utf-8")]
    given = {"input": str(path)}
    words = ["source=jsonl", f"source.jsonl.paths=[{path}]", "source.jsonl.id=id", "preprocessor=[near_dedup]"]
    runs = bench.compare(
        [
            Program("pluglm", "pluglm", {"words": [*words, "data.workers=1"], "examples": False}),
            Program("pluglm's technique", "near_dedup", given),
            Program("script (rensa)", "script_dedup", given),
            Program("datasketch", "datasketch", given, "datasketch"),
            Program("text-dedup", "text_dedup", given, "text_dedup"),
            Program("datatrove", "datatrove_dedup", given, "datatrove"),
        ]
    )
    pairs = data_input.similar_pairs(documents, 0.7)
    for each in runs.values():
        for run in each:
            gone = set(range(len(documents))) - run.made["kept"]
            similar = {number for pair in pairs for number in pair}
            run.made["missed"] = sum(not (a in gone or b in gone) for a, b in pairs)
            run.made["wrong"] = len(gone - similar)
    prepared = {label: each for label, each in runs.items() if label != "pluglm's technique"}
    said = f"near deduplication of {len(documents):,} documents, {len(pairs):,} similar pairs"
    show(f"(b) {said}: from file to file", prepared, seconds=whole)
    print("missed: similar pairs of which both were kept; wrong: documents dropped that are similar to none")
    alone = {label: each for label, each in runs.items() if "seconds" in each[0].made}
    ratios = show(f"(b) {said}: the step alone", alone, "pluglm's technique")
    goal("datasketch / pluglm, the step alone", ratios.get("datasketch"), 4)


def point_tokens(bench: Bench) -> None:
    """(c)"""
    given = {"input": str(bench.documents()), "tokenizer": str(bench.tokenizer() / "tokenizer.json")}
    programs = [Program("pluglm", "pluglm_encode", given, folder=False)]
    for method in ("encode_batch", "encode_batch_fast"):
        programs.append(Program(method, "encode_batch", given | {"method": method}, "tokenizers", folder=False))
    runs = bench.compare(programs)
    ratios = show(f"(c) encoding ({bench.documents().stat().st_size / 1e6:,.1f} MB), the call alone", runs)
    goal("encode_batch / pluglm", ratios.get("encode_batch"), 3)


def point_augment(bench: Bench) -> None:
    """(d)"""
    texts = bench.texts()
    inputs = {
        "sentences": data_input.sentences(texts, 20_000),
        "passages of 200 words": data_input.near_duplicates(texts, 1_000),
    }
    for what, documents in inputs.items():
        path = data_input.once(
            bench.folder / f"{what.split()[0]}.jsonl",
            lambda path, chosen=documents: data_input.write_documents(path, chosen),  # type: ignore[misc]
        )
        for name, action in (("random_swap", "swap"), ("random_deletion", "delete")):
            runs = bench.compare(
                [
                    Program("pluglm", "pluglm_texts", {"input": str(path), "name": name}, folder=False),
                    Program(STEP, "pluglm_step", {"input": str(path), "name": name}, folder=False),
                    Program("nlpaug", "nlpaug", {"input": str(path), "action": action}, "nlpaug", folder=False),
                ]
            )
            ratios = show(f"(d) {name} of {len(documents):,} {what}, texts to texts", runs, digits=3)
            goal("nlpaug / pluglm", ratios.get("nlpaug"), 20)
            if "nlpaug" in ratios:
                print(f"nlpaug / pluglm's step, with documents, ids and account: {ratios['nlpaug'] / ratios[STEP]:.2f}")


def point_steps(bench: Bench) -> None:
    """(e)"""
    count, steps = 200_000, 10
    path = data_input.once(
        bench.folder / "short.jsonl",
        lambda path: data_input.write_documents(path, (f"Document {number} says little." for number in range(count))),
    )
    words = ["source=jsonl", f"source.jsonl.paths=[{path}]", "preprocessor=[]", "data.workers=1"]
    given = {"words": words, "examples": False}
    runs = bench.compare(
        [
            Program("no step", "pluglm", given),
            Program(f"{steps} steps", "pluglm", given | {"no_ops": steps}),
        ]
    )
    show(f"(e) {count:,} documents through steps that do nothing", runs, "no step")
    pairs = zip(runs["no step"], runs[f"{steps} steps"], strict=True)
    each = [1e6 * (more.cpu - less.cpu) / count / steps for less, more in pairs]
    print(f"µs for each document and step: {spread(each, 2)}")
    goal("µs for each document and step", statistics.median(each), 2, most=True)


def point_workers(bench: Bench) -> None:
    """(f)"""
    runs = bench.compare(
        [
            Program("one worker", "pluglm", {"words": warc_words(bench, 1)}),
            # What goes through one process alone (learning the merges) may have as many threads as there are workers.
            Program("two workers", "pluglm", {"words": warc_words(bench, 2)}, threads=2),
        ]
    )
    show("(f) WARC to tokens by one and by two processes", runs, "one worker")
    pairs = zip(runs["one worker"], runs["two workers"], strict=True)
    faster = [one.wall / two.wall for one, two in pairs]
    print(f"wall time of one / of two: {spread(faster, 2)}")
    goal("wall time of one / of two", statistics.median(faster), 1.8)


def point_memory(bench: Bench) -> None:
    """(g)"""
    texts, runs = bench.texts(), dict[str, list[Run]]()
    for size in bench.sizes:
        path = data_input.once(
            bench.folder / f"grown-{size:g}.jsonl",
            lambda path, size=size: data_input.write_documents(path, data_input.grown(texts, size)),  # type: ignore[misc]
        )
        for tokenizer in ("byte", "bpe"):
            words = [
                *(
                    "source=jsonl",
                    f"source.jsonl.paths=[{path}]",
                    "preprocessor=[normalize,lowercase,exact_dedup,length]",
                ),
                *(f"tokenizer={tokenizer}", "data.workers=2"),
            ]
            program = Program(f"{size:g} MB, {tokenizer}", "pluglm", {"words": words})
            python = bench.python("pluglm")
            if python:
                runs[program.label] = [bench.run(program, python)]
    if runs:
        show("(g) memory, by the size of the input; two workers", runs, next(iter(runs)))


POINTS = {
    name.removeprefix("point_"): function for name, function in list(globals().items()) if name.startswith("point_")
}


def main() -> None:
    """Print a table for each point."""
    parser = argparse.ArgumentParser(description="preparing data with pluglm, beside other programs")
    parser.add_argument("--only", default=",".join(POINTS), help="points, separated by commas: %(default)s")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--corpus", type=Path, help="a folder of .html files; else Python's standard library")
    parser.add_argument("--pages", type=int, default=4000, help="pages at most: %(default)s")
    parser.add_argument("--sizes", default="10,100,1000", help="MB of text for `memory`: %(default)s")
    parser.add_argument("--python", action="append", default=[], metavar="LIBRARY=PYTHON", help="where a library is")
    parser.add_argument("--folder", type=Path, help="where inputs are kept for another time; else nowhere")
    given = parser.parse_args()
    chosen = given.only.split(",")
    if unknown := set(chosen) - POINTS.keys():
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}; known: {', '.join(POINTS)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        pythons = dict(each.split("=", 1) for each in given.python)
        sizes = [float(size) for size in given.sizes.split(",")]
        bench = Bench(folder.absolute(), given.corpus, given.pages, given.repeats, pythons, sizes)
        if bench.python("pluglm") is None:
            return
        for name in chosen:
            POINTS[name](bench)


if __name__ == "__main__":
    main()
