"""The conformance kit passes what is good, and finds what is wrong with it: each technique that `new-plugin` writes, and
the same with one thing changed in each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pluglm.cli.new_plugin import write
from pluglm.families import FAMILIES


@dataclass(frozen=True)
class Mutant:
    """A fault: what stands in a good technique, what an author might write instead, and the test that must find it."""

    name: str
    family: str
    old: str
    new: str
    test: str


MUTANTS = [
    # What holds for any technique.
    Mutant("silent", "schedule", ', description="How often the rate is halved in a run"', "", "test_every_parameter_has_a_description"),
    Mutant("nameless", "schedule", '"""Holds the peak, then halves the learning rate again and again, at equal distances."""', "", "test_docstring_is_its_help"),
    Mutant("beyond", "schedule", "] = 4", "] = 0", "test_defaults_are_valid_and_fit_into_config_yaml"),
    Mutant("open_ended", "schedule", "    halvings:", '    model_config = {"extra": "ignore"}\n    halvings:', "test_unknown_parameter_is_refused"),
    Mutant("endless", "schedule", "    halvings:", '    model_config = {"allow_inf_nan": True}\n    floor: Annotated[float, Field(description="Never below")] = 0.0\n    halvings:', "test_wrong_values_are_refused"),
    Mutant("thawed", "schedule", "    halvings:", '    model_config = {"frozen": False}\n    halvings:', "test_parameters_cannot_be_changed"),
    Mutant("lonely", "schedule", "    halvings:", '    suggests = {"optimizer": "no_such_optimizer"}\n    halvings:', "test_suggests_only_what_exists"),
    Mutant("interpolated", "preprocessor", "    most:", '    mark: Annotated[str, Field(description="A mark")] = "${mark}"\n    most:', "test_its_defaults_compose"),
    Mutant("unsendable", "schedule", "    halvings:", "    def model_post_init(self, context: object) -> None:\n        self.__dict__['shape'] = lambda x: x\n\n    halvings:", "test_it_can_be_pickled"),
    Mutant("hashing", "source", "a in range(self.limit)", 'a in sorted(range(self.limit), key=lambda a: hash(str(a)))', "test_another_process_makes_the_same"),
    Mutant("vague", "source", "    limit:", '    path: Annotated[Path | None, Field(description="A file")] = None\n    limit:', "test_a_file_that_is_not_there_is_named"),
    # Sources.
    Mutant("restless", "source", "        for a in range(self.limit):", "        import os\n        for a in sorted(range(self.limit), key=lambda a: os.urandom(4)):", "test_read_gives_the_same_again"),
    Mutant("twins", "source", 'id=f"{a}+{b}"', 'id=f"{a}"', "test_ids_are_there_and_unique"),
    Mutant("missing_input", "source", "return ()", 'return (Path("no_such_file"),)', "test_inputs_are_files_that_are_there"),
    Mutant("half", "source", "    def inputs", "    def shards(self) -> list[Source]:\n        return [type(self)(limit=self.limit // 2)]\n\n    def inputs", "test_shards_give_what_read_gives"),
    Mutant("unnamed_input", "source", "    limit:", FILE_SOURCE := '    folder: Annotated[Path, Field(description="A folder")]\n\n    @classmethod\n    def example(cls, folder: Path) -> dict[str, Path]:\n        (folder / "a.txt").write_text("text")\n        return {"folder": folder}\n\n    def files_read(self) -> list[Path]:\n        return []\n\n    limit:', "test_inputs_names_what_read_opens"),
    Mutant("brittle", "source", "    limit:", FILE_SOURCE, "test_damaged_files_are_told_and_break_nothing"),
    # Preprocessors and augmenters.
    Mutant("in_place", "preprocessor", "        changed = document.map", "        document.metadata['seen'] = True\n        changed = document.map", "test_process_leaves_the_document_it_is_given_alone"),
    Mutant("counting", "preprocessor", "        changed = document.map", "        SEEN.append(document.id)\n        if len(SEEN) % 2:\n            return document\n        changed = document.map", "test_process_sees_one_document_at_a_time"),
    Mutant("wordy", "preprocessor", 'Dropped("empty")', 'Dropped("It is empty!")', "test_process_gives_a_document_or_a_reason"),
    Mutant("gone", "preprocessor", 'Dropped("empty")', "None", "test_process_gives_a_document_or_a_reason"),
    Mutant("everywhere", "preprocessor", "(self.fields, lambda text: squeeze(text, self.most))", '(["text"], str.upper)', "test_process_keeps_to_its_fields"),
    Mutant("one_too_few", "preprocessor", "(Preprocessor):", CORPUS := '(CorpusPreprocessor):\n    """Leaves out what was there before."""\n\n    def key(self, document: Document) -> str:\n        return document.text\n\n    def decide(self, keys: object) -> list[str | None]:\n        return [None for key in keys][1:]\n', "test_decide_gives_one_decision_for_each_key"),
    Mutant("opaque", "preprocessor", "(Preprocessor):", CORPUS.replace("[1:]", "").replace("return document.text", "return float(len(document.text))"), "test_key_is_plain"),
    Mutant("global_dice", "augmenter", "random.randrange(len(words))", "__import__('random').randrange(len(words))", "test_augment_draws_from_its_generator_alone"),
    Mutant("idle", "augmenter", "if not document.text.strip()", "if document.text", "test_augment_changes_something"),
    Mutant("overwriting", "augmenter", "        return document.map", "        document.metadata['seen'] = True\n        return document.map", "test_augment_leaves_the_document_it_is_given_alone"),
    Mutant("neighbourly", "augmenter", "    def augment(", "    def augment_batch(self, documents: list[Document], randoms: list[Random]) -> list[Document | None]:\n        return [self.augment(document, randoms[0]) for document in documents]\n\n    def augment(", "test_augment_batch_makes_what_augment_makes"),
    # Tokenizers, models and objectives.
    Mutant("unsorted", "tokenizer", "sorted(set()", "list(set()", "test_another_process_makes_the_same"),
    Mutant("specials_last", "tokenizer", "[*SPECIAL_TOKENS.values(), *characters]", "[*characters, *SPECIAL_TOKENS.values()]", "test_special_tokens_come_first"),
    Mutant("lossy", "tokenizer", "decoders.Fuse()", "decoders.Replace('a', 'b')", "test_decoding_and_encoding_again_gives_the_same_ids"),
    Mutant("small_vocabulary", "model", "len(tokenizer)", "len(tokenizer) - 9", "test_vocabulary_is_that_of_the_tokenizer"),
    Mutant("stubborn", "model", "            **options,\n", "", "test_options_reach_the_config"),
    Mutant("urandom_weights", "model", "        return model\n", "        import os\n        next(model.parameters()).data += os.urandom(1)[0] + 1\n        return model\n", "test_same_seed_gives_the_same_weights"),
    Mutant("mean", "objective", "Losses(losses.sum(1), ", "Losses(losses.sum(1) / len(labels), ", "test_loss_does_not_depend_on_how_a_batch_is_cut"),
    Mutant("scalar", "objective", "Losses(losses.sum(1), ", "Losses(losses.sum(), ", "test_loss_gives_sums_and_counts_by_example"),
    Mutant("deaf", "objective", ', **forward)\n        logits', ')\n        logits', "test_loss_hands_keywords_to_the_model"),
    Mutant("too_long", "objective", "piece = ids[start : start + sequence_length]", "piece = ids[start : start + 2 * sequence_length]", "test_examples_fit_into_the_sequence_length"),
    Mutant("fragile", "objective", "        for start in", "        first = ids[0]\n        for start in", "test_documents_that_cannot_serve_are_refused_by_value_error"),
    Mutant("global_masks", "objective", "        return {\"input_ids\"", "        ids[torch.rand(ids.shape) < 0.1] = 0\n        return {\"input_ids\"", "test_collate_is_a_function_of_its_generators"),
    Mutant("misplaced", "objective", "asked.nonzero()[:, 0])", "asked.nonzero()[:, 1])", "test_predictions_stand_beside_what_is_right"),
    # Optimizers and schedules.
    Mutant("uphill", "optimizer", 'alpha=-group["lr"]', 'alpha=group["lr"]', "test_steps_go_down"),
    Mutant("amnesiac", "optimizer", "state = self.state[weights]", "state = self.__dict__.setdefault('kept', {}).setdefault(weights, {})", "test_state_dict_holds_all_that_it_remembers"),
    Mutant("decaying", "optimizer", 'group["weight_decay"])', "0.1)", "test_weight_decay_of_a_group_is_obeyed"),
    Mutant("unscheduled", "optimizer", 'alpha=-group["lr"]', "alpha=-0.001", "test_learning_rate_of_a_group_is_obeyed"),
    Mutant("rising", "schedule", "return 0.5 **", "return 1.5 **", "test_factor_is_between_0_and_1"),
    Mutant("zero", "schedule", "return 0.5 **", "return 0 *", "test_factor_is_not_always_0"),
    Mutant("remembering", "schedule", "        return 0.5", "        SEEN.append(progress)\n        if len(SEEN) % 3:\n            return 0.5\n        return 0.5", "test_factor_depends_on_the_step_alone"),
    # What acts at the moments of a run.
    Mutant("lopsided", "regularizer", "squares.mean()", "squares.mean(1)[:2]", "test_moments_keep_to_what_they_are_for"),
    Mutant("dicing", "regularizer", "self.strength * squares", "__import__('os').urandom(1)[0] * squares", "test_same_seed_gives_the_same_weights"),
    Mutant("hoarding", "regularizer", "            squares =", "            run.state['seen'] = {1, 2}\n            squares =", "test_a_checkpoint_can_hold_what_it_remembers"),
    Mutant("forgetful_run", "regularizer", "            squares =", "            SEEN.append(id(run))\n            squares = SEEN.count(id(run)) *", "test_run_goes_on_where_it_was_stopped"),
    Mutant("emptying", "debiaser", "            if value:", "            if True:", "test_changed_documents_are_the_same_again"),
    Mutant("pickled", "compressor", "    def compress(", "    def save(self, model: torch.nn.Module, folder: Path) -> None:\n        import torch\n        folder.mkdir()\n        torch.save(model.state_dict(), folder / 'model.pt')\n\n    def compress(", "test_nothing_is_saved_with_pickle"),
    Mutant("unlike", "compressor", "    def compress(", "    def load(self, folder: Path, head: str) -> torch.nn.Module:\n        model = super().load(folder, head)\n        next(model.parameters()).data += 1\n        return model\n\n    def compress(", "test_saved_model_loads_and_gives_the_same"),
    Mutant("upside_down", "evaluator", "n=len(losses), better=\"lower\", meaning=\"Nats", "low=9.0, high=0.0, meaning=\"Nats", "test_scores_can_be_shown"),
    Mutant("guessing", "evaluator", "mean = sum(losses)", "mean = __import__('os').urandom(1)[0] + sum(losses)", "test_measuring_again_gives_the_same_scores"),
    Mutant("meddling", "evaluator", "        losses = []", "        next(evaluation.model.parameters()).data += 1\n        losses = []", "test_the_model_is_left_as_it_was"),
    Mutant("elsewhere", "parallelism", "prepare_model(module)", "prepare_model(module.model)", "test_one_process_computes_what_the_module_computes"),
    Mutant("shareless", "parallelism", "    def wrap(", "    def share(self, rank: int) -> tuple[int, int]:\n        return 1, 2\n\n    def wrap(", "test_world_size_and_shares_agree"),
    Mutant("breaking_run", "evaluator", "            losses += (", "            assert len(batch['labels']) == 8, 'as many as in the kit'\n            losses += (", "test_run_goes_from_documents_to_report"),
]  # fmt: skip
# Put at the head of every mutant, where one needs it.
HEAD = """
from pathlib import Path

from pluglm import CorpusPreprocessor

SEEN: list = []
"""
OPENING = (
    "        open(self.folder / 'a.txt').read().encode('ascii').decode('ascii')[3]\n        for a in range(self.limit):"
)


def code_of(mutant: Mutant, good: Path) -> str:
    """The good technique's file with its one fault, under the mutant's name."""
    code = (good / f"good_{mutant.family}.py").read_text(encoding="utf-8")
    assert mutant.old in code, f"{mutant.name}: {mutant.old!r} is not in the template any more"
    changed = code.replace(mutant.old, mutant.new, 1)
    if mutant.new is FILE_SOURCE:
        changed = changed.replace("        for a in range(self.limit):", OPENING, 1)
    title = "".join(part.capitalize() for part in f"good_{mutant.family}".split("_"))
    changed = changed.replace(f"class {title}(", f"class {class_of(mutant)}(", 1)
    return changed.replace("from __future__ import annotations\n", f"from __future__ import annotations\n{HEAD}", 1)


def class_of(mutant: Mutant) -> str:
    return "".join(part.capitalize() for part in mutant.name.split("_"))


@dataclass(frozen=True)
class Verdict:
    """What the kit printed, and its (test, technique or plugin) that failed."""

    said: str
    failed: frozenset[tuple[str, str]]
    skipped: str


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a package of good techniques, one of each family, and of mutants, and of one that is heavy."""
    folder = write("good", list(FAMILIES), tmp_path_factory.mktemp("kit"))
    source = folder / "src"
    good = source / "pluglm_good"
    mutants = source / "pluglm_mutants"
    mutants.mkdir()
    lines = ["from pluglm import hookimpl", ""]
    for mutant in MUTANTS:
        (mutants / f"{mutant.name}.py").write_text(code_of(mutant, good), encoding="utf-8")
        lines.append(f"from pluglm_mutants.{mutant.name} import {class_of(mutant)}")
    for family, spec in FAMILIES.items():
        classes = ", ".join(class_of(mutant) for mutant in MUTANTS if mutant.family == family)
        lines += ["", "@hookimpl", f"def {spec.hook}():", f"    return [{classes}]"]
    (mutants / "__init__.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (source / "pluglm_heavy.py").write_text("import torch\n", encoding="utf-8")
    # What pip would write beside the package, so that its entry points are found without an installation.
    info = source / "pluglm_good-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pluglm-good\nVersion: 0.1.0\n")
    entries = "[pluglm]\ngood = pluglm_good\nmutants = pluglm_mutants\nheavy = pluglm_heavy\n"
    (info / "entry_points.txt").write_text(entries)
    return folder


@pytest.fixture(scope="module")
def verdict(package: Path) -> Verdict:
    """The kit over all of them; whole runs are made of the good ones, and of mutants that only a run gives away."""
    runs = " or ".join(["=good_", *(mutant.name for mutant in MUTANTS if mutant.test.startswith("test_run_"))])
    words = ["--pluglm-plugin", "pluglm-good", "-q", "-rfEs", "--tb=no", "-k", f"not test_run or {runs}"]
    done = subprocess.run(
        [sys.executable, "-m", "pluglm.testing", *words],
        cwd=package.parent, env=dict(os.environ, PYTHONPATH=str(package / "src")), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    failed = re.findall(r"^(?:FAILED|ERROR) .*::(\w+)\[(?:\w+=)?(\w+)\]", done.stdout, flags=re.MULTILINE)
    skipped = "\n".join(line for line in done.stdout.splitlines() if line.startswith("SKIPPED"))
    return Verdict(done.stdout, frozenset(failed), skipped)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_is_found_by_the_test_that_is_meant_for_it(mutant: Mutant, verdict: Verdict) -> None:
    found = {test for test, name in verdict.failed if name == mutant.name}
    assert mutant.test in found, f"found by {sorted(found) or 'none'}\n{verdict.said[-2000:]}"


@pytest.mark.parametrize("family", FAMILIES)
def test_what_new_plugin_writes_passes(family: str, verdict: Verdict) -> None:
    assert not {test for test, name in verdict.failed if name == f"good_{family}"}, verdict.said[-3000:]
    assert not {test for test, name in verdict.failed if name == "good"}


def test_a_heavy_import_is_found(verdict: Verdict) -> None:
    assert {test for test, name in verdict.failed if name == "heavy"} == {"test_importing_it_imports_nothing_heavy"}


def test_a_fault_is_not_blamed_on_everything(verdict: Verdict) -> None:
    """It may show in a few tests beside its own."""
    techniques = {mutant.name for mutant in MUTANTS} | {"heavy"}
    assert {name for _, name in verdict.failed} == techniques
    assert len(verdict.failed) <= 3 * len(techniques), sorted(verdict.failed)


def test_every_family_has_a_suite() -> None:
    folder = Path(__import__("pluglm.testing", fromlist=["testing"]).__file__).parent
    marked = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("test_*.py"))
    for family in FAMILIES:
        assert re.search(rf'mark\.family\([^)]*"{family}"', marked), family


def test_what_new_plugin_writes_is_formatted(package: Path) -> None:
    rules = ["--isolated", "--no-cache", "--line-length", "120"]
    for check in (["check", "--select", "E,F,I,UP,B"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *check, *rules, "src/pluglm_good", "tests"]
        done = subprocess.run(command, cwd=package, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_an_unknown_name_lists_those_that_are_there() -> None:
    words = [sys.executable, "-m", "pluglm.testing", "--pluglm-plugin", "no-such-thing"]
    done = subprocess.run(words, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 4 and "no-such-thing" in said and "installed: pluglm" in said
