"""The programs that training.py compares: `python training_programs.py NAME '{"key": value}'` runs one.

All train the same model on the same tokens, which were prepared before, with AdamW, a learning rate of 1e-3, gradients
clipped to 1, batches of the same size and one thread. Each is written as its own documentation writes it, with the
settings that its authors chose where a setting is not one of these. None of them measures anything: every optimizer
step is seen from outside (torch's hooks), and after the last one the process prints what it took and ends.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

LEARNING_RATE, MAX_NORM = 1e-3, 1.0
# Others than the model's own (a small one that is tried, for instance) do not count.
LEAST_NUMBERS = 100_000
# By step, where they are not all that a batch holds.
REAL_TOKENS: list[int] = []


class Stopwatch:
    """Sees the first forward pass and every optimizer step of this process, and ends it after the last one."""

    def __init__(self, steps: int, started: float) -> None:
        import torch
        from torch.optim.optimizer import register_optimizer_step_post_hook

        self.steps, self.started = steps, started
        self.cpu: list[float] = []
        self.wall: list[float] = []
        self.before = 0.0
        self.begun = 0.0
        self._first = torch.nn.modules.module.register_module_forward_pre_hook(self._begin)
        register_optimizer_step_post_hook(self._stepped)

    def _begin(self, module: Any, inputs: Any) -> None:
        if sum(p.numel() for p in module.parameters()) < LEAST_NUMBERS:
            return
        self._first.remove()
        self.begun = time.process_time()
        Path("/proc/self/clear_refs").write_text("5")  # the peak is from here on
        self.before = status("VmRSS")

    def _stepped(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if sum(p.numel() for group in optimizer.param_groups for p in group["params"]) < LEAST_NUMBERS:
            return
        self.cpu.append(time.process_time())
        self.wall.append(time.time() - self.started)
        if len(self.cpu) == self.steps:
            taken = {"cpu": self.cpu, "wall": self.wall, "begun": self.begun}
            taken |= {"before_mb": self.before, "peak_mb": status("VmHWM")}
            taken |= {"real_tokens": REAL_TOKENS[: self.steps]}
            taken["whole_peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
            print(json.dumps(taken), flush=True)
            os._exit(0)


def status(name: str) -> float:
    """A line of /proc/self/status, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name + ":")).split()[1]) * 1024 / 1e6


def llama(given: dict[str, Any], classes: int = 0) -> Any:
    """The model, as `transformers` has it."""
    from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

    config = LlamaConfig(
        vocab_size=given["vocabulary"],
        hidden_size=given["hidden_size"],
        intermediate_size=given["intermediate_size"],
        num_hidden_layers=given["num_layers"],
        num_attention_heads=given["num_heads"],
        max_position_embeddings=given["block"],
        pad_token_id=given["pad"],
        tie_word_embeddings=True,
        **({"num_labels": classes} if classes else {}),
    )
    return LlamaForSequenceClassification(config) if classes else LlamaForCausalLM(config)


def rows(given: dict[str, Any]) -> list[dict[str, Any]]:
    """The examples: ids as tensors, and labels where there are."""
    import numpy as np
    import torch

    saved = np.load(given["rows"])
    ids, ends = torch.from_numpy(saved["ids"].astype(np.int64)), saved["offsets"].tolist()
    found = [{"input_ids": ids[begin:end]} for begin, end in itertools.pairwise(ends)]
    if "labels" in saved:
        for row, label in zip(found, saved["labels"].tolist(), strict=True):
            row["labels"] = label
    return found


def blocks(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Full blocks for a language model."""
    return [{"input_ids": row["input_ids"], "labels": row["input_ids"]} for row in rows(given)]


def batches(given: dict[str, Any]) -> Any:
    """A data loader of them, as one writes it."""
    import torch

    return torch.utils.data.DataLoader(blocks(given), batch_size=given["batch"], shuffle=True, drop_last=True)  # type: ignore[arg-type]


def autocast(given: dict[str, Any]) -> Any:
    """torch's context for the precision."""
    import torch

    return torch.autocast("cpu", torch.bfloat16) if given["precision"] == "bf16" else nullcontext()


def bare(given: dict[str, Any], fused: bool = True) -> None:
    """A PyTorch loop, written by hand."""
    import torch

    model, data = llama(given), batches(given)
    run = torch.compile(model) if given["compile"] else model
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, fused=fused)
    model.train()
    while True:
        for batch in data:
            with autocast(given):
                loss = run(**batch, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, MAX_NORM)
            optimizer.step()
            optimizer.zero_grad()


def plain(given: dict[str, Any]) -> None:
    """The same with the optimizer as it comes."""
    bare(given, fused=False)


def padded(given: dict[str, Any], fused: bool = False) -> None:
    """A loop over documents, each cut to the block and padded to the longest of its batch."""
    import torch

    model, documents = llama(given), rows(given)
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, fused=fused)
    model.train()
    for batch in picked(documents, given):
        ids = [row["input_ids"] for row in batch]
        inputs = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=given["pad"])
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in ids], batch_first=True)
        labels = inputs.masked_fill(mask == 0, -100)
        REAL_TOKENS.append(sum(map(len, ids)))
        model(input_ids=inputs, attention_mask=mask, labels=labels, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, MAX_NORM)
        optimizer.step()
        optimizer.zero_grad()


def padded_fused(given: dict[str, Any]) -> None:
    """The same with the fused optimizer."""
    padded(given, fused=True)


def picked(found: list[Any], given: dict[str, Any]) -> Iterator[list[Any]]:
    """Batches in an order that is drawn, without end."""
    import torch

    while True:
        order = torch.randperm(len(found), generator=torch.Generator().manual_seed(0)).tolist()
        for start in range(0, len(order) - given["batch"] + 1, given["batch"]):
            yield [found[at] for at in order[start : start + given["batch"]]]


def accelerate(given: dict[str, Any]) -> None:
    """The loop of Accelerate's documentation."""
    import torch
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, mixed_precision="bf16" if given["precision"] == "bf16" else "no")
    model = llama(given)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    if given["compile"]:
        model = torch.compile(model)
    model, optimizer, data = accelerator.prepare(model, optimizer, batches(given))
    model.train()
    while True:
        for batch in data:
            loss = model(**batch).loss
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), MAX_NORM)
            optimizer.step()
            optimizer.zero_grad()


def fabric(given: dict[str, Any]) -> None:
    """The loop of Lightning Fabric's documentation."""
    import torch
    from lightning.fabric import Fabric

    made = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed" if given["precision"] == "bf16" else "32-true")
    model: Any = llama(given)
    if given["compile"]:
        model = torch.compile(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    model, optimizer = made.setup(model, optimizer)
    data = made.setup_dataloaders(batches(given))
    model.train()
    while True:
        for batch in data:
            loss = model(**batch).loss
            made.backward(loss)
            made.clip_gradients(model, optimizer, max_norm=MAX_NORM)
            optimizer.step()
            optimizer.zero_grad()


def litgpt(given: dict[str, Any]) -> None:
    """litgpt's model, with the step of its pretrain.py."""
    import torch
    from lightning.fabric import Fabric
    from litgpt import GPT, Config
    from litgpt.utils import chunked_cross_entropy

    made = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed" if given["precision"] == "bf16" else "32-true")
    config = Config(
        block_size=given["block"],
        vocab_size=given["vocabulary"],
        padded_vocab_size=given["vocabulary"],
        n_layer=given["num_layers"],
        n_head=given["num_heads"],
        n_embd=given["hidden_size"],
        intermediate_size=given["intermediate_size"],
        rotary_percentage=1.0,
        parallel_residual=False,
        bias=False,
        norm_class_name="RMSNorm",
        mlp_class_name="LLaMAMLP",
    )
    model: Any = GPT(config)
    model.lm_head.weight = model.transformer.wte.weight
    if given["compile"]:
        model = torch.compile(model)
    model = made.setup(model)
    optimizer = made.setup_optimizers(torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, fused=True))
    data = made.setup_dataloaders(batches(given))
    while True:
        for batch in data:
            ids = batch["input_ids"]
            loss = chunked_cross_entropy(model(ids)[:, :-1], ids[:, 1:])
            made.backward(loss)
            made.clip_gradients(model, optimizer, max_norm=MAX_NORM)
            optimizer.step()
            optimizer.zero_grad()


def arguments(given: dict[str, Any]) -> dict[str, Any]:
    """What is not left to the defaults of `transformers`' Trainer and its heirs."""
    return {
        "output_dir": given["folder"],
        "max_steps": given["steps"] + 1,
        "per_device_train_batch_size": given["batch"],
        "learning_rate": LEARNING_RATE,
        "max_grad_norm": MAX_NORM,
        "report_to": "none",
        "save_strategy": "no",
        "use_cpu": True,
        "disable_tqdm": True,
        "bf16": given["precision"] == "bf16",
        "torch_compile": given["compile"],
    }


def trainer(given: dict[str, Any]) -> None:
    """HF Trainer."""
    from transformers import Trainer, TrainingArguments

    Trainer(
        model=llama(given),
        args=TrainingArguments(**arguments(given)),
        train_dataset=blocks(given),
    ).train()


def trl(given: dict[str, Any]) -> None:
    """TRL's SFTTrainer, which packs."""
    import datasets
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    data = datasets.Dataset.from_dict({"input_ids": [row["input_ids"].tolist() for row in rows(given)]})
    packing = {"max_length": given["block"], "packing": True, "packing_strategy": "wrapped"}
    SFTTrainer(
        model=llama(given),
        # Recomputation, which it has as its default, would cost it a third.
        args=SFTConfig(**arguments(given), **packing, gradient_checkpointing=False),
        train_dataset=data,
        processing_class=AutoTokenizer.from_pretrained(given["tokenizer"]),
    ).train()


def pluglm(given: dict[str, Any]) -> None:
    """`pluglm train`, from its words on."""
    from pluglm.cli.dispatch import run_verb

    run_verb("train", [*given["words"], f"output.folder={given['folder']}/run", "--quiet"])


def trainer_classify(given: dict[str, Any]) -> None:
    """HF Trainer with its collator, which pads to the longest of a batch."""
    from transformers import AutoTokenizer, DataCollatorWithPadding, Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained(given["tokenizer"])
    Trainer(
        model=llama(given, classes=given["classes"]),
        args=TrainingArguments(**arguments(given)),
        train_dataset=rows(given),
        data_collator=DataCollatorWithPadding(tokenizer),
    ).train()


def bare_classify(given: dict[str, Any]) -> None:
    """A loop by hand over batches padded to their longest."""
    import torch

    model = llama(given, classes=given["classes"])
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, fused=True)
    model.train()
    for batch in picked(rows(given), given):
        ids = [row["input_ids"] for row in batch]
        inputs = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=given["pad"])
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in ids], batch_first=True)
        labels = torch.tensor([row["labels"] for row in batch])
        with autocast(given):
            loss = model(input_ids=inputs, attention_mask=mask, labels=labels, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, MAX_NORM)
        optimizer.step()
        optimizer.zero_grad()


def prepare(given: dict[str, Any]) -> dict[str, Any]:
    """Make pluglm's corpus and examples of the words, and write the examples as all others read them."""
    import numpy as np

    from pluglm.batching.examples import prepare_examples
    from pluglm.config.compose import compose
    from pluglm.corpus.prepared import prepare_corpus
    from pluglm.progress import Progress

    config, progress = compose(given["words"]), Progress(quiet=True)
    corpus = prepare_corpus(config, progress)
    examples = prepare_examples(config, corpus, progress)
    count = min(len(examples.train), given["most"])
    found = [examples.train[at] for at in range(count)]
    ids = [row["input_ids"][: given["block"]] for row in found]
    arrays: dict[str, Any] = {"ids": np.concatenate(ids), "offsets": np.cumsum([0, *map(len, ids)])}
    label = next((name for name in found[0] if name == "label"), None)
    if label is not None:
        arrays["labels"] = np.array([row[label] for row in found])
    np.savez(given["rows"], **arrays)
    examples.tokenizer.save_pretrained(given["tokenizer"])
    return {
        "vocabulary": len(examples.tokenizer),
        "pad": examples.tokenizer.pad_token_id,
        "examples": len(examples.train),
        "mean": float(np.mean([len(row) for row in ids])),
        "longest": max(map(len, ids)),
        "classes": len(set(arrays["labels"].tolist())) if label else 0,
    }


def matmul(given: dict[str, Any]) -> dict[str, Any]:
    """The machine's own peak: operations per second of a product of two square matrices, by CPU time."""
    import torch

    kind = torch.bfloat16 if given["precision"] == "bf16" else torch.float32
    a, b = torch.randn(1024, 1024, dtype=kind), torch.randn(1024, 1024, dtype=kind)
    times = []
    for _ in range(given["times"]):
        started = time.process_time()
        torch.mm(a, b)
        times.append(time.process_time() - started)
    return {"flops": 2 * 1024**3 / min(times[1:])}


TRAINED: dict[str, Callable[[dict[str, Any]], None]] = {
    program.__name__: program
    for program in (
        bare,
        plain,
        padded,
        padded_fused,
        accelerate,
        fabric,
        litgpt,
        trainer,
        trl,
        pluglm,
        trainer_classify,
        bare_classify,
    )
}
OTHERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"prepare": prepare, "matmul": matmul}


def main() -> None:
    """Run the program that is named."""
    name, given = sys.argv[1], json.loads(sys.argv[2])
    if name in OTHERS:
        print(json.dumps(OTHERS[name](given)))
        return
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(given.get("seed", 0))
    Stopwatch(given["steps"], given["started"])
    TRAINED[name](given)
    raise SystemExit(f"{name} ended before {given['steps']} steps were done")


if __name__ == "__main__":
    main()
