"""The conformance kit finds what is wrong with a plugin."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

FAULTY = '''
import random
from collections.abc import Iterator
from typing import Annotated

from pluglm import *
from pydantic import Field

CALLS, SEEN = [0], set()


class Restless(Source):
    """Gives its documents in another order each time."""

    def read(self):
        CALLS[0] += 1
        for number in range(30):
            yield Document(f"text {number}", id=str(number * (-1) ** CALLS[0]))

    def inputs(self):
        return ()


class Nameless(Source):
    """Gives documents without ids."""

    def read(self):
        yield from (Document(f"text {number}") for number in range(5))

    def inputs(self):
        return ()


class InPlace(Preprocessor):
    """Changes the document that it was given."""

    def process(self, document):
        document.text = document.text.upper()
        return document


class Counting(Preprocessor):
    """Looks at documents that came before."""

    def process(self, document):
        known = document.text in SEEN
        SEEN.add(document.text)
        return Dropped("seen") if known else document


class Wordy(Preprocessor):
    """Drops for reasons nobody can count."""

    def process(self, document):
        return Dropped("It is too long!") if len(document.text) > 50 else document


class Everything(Preprocessor):
    """Works on the text whatever fields were asked for."""

    def process(self, document):
        return document.map_text(["text"], str.upper)


class Forgetful(CorpusPreprocessor):
    """Gives one decision too few."""

    def key(self, document):
        return document.id

    def decide(self, keys):
        return iter([None for _ in keys][1:])


class Global(Augmenter):
    """Draws from everybody's generator."""

    def augment(self, document, random_):
        words = document.text.split()
        random.shuffle(words)
        return document.map_text(["text"], lambda _: " ".join(words) + "x")


class Idle(Augmenter):
    """Never changes anything at all."""

    def augment(self, document, random):
        return None


class Mean(Objective):
    """Divides by itself, so that the result depends on the batch."""
    head = "AutoModelForCausalLM"

    def examples(self, document, tokenizer, sequence_length, fitted):
        yield {"input_ids": tokenizer(document.text)["input_ids"][:sequence_length]}

    def collate(self, examples, tokenizer, generators):
        import torch
        ids = torch.tensor([list(example["input_ids"][:16]) for example in examples])
        return {"input_ids": ids}

    def loss(self, model, batch, **forward):
        import torch
        ids = batch["input_ids"]
        outputs = model(input_ids=ids, **forward)
        losses = torch.nn.functional.cross_entropy(outputs.logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
        return Losses(losses.sum(1) / len(ids), torch.full((len(ids),), 15.0), outputs)

    def predict(self, model, batch):
        import torch
        ids = batch["input_ids"]
        rows = torch.arange(len(ids)).repeat_interleave(ids.shape[1])
        return Predictions(ids.flatten(), ids.flatten(), rows)


class Undescribed(Optimizer):
    """Has a parameter that nobody can understand."""
    strange: float = 0.5

    def build(self, groups):
        import torch
        return torch.optim.SGD(groups, lr=self.lr, weight_decay=self.weight_decay)


class Decaying(Optimizer):
    """Decays what must not be decayed."""

    def build(self, groups):
        import torch
        return torch.optim.SGD([p for group in groups for p in group["params"]], lr=self.lr, weight_decay=0.1)


class Amnesiac(Optimizer):
    """Keeps its momentum where no checkpoint finds it."""

    def build(self, groups):
        import torch

        class Hidden(torch.optim.SGD):
            def step(self, closure=None):
                self.kept = getattr(self, "kept", {})
                for group in self.param_groups:
                    for p in group["params"]:
                        if p.grad is not None:
                            self.kept[p] = 0.9 * self.kept.get(p, 0) + p.grad
                            p.data -= group["lr"] * self.kept[p]

        return Hidden(groups, lr=self.lr)


class Undocumented(Schedule):
    def after_warmup(self, progress):
        return 1.0


class Rising(Schedule):
    """Goes above the peak."""

    def after_warmup(self, progress):
        return 1.0 + progress


class Rolling(Regularizer):
    """Rolls dice of its own, and remembers what no file can hold."""

    def after_step(self, run, step):
        import os
        run.state["dice"] = {1, 2}
        next(run.model.parameters()).data += int.from_bytes(os.urandom(2), "big") / 1e6


class Pickled(Compressor):
    """Saves with pickle."""

    def compress(self, run):
        return run.model

    def save(self, model, folder):
        import torch
        torch.save(model.state_dict(), folder / "model.pt")


class Guessing(Evaluator):
    """Gives another score each time, with its interval upside down."""

    def evaluate(self, evaluation):
        import os
        return [Score("guess", int.from_bytes(os.urandom(4), "big"), low=1.0, high=0.0)]


class Lonely(Schedule):
    """Suggests what does not exist, and takes values that it says it does not."""
    suggests = {"optimizer": "no_such_optimizer"}

    def after_warmup(self, progress):
        return 1.0


class Wandering(Tracker):
    """Is another run each time that it is opened."""

    def open(self, event, remembered):
        import os

        class Row(Tracking):
            def remembered(self):
                return {"id": os.urandom(4).hex()}

            def log(self, event):
                pass

            def end(self, event):
                pass

        return Row()


class Rattling(Tracker):
    """Draws from everybody's generator."""

    def open(self, event, remembered):
        class Row(Tracking):
            def log(self, event):
                random.random()

            def end(self, event):
                pass

        return Row()


class Choosy(Tracker):
    """Cannot take what is not finite."""

    def open(self, event, remembered):
        class Row(Tracking):
            def log(self, event):
                [round(value) for value in event.values.values()]

            def end(self, event):
                pass

        return Row()


FAMILIES = [Source, Preprocessor, Augmenter, Objective, Optimizer, Schedule, Regularizer, Compressor, Evaluator]
FAMILIES += [Tracker]


def registration(base):
    found = [c for c in list(globals().values()) if isinstance(c, type) and issubclass(c, base)]
    return lambda: [c for c in found if c.__module__ == __name__]


for base in FAMILIES:
    name = f"register_{base.family}s"
    globals()[name] = hookimpl(registration(base))
'''

FOUND = {
    "test_source_is_repeatable": ["restless", "nameless"],
    "test_preprocessor_is_a_pure_function": ["in_place", "counting", "wordy"],
    "test_preprocessor_keeps_to_its_fields": ["everything"],
    "test_corpus_preprocessor_decides_over_keys": ["forgetful"],
    "test_augmenter_draws_from_its_generator_alone": ["global", "idle"],
    "test_objective": ["mean"],
    "test_parameters_are_described": ["undescribed"],
    "test_optimizer_obeys_its_groups": ["decaying"],
    "test_optimizer_goes_on_where_it_was": ["amnesiac"],
    "test_is_documented": ["undocumented"],
    "test_schedule_is_a_pure_function": ["rising"],
    "test_moments_of_a_run": ["rolling"],
    "test_compressed_model_loads": ["pickled"],
    "test_evaluator_scores": ["guessing"],
    "test_suggestions_exist": ["lonely"],
    "test_tracker_goes_on_with_a_run": ["wandering", "rattling", "choosy"],
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the kit said of a package full of faults."""
    home = tmp_path_factory.mktemp("faulty")
    info = home / "pluglm_faulty-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pluglm-faulty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pluglm]\nfaulty = pluglm_faulty\n")
    (home / "pluglm_faulty.py").write_text(FAULTY)
    words = ["--pluglm-plugin", "pluglm-faulty", "-q", "-rfE", "--tb=no", "-k", "not test_run"]
    done = subprocess.run(
        [sys.executable, "-m", "pluglm.testing", *words],
        cwd=home, env=dict(os.environ, PYTHONPATH=str(home)), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("test", FOUND)
def test_fault_is_found(test: str, said: str) -> None:
    failed = set(re.findall(rf"::{test}\[\w+=(\w+)\]", said))
    assert set(FOUND[test]) <= failed, said[-3000:]


def test_nothing_else_is_blamed(said: str) -> None:
    techniques = {name for names in FOUND.values() for name in names}
    failures = set(re.findall(r"::(\w+)\[\w+=(\w+)\]", said))
    assert {name for _, name in failures} <= techniques
    # A fault may show in a test or two beside its own.
    assert len(failures) <= 2 * len(techniques), sorted(failures)


def test_an_unknown_name_lists_those_that_are_there() -> None:
    words = [sys.executable, "-m", "pluglm.testing", "--pluglm-plugin", "no-such-thing"]
    done = subprocess.run(words, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 4 and "no-such-thing" in said and "installed: pluglm" in said
