"""The encoder with a decoder: sizes counted by hand, loading through `transformers`, further training."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import transformers
from stand_ins import stand_in

from pluglm_models.pretrained import Pretrained
from pluglm_models.seq2seq import Seq2seq
from pluglm_tokenizers.byte import Byte

TOKENIZER = Byte().build(iter(()))
HEAD = "AutoModelForSeq2SeqLM"
NEW = {name: Seq2seq(size="nano", architecture=name) for name in ("t5", "bart")}


def built(technique):
    torch.manual_seed(0)
    return technique.build(HEAD, TOKENIZER, 16, {})


def outputs(model):
    ids = torch.arange(20, 36).view(2, 8)
    with torch.no_grad():
        return model(input_ids=ids, labels=ids[:, :5].contiguous()).logits


@pytest.mark.parametrize("name", NEW)
def test_a_saved_model_opens_in_transformers_and_can_be_trained_further(name, tmp_path):
    model = built(NEW[name])
    assert torch.equal(outputs(model.train()), outputs(model.eval())), "dropout is off"
    assert model.get_input_embeddings().num_embeddings == len(TOKENIZER)
    model.save_pretrained(tmp_path / "model")
    TOKENIZER.save_pretrained(tmp_path / "model")
    loaded = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "model").eval()
    assert torch.equal(outputs(loaded), outputs(model))
    again = Pretrained(path=tmp_path)
    assert HEAD in again.heads()
    assert not list(again.problems(stand_in(data=SimpleNamespace(sequence_length=16))))
    assert torch.equal(outputs(again.build(HEAD, TOKENIZER, 16, {}).eval()), outputs(model))


def test_the_decoder_begins_with_what_its_kind_begins_with():
    for name, start in (("t5", TOKENIZER.pad_token_id), ("bart", TOKENIZER.eos_token_id)):
        model = built(NEW[name])
        shifted = model.prepare_decoder_input_ids_from_labels(torch.tensor([[9, 8, -100]]))
        assert shifted[0, :2].tolist() == [start, 9]
        out = model.generate(torch.tensor([[20, 21, 3]]), max_new_tokens=3, do_sample=False)
        assert out[0, 0] == start and model.generation_config.eos_token_id == TOKENIZER.eos_token_id


def test_parameters_are_those_counted_by_hand():
    h, layers, f, v, n, heads = 24, 3, 40, len(TOKENIZER), 16, 4
    sizes = {"hidden_size": h, "num_layers": layers, "num_heads": heads, "intermediate_size": f}
    t5 = built(Seq2seq(**sizes))
    encoder = layers * (4 * h * h + 3 * h * f + 2 * h) + h + 32 * heads
    decoder = layers * (8 * h * h + 3 * h * f + 3 * h) + h + 32 * heads
    assert t5.num_parameters() == v * h + encoder + decoder
    bart = built(Seq2seq(architecture="bart", **sizes))
    attention, feed = 4 * h * h + 4 * h, 2 * h * f + f + h
    encoder = layers * (attention + feed + 4 * h) + (n + 2) * h + 2 * h
    decoder = layers * (2 * attention + feed + 6 * h) + (n + 2) * h + 2 * h
    assert bart.num_parameters() == v * h + encoder + decoder


def test_what_cannot_be_is_said_before_the_run():
    (problem,) = Seq2seq(tie_embeddings=False).problems(stand_in())
    assert problem.path == "model.tie_embeddings"
    (problem,) = Seq2seq(architecture="bart", num_heads=5).problems(stand_in())
    assert problem.path == "model.num_heads"
    assert not list(Seq2seq().problems(stand_in()))
