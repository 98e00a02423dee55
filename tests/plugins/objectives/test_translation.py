"""The translation objective against the loss of `transformers`, and what it makes of documents."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from stand_ins import stand_in

from pluglm import Document
from pluglm_models.causal_lm import CausalLm
from pluglm_models.seq2seq import Seq2seq
from pluglm_objectives.translation import Translation
from pluglm_tokenizers.byte import Byte

TOKENIZER = Byte().build(iter(()))
PAIRS = [("The cat sat.", "Die Katze saß."), ("x", "y"), ("On the mat", "Auf der Matte, da"), ("Go!", "Geh!")]
DOCUMENTS = [Document(source, fields={"target": target}) for source, target in PAIRS]
OBJECTIVE = Translation()
END = TOKENIZER.eos_token_id


def examples(documents=DOCUMENTS, length=64, objective=OBJECTIVE):
    return [e for d in documents for e in objective.examples(d, TOKENIZER, length, {})]


def collated(picked):
    return OBJECTIVE.collate(picked, TOKENIZER, [np.random.default_rng(0)] * len(picked))


def model(name):
    torch.manual_seed(0)
    return Seq2seq(size="nano", architecture=name).build(OBJECTIVE.head, TOKENIZER, 64, {}).eval()


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_the_loss_is_that_of_transformers_however_the_batch_is_cut(name):
    built, batch = model(name), collated(examples())
    with torch.no_grad():
        ours = OBJECTIVE.loss(built, batch)
        theirs = built(**{key: batch[key] for key in ("input_ids", "attention_mask", "labels")})
        torch.testing.assert_close(ours.sums.sum() / ours.counts.sum(), theirs.loss, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(ours.outputs.logits, theirs.logits)
        for size in (1, 3):
            parts = [OBJECTIVE.loss(built, collated(examples()[i : i + size])) for i in range(0, 4, size)]
            torch.testing.assert_close(torch.cat([p.sums for p in parts]), ours.sums, rtol=1e-5, atol=1e-4)
            assert torch.equal(torch.cat([p.counts for p in parts]), ours.counts)
    assert ours.counts.tolist() == [len(target.encode()) + 1 for _, target in PAIRS]


def test_embeddings_take_the_place_of_ids():
    built, batch = model("t5"), collated(examples())
    embedded = {**batch, "inputs_embeds": built.get_input_embeddings()(batch["input_ids"])}
    torch.testing.assert_close(OBJECTIVE.loss(built, embedded).sums, OBJECTIVE.loss(built, batch).sums)


def test_predictions_are_the_likeliest_tokens():
    built, batch = model("t5"), collated(examples())
    with torch.no_grad():
        told = OBJECTIVE.predict(built, batch)
        logits = built(**batch).logits
    mask = batch["labels"] != -100
    assert torch.equal(told.predicted, logits.argmax(-1)[mask])
    assert torch.equal(told.target, batch["labels"][mask])
    assert torch.bincount(told.example).tolist() == mask.sum(1).tolist()


def test_each_side_ends_and_is_cut_where_it_is_too_long():
    (example,) = examples(DOCUMENTS[:1])
    assert TOKENIZER.decode(example["input_ids"][:-1]) == PAIRS[0][0] and example["input_ids"][-1] == END
    assert TOKENIZER.decode(example["labels"][:-1]) == PAIRS[0][1] and example["labels"][-1] == END
    (cut,) = examples(DOCUMENTS[:1], length=8)
    assert cut["input_ids"] == [*example["input_ids"][:7], END]
    assert cut["labels"] == example["labels"][:8], "what is cut does not end there"
    with pytest.raises(ValueError, match="16 tokens"):
        examples(DOCUMENTS[:1], length=8, objective=Translation(cut=False))
    with pytest.raises(ValueError, match="target is empty"):
        examples([Document("x", fields={"target": " "})])


def test_sides_are_named_and_both_teach_the_tokenizer():
    objective = Translation(source_field="de", target_field="en")
    document = Document("text", fields={"de": "ja", "en": "yes"})
    (example,) = examples([document], objective=objective)
    assert TOKENIZER.decode(example["input_ids"][:-1]) == "ja" and TOKENIZER.decode(example["labels"][:-1]) == "yes"
    assert objective.required_fields() == ("de", "en") and list(objective.texts(document)) == ["ja", "yes"]
    assert list(OBJECTIVE.texts(DOCUMENTS[0])) == list(PAIRS[0])


def test_a_tokenizer_that_ends_texts_itself_is_not_told_to_do_it_again():
    from tokenizers.processors import TemplateProcessing

    ending = Byte().build(iter(()))
    ending.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
    )
    assert OBJECTIVE.special_tokens(ending).around([9]) == [2, 9, 3]


def test_a_model_that_writes_no_text_for_another_is_a_problem():

    (problem,) = OBJECTIVE.problems(stand_in(model=CausalLm()))
    assert problem.path == "model" and "seq2seq" in problem.hint
