"""A corpus of mistakes in configs: each must be answered with the path, the reason and what to write instead."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pluglm.config.compose import compose
from pluglm.errors import ConfigError

# Words of the command line; parts that the answer must contain.
MISTAKES: list[tuple[list[str], list[str]]] = [
    # Misspelt groups and keys at the top.
    (["optimzer=sgd"], ["optimzer", "did you mean 'optimizer'"]),
    (["optimiser=sgd"], ["optimiser", "'optimizer'"]),
    (["modle=causal_lm"], ["modle", "'model'"]),
    (["objectives=clm"], ["objectives", "'objective'"]),
    (["preprocesor=[lowercase]"], ["preprocesor", "'preprocessor'"]),
    (["agumenter=[random_swap]"], ["agumenter", "'augmenter'"]),
    (["tokeniser=bpe"], ["tokeniser", "'tokenizer'"]),
    (["shedule=cosine"], ["shedule", "'schedule'"]),
    (["regulariser=[l1]"], ["regulariser", "'regularizer'"]),
    (["debiasser=leace"], ["debiasser", "'debiaser'"]),
    (["compresser=dynamic_int8"], ["compresser", "'compressor'"]),
    (["evaluater=[perplexity]"], ["evaluater", "'evaluator'"]),
    (["paralellism=data"], ["paralellism", "'parallelism'"]),
    (["sources=[text_files]"], ["sources", "'source'"]),
    (["trian.steps=5"], ["trian.steps", "'train'"]),
    (["dat.sequence_length=64"], ["dat.sequence_length", "'data'"]),
    (["data.mixture.epoch=1"], ["data.mixture has no such key", "'epochs'"]),
    (["model=pretrained", "model.path=x", "model.lora.dropuot=1"], ["model.lora has no such key", "'dropout'"]),
    (["sede=1"], ["sede", "'seed'"]),
    (["experimet=smoke"], ["experimet", "'experiment'"]),
    (["nmae=x"], ["nmae", "'name'"]),
    (["outputs.dir=x"], ["outputs.dir", "'output'"]),
    (["zzz=1"], ["zzz=1", "known:"]),
    # Misspelt techniques.
    (["optimizer=adamv"], ["optimizer=adamv", "'adam"]),
    (["optimizer=sdg"], ["optimizer=sdg", "'sgd'"]),
    (["optimizer=Adam"], ["optimizer=Adam", "'adam"]),
    (["objective=cml"], ["objective=cml", "lm'"]),
    (["objective=clasification"], ["'classification'"]),
    (["model=casual_lm"], ["'causal_lm'"]),
    (["model=masked"], ["'masked_lm'"]),
    (["tokenizer=bpee"], ["'bpe'"]),
    (["tokenizer=bytes"], ["'byte'"]),
    (["schedule=cosin"], ["'cosine'"]),
    (["schedule=constnat"], ["'constant'"]),
    (["parallelism=singel"], ["'single'"]),
    (["preprocessor=[lowercas]"], ["preprocessor=lowercas", "'lowercase'"]),
    (["preprocessor=[normalise]"], ["'normalize'"]),
    (["preprocessor=[normalize,near_dedupe]"], ["'near_dedup'"]),
    (["preprocessor=exact_dedupe"], ["'exact_dedup'"]),
    (["augmenter=[random_swop]"], ["'random_swap'"]),
    (["regularizer=[early_stoping]"], ["'early_stopping'"]),
    (["debiaser=leece"], ["'leace'"]),
    (["debiaser=[counterfactuals]"], ["'counterfactual'"]),
    (["compressor=[magnitude_prunning]"], ["'magnitude_pruning'"]),
    (["compressor=dynamic_int4"], ["'dynamic_int8'"]),
    (["evaluator=[perplexty]"], ["'perplexity'"]),
    (["source=[jsonlines]"], ["'jsonl'"]),
    (["source=[text_file]"], ["'text_files'"]),
    (["experiment=smok"], ["experiment=smok", "'smoke'"]),
    (["experiment=pretrain_gtp"], ["'pretrain_gpt'"]),
    # A technique of another family.
    (["optimizer=cosine"], ["optimizer=cosine", "technique of schedule"]),
    (["preprocessor=[random_swap]"], ["technique of augmenter"]),
    (["regularizer=[leace]"], ["technique of debiaser"]),
    (["objective=bpe"], ["technique of tokenizer"]),
    # Misspelt parameters.
    (["optimizer.lrr=1"], ["optimizer.lrr=1", "'lr'"]),
    (["optimizer.weightdecay=0.1"], ["'weight_decay'"]),
    (["optimizer.wd_strength=0.1"], ["optimizer.wd_strength", "no such key"]),
    (["optimizer=sgd", "optimizer.momentun=0.9"], ["'momentum'"]),
    (["schedule.warm_up=10"], ["'warmup'"]),
    (["tokenizer.vocabsize=100"], ["'vocab_size'"]),
    (["model.sise=nano"], ["'size'"]),
    (["objective=mlm", "objective.probabilty=0.2"], ["'probability'"]),
    (["preprocessor=[near_dedup]", "preprocessor.near_dedup.treshold=0.8"], ["near_dedup.treshold", "'threshold'"]),
    (["train.step=5"], ["train.step", "'steps'"]),
    (["train.batchsize=5"], ["'batch_size'"]),
    (["train.grad_accumulation=2"], ["'gradient_accumulation'"]),
    (["data.seq_length=64"], ["'sequence_length'"]),
    (["data.packed=true"], ["'packing'"]),
    (["output.folders=x"], ["'folder'"]),
    # A key of another technique.
    (["optimizer=sgd", "optimizer.beta1=0.9"], ["optimizer.beta1", "optimizer=adam"]),
    (["optimizer=adamw", "optimizer.nesterov=true"], ["optimizer.nesterov", "optimizer=sgd"]),
    (["optimizer=adamw", "optimizer.momentum=0.9"], ["optimizer=sgd"]),
    (["objective=clm", "objective.probability=0.2"], ["objective.probability", "objective=mlm"]),
    (["tokenizer=byte", "tokenizer.vocab_size=300"], ["tokenizer=bpe"]),
    (["model=causal_lm", "model.path=x"], ["model=pretrained"]),
    # A key at the wrong level.
    (["lr=0.1"], ["lr", "optimizer.lr"]),
    (["steps=10"], ["train.steps"]),
    (["batch_size=10"], ["train.batch_size"]),
    (["sequence_length=64"], ["data.sequence_length"]),
    (["warmup=10"], ["schedule.warmup"]),
    (["vocab_size=512"], ["tokenizer.vocab_size"]),
    (["near_dedup.threshold=0.8"], ["preprocessor.near_dedup.threshold"]),
    (["train.lr=0.1"], ["train.lr"]),
    (["seed.value=1"], ["seed", "single value"]),
    (["preprocessor.threshold=0.8"], ["preprocessor.threshold"]),
    # A step that is not selected.
    (
        ["preprocessor=[normalize]", "preprocessor.near_dedup.threshold=0.8"],
        ["not among", "preprocessor=[...,near_dedup]"],
    ),
    (["regularizer.l1.strength=0.1"], ["regularizer=[...,l1]"]),
    (["debiaser.leace.field=x"], ["debiaser=[...,leace]"]),
    # Wrong types.
    (["optimizer.lr=fast"], ["optimizer.lr=fast", "number"]),
    (["optimizer.lr=true"], ["optimizer.lr", "true or false"]),
    (["optimizer.lr=null"], ["optimizer.lr", "number"]),
    (["optimizer.lr=[1,2]"], ["optimizer.lr", "number"]),
    (["optimizer.betas=0.9"], ["optimizer.betas"]),
    (["train.steps=ten"], ["train.steps=ten"]),
    (["train.steps=1.5"], ["train.steps=1.5"]),
    (["train.batch_size=true"], ["train.batch_size"]),
    (["train.precision=fp8"], ["train.precision=fp8", "fp32"]),
    (["data.packing=perhaps"], ["data.packing=perhaps"]),
    (["seed=abc"], ["seed=abc"]),
    (["seed=1.5"], ["seed=1.5"]),
    (["model.size=tiny"], ["model.size=tiny", "must be one of"]),
    (["name=a/b"], ["name=a/b"]),
    # Out of range.
    (["optimizer.lr=0"], ["optimizer.lr=0", "greater than 0"]),
    (["optimizer.lr=-1"], ["greater than 0"]),
    (["optimizer.weight_decay=-0.1"], ["greater than or equal to 0"]),
    (["optimizer.lr=inf"], ["optimizer.lr", "finite"]),
    (["optimizer.lr=nan"], ["optimizer.lr"]),
    (["train.steps=0"], ["train.steps=0"]),
    (["train.batch_size=0"], ["train.batch_size=0"]),
    (["train.gradient_accumulation=0"], ["train.gradient_accumulation=0"]),
    (["train.max_grad_norm=-1"], ["train.max_grad_norm=-1"]),
    (["data.validation_fraction=1"], ["data.validation_fraction=1", "less than 1"]),
    (["data.validation_fraction=0"], ["greater than 0"]),
    (["data.sequence_length=1"], ["data.sequence_length=1"]),
    (["seed=-1"], ["seed=-1"]),
    (["preprocessor=[near_dedup]", "preprocessor.near_dedup.threshold=1.5"], ["preprocessor.near_dedup.threshold=1.5"]),
    (["augmenter=[random_swap]", "augmenter.random_swap.probability=2"], ["augmenter.random_swap.probability=2"]),
    (["objective=mlm", "objective.probability=0"], ["objective.probability=0"]),
    (["optimizer=sgd", "optimizer.momentum=-1"], ["optimizer.momentum=-1"]),
    # Missing values.
    (["source=[text_files]"], ["source.text_files.paths", "is required"]),
    (["source=[jsonl]"], ["source.jsonl.paths", "is required"]),
    (["model=pretrained"], ["model.path", "is required"]),
    (["compressor=[distillation]"], ["compressor.distillation.teacher", "is required"]),
    (["train.steps=5", "train.epochs=1"], ["only one of steps, epochs and tokens"]),
    (["source=[]"], ["source", "at least one"]),
    # Paths that lead nowhere.
    (["source=[text_files]", "source.text_files.paths=nowhere/*.txt"], ["source.text_files.paths", "nowhere"]),
    (["model=pretrained", "model.path=nowhere"], ["model.path", "nowhere"]),
    # One name twice; several where one is taken, and the other way round.
    (["preprocessor=[lowercase,lowercase]"], ["lowercase is listed twice"]),
    (["preprocessor=[normalize,length,normalize]"], ["normalize is listed twice"]),
    (["evaluator=[perplexity,perplexity]"], ["listed twice"]),
    (["optimizer=[adamw,sgd]"], ["optimizer", "exactly one"]),
    (["objective=[clm]"], ["objective", "exactly one"]),
    (["optimizer=null"], ["optimizer"]),
    (["preprocessor=null"], ["preprocessor"]),
    (["train=5"], ["train=5", "train.steps"]),
    # Words that are no override.
    (["optimizer"], ["optimizer", "key=value"]),
    (["=sgd"], ["=sgd"]),
    (["preprocessor=[lowercase"], ["preprocessor=[lowercase"]),
    # Techniques that do not go together.
    (["objective=mlm", "model=causal_lm"], ["model=causal_lm", "objective=mlm", "did you mean model=masked_lm"]),
    (["objective=clm", "model=masked_lm"], ["model=masked_lm", "did you mean model=causal_lm"]),
    (["parallelism=data", "train.batch_size=1"], ["train.batch_size=1", "2 processes"]),
]


@pytest.mark.parametrize(
    ("words", "parts"), MISTAKES, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_each_mistake_is_answered(words: list[str], parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        compose(words)
    answer = str(caught.value)
    for part in parts:
        assert part in answer, answer
    assert len(answer.splitlines()) == len(caught.value.problems)
    assert "Traceback" not in answer


def test_there_are_a_hundred() -> None:
    assert len(MISTAKES) >= 100


def test_all_problems_are_reported_at_once() -> None:
    words = ["optimzer=sgd", "objective=cml", "train.steps=0", "optimizer.lr=0", "preprocessor=[length,length]"]
    with pytest.raises(ConfigError) as caught:
        compose(words)
    assert len(caught.value.problems) == 5
    # A list whose only entry is wrong is not too short as well.
    with pytest.raises(ConfigError) as caught:
        compose(["preprocessor=[personal_data]", "preprocessor.personal_data.kinds=[mail]"])
    assert [problem.path for problem in caught.value.problems] == ["preprocessor.personal_data.kinds.0"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("train: {steps: [", "not valid YAML"),
        ("# @package _global_\ntrain:\n  stepz: 3\n", "'steps'"),
        ("# @package _global_\ntrian:\n  steps: 3\n", "'train'"),
        ("# @package _global_\ndefaults:\n  - override /optimizer: nosuch\n", "nosuch"),
        ("# @package _global_\npreprocessor:\n  again: {name: nosuch}\n", "preprocessor.again"),
        ("# @package _global_\npreprocessor:\n  again: 5\n", "preprocessor.again=5"),
        ("# @package _global_\nseed: ${nowhere}\n", "nowhere"),
    ],
)
def test_mistakes_in_a_file(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        compose(["experiment=mine"], config_dir=tmp_path)
    assert part in str(caught.value)


def test_a_second_use_of_one_technique_takes_a_label(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    text = "# @package _global_\npreprocessor:\n  again: {name: lowercase}\n"
    (tmp_path / "experiment" / "mine.yaml").write_text(text)
    config = compose(["experiment=mine", "preprocessor=[lowercase,length]"], config_dir=tmp_path)
    assert list(config.preprocessor) == ["lowercase", "length", "again"]


def test_a_mistake_ends_with_exit_code_2_and_without_torch() -> None:
    program = (
        "import sys\nfrom pluglm.cli import main\n"
        "sys.argv = ['pluglm', 'check', 'optimizer.lrr=1', 'objective=mlm', 'model=causal_lm']\n"
        "try:\n    main()\nexcept SystemExit as end:\n"
        "    print(end.code, [m for m in ('torch', 'transformers', 'accelerate') if m in sys.modules])\n"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip().splitlines()[-1] == "2 []", done.stdout + done.stderr
    assert "optimizer.lrr=1" in done.stderr and "Traceback" not in done.stderr
    assert time.perf_counter() - start < 30
