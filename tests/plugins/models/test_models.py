"""New and loaded models: sizes counted by hand, loading through `transformers`, determinism, what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import transformers

from pluglm import ConfigError, DataError
from pluglm_models.causal_lm import CausalLm
from pluglm_models.masked_lm import MaskedLm
from pluglm_models.pretrained import Pretrained
from pluglm_models.sizes import SHAPES
from pluglm_tokenizers.byte import Byte

TOKENIZER = Byte().build(iter(()))
VOCABULARY = len(TOKENIZER)
CLM, MLM, CLASSES = "AutoModelForCausalLM", "AutoModelForMaskedLM", "AutoModelForSequenceClassification"
LABELS = {"id2label": {0: "bad", 1: "fine", 2: "good"}, "label2id": {"bad": 0, "fine": 1, "good": 2}}
NEW = {
    "llama": CausalLm(size="nano"),
    "gpt2": CausalLm(size="nano", architecture="gpt2"),
    "bert": MaskedLm(size="nano"),
}


def seeded(technique, head, options=None, length=16):
    torch.manual_seed(0)
    return technique.build(head, TOKENIZER, length, options or {}).eval()


def same_weights(a, b):
    first, second = a.state_dict(), b.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def outputs(model):
    ids = torch.arange(20, 36).view(2, 8)
    with torch.no_grad():
        found = model(input_ids=ids)
    return found.logits if "logits" in found else found.prediction_logits


def saved(folder: Path, kind="llama", head=CLM, **options):
    model = seeded(NEW[kind], head, options)
    model.save_pretrained(folder)
    TOKENIZER.save_pretrained(folder)
    return model


def run(length=16):
    return SimpleNamespace(data=SimpleNamespace(sequence_length=length))


@pytest.mark.parametrize(("kind", "head"), [(k, h) for k, t in NEW.items() for h in sorted(t.heads())])
def test_a_saved_model_opens_in_transformers(kind, head, tmp_path):
    options = LABELS if head == CLASSES else {}
    model = seeded(NEW[kind], head, options)
    assert same_weights(model, seeded(NEW[kind], head, options))
    model.save_pretrained(tmp_path)
    loaded = getattr(transformers, head).from_pretrained(tmp_path)
    assert torch.equal(outputs(loaded), outputs(model))
    assert model.get_input_embeddings().num_embeddings == VOCABULARY
    assert (model.config.pad_token_id, model.config.bos_token_id, model.config.eos_token_id) == (0, 2, 3)
    assert model.config._attn_implementation == "sdpa"
    assert not any(m.p for m in model.modules() if isinstance(m, torch.nn.Dropout))
    if head == CLASSES:
        assert outputs(model).shape == (2, 3) and loaded.config.id2label == LABELS["id2label"]


def test_dropout_is_off_in_training_too():
    for kind, technique in NEW.items():
        model = seeded(technique, MLM if kind == "bert" else CLM)
        assert torch.equal(outputs(model.train()), outputs(model.eval()))


def test_parameters_are_those_counted_by_hand():
    h, layers, f, v, n = 24, 3, 40, VOCABULARY, 16
    sizes = {"hidden_size": h, "num_layers": layers, "num_heads": 4, "intermediate_size": f}
    llama = seeded(CausalLm(**sizes), CLM)
    assert llama.num_parameters() == v * h + layers * (4 * h * h + 3 * h * f + 2 * h) + h
    untied = seeded(CausalLm(tie_embeddings=False, **sizes), CLM)
    assert untied.num_parameters() == llama.num_parameters() + v * h
    gpt2 = seeded(CausalLm(architecture="gpt2", **sizes), CLM)
    block = 4 * h * h + 4 * h + 2 * h * f + h + f + 4 * h
    assert gpt2.num_parameters() == v * h + n * h + layers * block + 2 * h
    bert = seeded(MaskedLm(**sizes), MLM)
    assert bert.num_parameters() == v * h + n * h + 2 * h + 2 * h + layers * block + (h * h + h + 2 * h) + v


@pytest.mark.parametrize(
    ("size", "low", "high"),
    [("nano", 0.05, 0.5), ("micro", 1.5, 3), ("mini", 9, 12), ("small", 24, 32), ("base", 110, 130), ("1b", 990, 1100)],
)
@pytest.mark.parametrize("technique", [CausalLm, MaskedLm])
def test_presets_are_as_large_as_they_say(technique, size, low, high):
    with torch.device("meta"):
        model = technique(size=size).build(min(technique(size=size).heads() - {CLASSES}), TOKENIZER, 16, {})
    assert low < (model.num_parameters() - model.get_input_embeddings().weight.numel()) / 1e6 < high


def test_every_preset_divides_into_heads():
    for size in SHAPES:
        assert not list(CausalLm(size=size).problems(run())) and not list(MaskedLm(size=size).problems(run()))


def test_widths_that_do_not_fit_the_heads_are_refused():
    (problem,) = CausalLm(hidden_size=100, num_heads=6).problems(run())
    assert problem.path == "model.num_heads" and "such as 5" in problem.hint
    (problem,) = CausalLm(hidden_size=12, num_heads=4).problems(run())
    assert "rotary" in problem.reason
    assert not list(CausalLm(hidden_size=12, num_heads=4, architecture="gpt2").problems(run()))


@pytest.mark.parametrize(("kind", "head"), [("llama", CLM), ("gpt2", CLM), ("bert", MLM)])
def test_a_loaded_model_is_the_saved_one(kind, head, tmp_path, capfd):
    model = saved(tmp_path / "model", kind, head)
    for path in (tmp_path, tmp_path / "model"):
        technique = Pretrained(path=path)
        pairs = {"AutoModelForNextSentencePrediction", "AutoModelForPreTraining"} if kind == "bert" else set()
        assert technique.heads() == {head, CLASSES} | pairs
        assert not list(technique.problems(run()))
        tokenizer = technique.own_tokenizer()
        assert tokenizer.get_vocab() == TOKENIZER.get_vocab()
        assert tokenizer.decode(tokenizer("<pad> é", add_special_tokens=False)["input_ids"]) == "<pad> é"
        assert same_weights(technique.build(head, tokenizer, 16, {}), model)


@pytest.mark.parametrize(("kind", "head"), [("llama", CLM), ("gpt2", CLM), ("bert", MLM)])
def test_a_new_head_is_drawn_from_the_seed_and_without_a_word(kind, head, tmp_path, capfd):
    base = saved(tmp_path, kind, head)
    capfd.readouterr()
    technique = Pretrained(path=tmp_path)
    first, again = seeded(technique, CLASSES, LABELS), seeded(technique, CLASSES, LABELS)
    printed = "".join(capfd.readouterr())
    assert "score" not in printed and "classifier" not in printed and "MISSING" not in printed
    assert same_weights(first, again)
    torch.manual_seed(1)
    assert not same_weights(first, technique.build(CLASSES, TOKENIZER, 16, LABELS))
    assert torch.equal(first.get_input_embeddings().weight, base.get_input_embeddings().weight)
    assert first.config.id2label == LABELS["id2label"]
    # Once more from a classifier to one of another number of labels: its body is kept, its head drawn anew.
    first.save_pretrained(tmp_path / "again")
    TOKENIZER.save_pretrained(tmp_path / "again")
    two = {"id2label": {0: "no", 1: "yes"}, "label2id": {"no": 0, "yes": 1}}
    assert outputs(seeded(Pretrained(path=tmp_path / "again"), CLASSES, two)).shape == (2, 2)


def test_weights_are_trained_in_fp32(tmp_path):
    saved(tmp_path).to(torch.bfloat16).save_pretrained(tmp_path)
    assert {p.dtype for p in Pretrained(path=tmp_path).build(CLM, TOKENIZER, 16, {}).parameters()} == {torch.float32}


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert"])
def test_frozen_layers_get_no_gradient(kind, tmp_path):
    saved(tmp_path, kind, MLM if kind == "bert" else CLM)
    model = seeded(Pretrained(path=tmp_path, freeze=1), CLASSES, LABELS)
    outputs_with_gradient = model(input_ids=torch.arange(20, 28).view(1, 8)).logits
    outputs_with_gradient.sum().backward()
    trained = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert any(".1." in name for name in trained)
    assert not any(".0." in name or "embed" in name or "wte" in name or "wpe" in name for name in trained)
    head = {name for name, p in seeded(Pretrained(path=tmp_path, freeze=True), CLASSES, LABELS).named_parameters()
            if p.requires_grad}  # fmt: skip
    # A pooler that a masked model does not have is drawn anew with the head above it, and trained with it.
    assert head == {name for name in head if name.startswith(("score", "classifier", "bert.pooler"))} and head
    assert any("pooler" in name for name in head) == (kind == "bert")
    assert all(p.requires_grad for p in seeded(Pretrained(path=tmp_path, freeze=0), CLASSES, LABELS).parameters())


def test_nothing_left_to_train_is_an_error(tmp_path):
    saved(tmp_path)
    with pytest.raises(ConfigError, match="leaves nothing to train"):
        Pretrained(path=tmp_path, freeze=True).build(CLM, TOKENIZER, 16, {})


def test_what_cannot_be_loaded_is_said_before_the_run(tmp_path):
    (problem,) = Pretrained(path=tmp_path / "no").problems(run())
    assert (problem.path, problem.reason) == ("model.path", "does not exist")
    assert Pretrained(path=tmp_path / "no").heads() >= {CLM, MLM, CLASSES}
    (problem,) = Pretrained(path=tmp_path).problems(run())
    assert "no config.json" in problem.reason
    (tmp_path / "config.json").write_text("{broken")
    assert Pretrained(path=tmp_path).heads() >= {CLM, MLM, CLASSES}
    assert "model_type" in next(iter(Pretrained(path=tmp_path).problems(run()))).reason
    saved(tmp_path)
    (problem,) = Pretrained(path=tmp_path).problems(run(length=17))
    assert (problem.path, problem.hint) == ("data.sequence_length", "write 16 or less")
    (problem,) = Pretrained(path=tmp_path, freeze=3).problems(run())
    assert problem.path == "model.freeze"
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    (tmp_path / "tokenizer.json").unlink()
    reasons = [problem.reason for problem in Pretrained(path=tmp_path).problems(run())]
    assert len(reasons) == 2 and "safetensors" in reasons[0] and "tokenizer.json" in reasons[1]


def test_a_compressed_model_uses_the_tokenizer_of_its_run(tmp_path):
    saved(tmp_path / "model")
    compressed = tmp_path / "compressed" / "half"
    shutil.copytree(tmp_path / "model", compressed)
    (compressed / "tokenizer.json").unlink()
    (compressed / "tokenizer_config.json").unlink()
    technique = Pretrained(path=compressed)
    assert not list(technique.problems(run()))
    assert technique.own_tokenizer().get_vocab() == TOKENIZER.get_vocab()


@pytest.mark.parametrize("head", [CLM, CLASSES])
def test_a_body_with_weights_missing_is_refused(head, tmp_path):
    from safetensors.torch import load_file, save_file

    saved(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"layers\.1\.mlp\.up_proj"):
        Pretrained(path=tmp_path).build(head, TOKENIZER, 16, {})


def test_longest_input_allows_for_positions_that_start_late(tmp_path):
    config = transformers.RobertaConfig(vocab_size=300, max_position_embeddings=18, pad_token_id=1)
    config.save_pretrained(tmp_path)
    problems = {problem.path: problem for problem in Pretrained(path=tmp_path).problems(run(length=17))}
    assert problems["data.sequence_length"].hint == "write 16 or less"
    assert Pretrained(path=tmp_path).heads() == {MLM, CLASSES}


def test_checking_a_config_imports_nothing_heavy(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}))
    code = (
        "import sys; from pathlib import Path; import pluglm_models, pluglm_objectives, pluglm_tokenizers\n"
        "import pluglm_optimizers, pluglm_schedules, pluglm_parallelism\n"
        "assert pluglm_models.Pretrained(path=Path(sys.argv[1])).heads()\n"
        "assert not {'torch', 'transformers', 'numpy', 'tokenizers', 'accelerate'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
