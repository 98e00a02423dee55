"""Low-rank adapters: their formula, `peft` itself, the base at the start, the merged model at the end, whole runs."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from pydantic import ValidationError
from safetensors.torch import load_file
from small_runs import small_without
from stand_ins import stand_in

from pluglm import ConfigError
from pluglm.config.compose import compose
from pluglm.lifecycle.finished_run import evaluate_again
from pluglm.lifecycle.run import run
from pluglm.runs.folder import read_config
from pluglm.training.recomputation import recompute_activations
from pluglm_models import pretrained
from pluglm_models.causal_lm import CausalLm
from pluglm_models.lora import Lora, targets
from pluglm_models.masked_lm import MaskedLm
from pluglm_models.pretrained import Pretrained
from pluglm_models.seq2seq import Seq2seq
from pluglm_regularizers.dropout import set_dropout
from pluglm_tokenizers.byte import Byte

TOKENIZER = Byte().build(iter(()))
CLM, MLM, CLASSES = "AutoModelForCausalLM", "AutoModelForMaskedLM", "AutoModelForSequenceClassification"
TO_TEXT = "AutoModelForSeq2SeqLM"
LABELS = {"id2label": {0: "bad", 1: "good"}, "label2id": {"bad": 0, "good": 1}}
BASES = {
    "llama": (CausalLm(size="nano"), CLM),
    "gpt2": (CausalLm(size="nano", architecture="gpt2"), CLM),
    "bert": (MaskedLm(size="nano"), MLM),
    "t5": (Seq2seq(size="nano"), TO_TEXT),
}
IDS = torch.arange(20, 36).view(2, 8)


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    folders = {}
    for kind, (technique, head) in BASES.items():
        folders[kind] = tmp_path_factory.mktemp(kind)
        torch.manual_seed(0)
        technique.build(head, TOKENIZER, 16, {}).save_pretrained(folders[kind])
        TOKENIZER.save_pretrained(folders[kind])
    return folders


def built(folder, head, lora=None, seed=1, **options):
    torch.manual_seed(seed)
    return Pretrained(path=folder, lora=lora or {}).build(head, TOKENIZER, 16, options)


def logits(model, ids=IDS):
    more = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        return model.eval()(input_ids=ids, **more).logits


def trained(model, steps=3):
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    labels = torch.tensor([0, 1]) if "Classification" in type(model).__name__ else IDS
    for _ in range(steps):
        model(input_ids=IDS, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model


KINDS = [("llama", CLM), ("llama", CLASSES), ("gpt2", CLM), ("bert", MLM), ("bert", CLASSES), ("t5", TO_TEXT)]


@pytest.mark.parametrize(("kind", "head"), KINDS)
def test_at_the_start_it_is_the_base_and_at_the_end_a_plain_model(kind, head, bases, tmp_path):
    options = LABELS if head == CLASSES else {}
    base = built(bases[kind], head, **options)
    model = built(bases[kind], head, {"r": 4, "dropout": 0.1}, **options)
    assert torch.equal(logits(model), logits(base))
    before = {name: value.clone() for name, value in base.state_dict().items()}
    trained(model)
    assert not torch.allclose(logits(model), logits(base), atol=1e-3)
    kept = copy.deepcopy(model)
    Pretrained(path=bases[kind], lora=Lora(r=4)).finish(model, tmp_path)
    assert type(model) is type(base) and model.state_dict().keys() == before.keys()
    assert (logits(model) - logits(kept)).abs().max() <= 1e-5
    model.save_pretrained(tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").glob("*.safetensors")) == ["model.safetensors"]
    assert torch.equal(logits(getattr(transformers, head).from_pretrained(tmp_path / "model")), logits(model))
    # What peft makes of the adapter and the base, whose new head it has not seen before.
    again = PeftModel.from_pretrained(built(bases[kind], head, seed=9, **options), tmp_path / "adapter")
    assert torch.equal(logits(again), logits(kept))


@pytest.mark.parametrize(("kind", "head"), KINDS)
def test_only_adapters_and_a_new_head_are_trained(kind, head, bases):
    options = LABELS if head == CLASSES else {}
    model = built(bases[kind], head, {"r": 2}, **options)
    new = ("score", "classifier", "pooler") if head == CLASSES else ()
    names = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert names and all(".lora_" in name or any(word in name for word in new) for name in names)
    assert any(".lora_" in name for name in names)
    assert any(new_name in name for name in names for new_name in new) == bool(new)
    saved = load_file(bases[kind] / "model.safetensors")
    frozen = {name for name, parameter in trained(model, 1).named_parameters() if not parameter.requires_grad}
    same = [name for name in frozen if name.replace(".base_layer", "") in saved]
    assert same and all(torch.equal(model.get_parameter(n), saved[n.replace(".base_layer", "")]) for n in same)


@pytest.mark.parametrize(("rslora", "factor"), [(False, 8 / 4), (True, 8 / 4**0.5)])
def test_the_formula(rslora, factor, bases):
    model = built(bases["llama"], CLM, {"r": 4, "alpha": 8, "rslora": rslora, "target_modules": "q_proj"})
    layer = model.model.layers[0].self_attn.q_proj
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    assert a.shape == (4, 64) and b.shape == (64, 4) and not b.any() and a.any()
    torch.nn.init.normal_(b)
    x = torch.randn(3, 64)
    expected = x @ layer.base_layer.weight.T + factor * (x @ a.T) @ b.T
    assert torch.allclose(layer(x), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "head", "modules"),
    [("llama", CLM, ["q_proj", "v_proj"]), ("gpt2", CLM, ["c_attn"]), ("bert", MLM, ["query", "value"])],
)
def test_it_trains_as_peft_does(kind, head, modules, bases):
    base = built(bases[kind], head)
    torch.manual_seed(3)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=modules, fan_in_fan_out=kind == "gpt2")
    theirs = trained(get_peft_model(base, config), 5)
    ours = trained(built(bases[kind], head, {"r": 4, "alpha": 8, "target_modules": modules}, seed=3), 5)
    expected = {n.removeprefix("base_model.model."): p for n, p in theirs.named_parameters() if p.requires_grad}
    found = {name: parameter for name, parameter in ours.named_parameters() if parameter.requires_grad}
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)
    assert torch.equal(logits(ours), logits(theirs))


def test_all_linear_layers_of_the_body_get_one(bases):
    for kind, count in (("llama", 7), ("gpt2", 4), ("bert", 6)):
        technique, head = BASES[kind]
        model = built(bases[kind], head)
        names = targets(model, None, ())
        assert len(names) == count * model.config.num_hidden_layers
        assert not any("lm_head" in name or "cls" in name or "decoder" in name for name in names), technique


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_dropout_of_the_model_and_of_the_adapters_are_two_things(kind, bases):
    model = built(bases[kind], CLM, {"r": 2, "dropout": 0.25})
    assert not set_dropout(model, {"attention": 0.1, "residual": 0.5, "embedding": 0.1})
    own = [module.p for name, module in model.named_modules() if name.endswith("lora_dropout.default")]
    assert own and set(own) == {0.25}
    torch.manual_seed(0)
    inner = trained(model, 1).get_submodule({"llama": "model.layers.0", "gpt2": "transformer.h.0"}[kind])
    x = torch.randn(1, 5, inner.mlp.down_proj.in_features if kind == "llama" else 64)
    output = inner.mlp.down_proj(x) if kind == "llama" else inner.mlp(x)
    assert 0.3 < (output == 0).float().mean() < 0.7


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert"])
def test_layers_can_be_computed_again(kind, bases):
    head = BASES[kind][1]
    models = [built(bases[kind], head, {"r": 2, "dropout": 0.1}) for _ in range(2)]
    recompute_activations(models[1])
    for model in models:
        torch.manual_seed(5)
        trained(model, 2)
    assert all(torch.equal(a, b) for a, b in zip(*(model.parameters() for model in models), strict=True))


def test_what_would_do_nothing_or_harm_is_refused(bases, monkeypatch):
    asked = stand_in(data=SimpleNamespace(sequence_length=16))

    def told(**values):
        return [(p.path, p.reason, p.hint) for p in Pretrained(path=bases["llama"], **values).problems(asked)]

    with pytest.raises(ValidationError, match="r is not set, without which alpha and dropout would do nothing"):
        Lora(alpha=4, dropout=0.5)
    with pytest.raises(ValidationError):
        Lora(r=4, target_modules=())
    assert not told(lora={"r": 4}) and not told(lora={"r": 4, "target_modules": ["self_attn.q_proj"]})
    assert [path for path, _, _ in told(lora={"r": 4}, freeze=1)] == ["model.freeze"]
    ((path, _, hint),) = told(lora={"r": 4, "target_modules": ["q_proj", "queries"]})
    assert path == "model.lora.target_modules" and "q_proj" in hint
    # The output layer is the embedding, so that merging would change both.
    with pytest.raises(ConfigError, match="lm_head"):
        built(bases["llama"], CLM, {"r": 4, "target_modules": "lm_head"})
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None if name == "peft" else find_spec(name))
    assert told(lora={"r": 4}) == [("model.lora", "needs peft, which is not installed", "pip install 'pluglm[lora]'")]
    assert not told()


WORDS = [*small_without("model.", "tokenizer"), "preprocessor=[normalize]", "data.sequence_length=16"]
WORDS += ["train.steps=24", "train.save_every=5", "train.log_every=1"]


def in_this_process(folder, *words):
    return run(compose([*WORDS, *words]), folder, quiet=True)


def test_a_whole_run_killed_and_resumed_and_built_upon(bases, tmp_path, monkeypatch):
    monkeypatch.setenv("PLUGLM_CACHE", str(tmp_path / "cache"))
    classes = ["objective=classification", "objective.label=label", "model=pretrained"]
    words = [*classes, f"model.path={bases['llama']}", "model.lora.r=4", "model.lora.dropout=0.1"]
    whole = in_this_process(tmp_path / "whole", *words)
    plan = json.loads((whole / "plan.json").read_text())["parameters"]
    assert plan["trainable"] == 2 * 4 * (4 * (64 + 64) + 3 * (64 + 176)) + 2 * 64 < plan["all"] / 4

    killed = tmp_path / "killed"
    command = [sys.executable, "-m", "pluglm", "train", *WORDS, *words, f"output.folder={killed}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    log = killed / "metrics.jsonl"
    until = time.monotonic() + 120
    while time.monotonic() < until and not (log.exists() and log.read_bytes().count(b'"kind": "train"') >= 7):
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not (killed / "model").exists() and list((killed / "checkpoints").iterdir())
    run(read_config(killed), killed, quiet=True, resume=True)
    for name in ("model/model.safetensors", "adapter/adapter_model.safetensors", "adapter/adapter_config.json"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert json.loads((whole / "adapter" / "adapter_config.json").read_text())["modules_to_save"] == ["score"]

    assert evaluate_again([str(whole), "evaluator=[task_metrics]"], quiet=True)["scores"]
    again = in_this_process(tmp_path / "again", *classes, f"model.path={whole}", "train.steps=2")
    assert logits(transformers.AutoModelForSequenceClassification.from_pretrained(again / "model")).shape == (2, 2)


@pytest.mark.parametrize(("kind", "head"), KINDS)
def test_tokens_that_are_added_are_trained_and_saved(kind, head, bases, tmp_path, monkeypatch):
    import peft

    options = LABELS if head == CLASSES else {}
    monkeypatch.chdir(bases[kind].parent)
    technique = Pretrained(path=bases[kind].name, lora=Lora(r=2))  # a relative path
    words = technique.own_tokenizer()
    words.add_special_tokens({"extra_special_tokens": ["<one>", "<two>"]})
    torch.manual_seed(1)
    model = technique.build(head, words, 16, options)
    before = model.get_input_embeddings().weight.detach().clone()
    ids = torch.tensor([[20, 263, 264, 21]])
    more = {"decoder_input_ids": ids} if kind == "t5" else {}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.5)
    for _ in range(2):
        model(input_ids=ids, **more).logits.float().square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    moved = (model.get_input_embeddings().weight.detach() - before).abs().sum(dim=1).nonzero().flatten().tolist()
    assert moved == [263, 264]
    expected = logits(model, ids)
    (alone,) = technique.finish(model, tmp_path)
    words.save_pretrained(alone)
    torch.testing.assert_close(logits(model, ids), expected, atol=1e-5, rtol=1e-4)
    assert type(model.get_input_embeddings()) is torch.nn.Embedding or kind == "bart"
    saved = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    (rows,) = [name for name in saved if "trainable_tokens_delta" in name]
    assert saved[rows].shape[0] == 2
    # From another folder, by peft's own classes, with nothing but the adapter's path.
    monkeypatch.chdir(tmp_path)
    classes = {CLM: "ForCausalLM", TO_TEXT: "ForSeq2SeqLM", CLASSES: "ForSequenceClassification"}
    opened = getattr(peft, "AutoPeftModel" + classes.get(head, "")).from_pretrained("adapter")
    torch.testing.assert_close(logits(opened, ids), expected, atol=1e-5, rtol=1e-4)


def test_rows_of_a_head_of_its_own_are_trained_too(tmp_path):
    torch.manual_seed(0)
    CausalLm(size="nano", tie_embeddings=False).build(CLM, TOKENIZER, 16, {}).save_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    words = Byte().build(iter(()))
    words.add_special_tokens({"extra_special_tokens": ["<one>"]})
    model = Pretrained(path=tmp_path, lora=Lora(r=2)).build(CLM, words, 16, {})
    rows = {name: p.shape for name, p in model.named_parameters() if p.requires_grad and "lora_" not in name}
    assert len(rows) == 2 and {tuple(shape) for shape in rows.values()} == {(1, 64)}
    with pytest.raises(ConfigError, match=r"target_modules=lm_head: names the head"):
        Pretrained(path=tmp_path, lora=Lora(r=2, target_modules=("lm_head", "q_proj"))).build(CLM, words, 16, {})


@pytest.mark.parametrize("frozen", [True, 1])
def test_frozen_embeddings_of_new_tokens_are_refused(frozen, bases):
    words = Byte().build(iter(()))
    words.add_special_tokens({"extra_special_tokens": ["<one>"]})
    with pytest.raises(ConfigError, match=r"keeps the embeddings .* need training \(<one>\)"):
        Pretrained(path=bases["llama"], freeze=frozen).build(CLM, words, 16, {})
