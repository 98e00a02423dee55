"""What a built-in plugin can do, a third party's can; and the core knows no technique."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pluglm
from pluglm.catalog import installed_catalog

ROOT = Path(__file__).parents[1]
NAMES = """
Arguments Augmenter Batch CHART_COLOURS CheckpointWritten Compressor ConfigError CorpusPreprocessor DataError Debiaser
Decision Document Dropped Evaluation Evaluator Example FAMILIES Flag Key Keys LossFunction Losses MemoryShares
MetricsLogged Model Objective Optimizer Parallelism PluglmDeprecationWarning PluglmError Predictions Preprocessor
Problem Regularizer ReportChart ReportSection ReportStarted ReportTable RunConfig RunData RunEnded RunStarted
SPECIAL_TOKENS Schedule Score Scored Source SpecialTokens Step SweepEnded Technique Tokenizer Tracker Tracking
TrainingRun Unreadable Verb comparable_losses computed_keys encode_text format_number format_seconds format_size
hookimpl layer_stacks own_special_tokens page_environment read_run svg_chart write_text
"""
# Words that are also techniques' names: verbs, settings and attributes of their own.
PLAIN_WORDS = set(
    "byte classification constant continuation data dropout github language length linear news normalize parquet "
    "pretrained quality pipeline regex scientific single tensor translation word".split()
)


def imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)


def test_the_public_names_are_these() -> None:
    assert sorted(pluglm.__all__) == sorted(NAMES.split())
    for name in pluglm.__all__:
        assert getattr(pluglm, name) is not None
    assert set(pluglm.__all__) <= set(dir(pluglm))


def test_plugins_import_only_public_names() -> None:
    files = [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "examples").rglob("src/**/*.py")]
    assert len(files) > 60
    for path in files:
        for module, names in imports(path):
            if module.partition(".")[0] == "pluglm":
                assert module == "pluglm" and set(names) <= set(pluglm.__all__), f"{path}: {module} {names}"


def test_families_of_plugins_import_nothing_of_each_other() -> None:
    for folder in (ROOT / "plugins").glob("pluglm_*"):
        for path in folder.rglob("*.py"):
            for module, _ in imports(path):
                root = module.partition(".")[0]
                assert not root.startswith("pluglm_") or root == folder.name, f"{path}: {module}"


def test_the_core_imports_no_plugin() -> None:
    for path in (ROOT / "core").rglob("*.py"):
        for module, _ in imports(path):
            assert not module.startswith("pluglm_"), f"{path}: {module}"


def test_the_core_names_no_technique() -> None:
    names = {technique.name for technique in installed_catalog()} - PLAIN_WORDS
    classes = {technique.__name__ for technique in installed_catalog()}
    classes -= {word.capitalize() for word in PLAIN_WORDS}
    assert len(names) > 25
    word = re.compile(r"(?<![\w.])(" + "|".join(map(re.escape, sorted(names | classes))) + r")(?!\w)")
    found = []
    for path in [*(ROOT / "core").rglob("*.py"), *(ROOT / "core").rglob("*.jinja")]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            found += [f"{path.relative_to(ROOT)}:{number}: {line.strip()}" for _ in word.findall(line)[:1]]
    assert not found, "\n".join(found)
