"""From message catalogues to a model that translates, and back-translation with it."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoModelForSeq2SeqLM

from pluglm.cli import main
from pluglm.config.compose import compose
from pluglm.lifecycle.run import run

SCRIPT = Path(__file__).parents[2] / "examples" / "parallel_corpus" / "pairs_from_mo.py"


def write_catalogue(path: Path, messages: dict[str, str], charset: str = "UTF-8") -> None:
    """A catalogue in the format of GNU gettext ("The Format of GNU MO Files")."""
    entries = {
        "": f"Content-Type: text/plain; charset={charset}\nPlural-Forms: nplurals=2; plural=n != 1;\n",
        **messages,
    }
    names = [name.encode() for name in sorted(entries)]
    texts = [entries[name.decode()].encode() for name in names]
    start = 28 + 16 * len(names)
    tables: list[list[int]] = [[], []]
    body = b""
    for table, strings in zip(tables, (names, texts), strict=True):
        for string in strings:
            table += [len(string), start + len(body)]
            body += string + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(names), 28, 28 + 8 * len(names), 0, 0)
    path.write_bytes(header + struct.pack(f"<{4 * len(names)}I", *tables[0], *tables[1]) + body)


def pairs_of(*words: str | Path) -> tuple[list[dict[str, str]], str]:
    """The lines that the script writes, and what it says on standard error."""
    done = subprocess.run([sys.executable, SCRIPT, "de", "pairs.jsonl", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in Path("pairs.jsonl").read_text(encoding="utf-8").splitlines()], done.stderr


def test_pairs_are_sentences_and_no_pair_comes_twice(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    write_catalogue(
        tmp_path / "de" / "a.mo",
        {
            "cannot open %s": "kann %s nicht öffnen",
            "The file is old. It was kept.": "Die Datei ist alt. Sie wurde behalten.",
            "One sentence here. And two.": "Ein einziger Satz für beide",
            "%d file is here\0%d files are here": "%d Datei ist hier\0%d Dateien sind hier",
            "menu\x04open it now": "jetzt öffnen bitte",
            "word": "Wort",
            "the same text": "the same text",
            "--%s=%d, {x}": "--%s=%d, {x}!",
        },
    )
    write_catalogue(tmp_path / "de" / "b.mo", {"Cannot open %d": "Kann %d nicht öffnen"})
    (tmp_path / "de" / "c.mo").write_bytes(b"no catalogue")
    found, said = pairs_of(tmp_path / "de")
    assert {(pair["en"], pair["de"]) for pair in found} == {
        ("cannot open %s", "kann %s nicht öffnen"),
        ("The file is old.", "Die Datei ist alt."),
        ("It was kept.", "Sie wurde behalten."),
        ("One sentence here. And two.", "Ein einziger Satz für beide"),
        ("%d file is here", "%d Datei ist hier"),
        ("open it now", "jetzt öffnen bitte"),
    }
    assert len({pair["id"] for pair in found}) == len(found) and {pair["catalogue"] for pair in found} == {"a.mo"}
    assert "c.mo" in said and said.count("\n") == 1


def test_a_model_is_trained_writes_and_translates_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = {
        f"cannot open the file {n} of {n + 7}": f"kann die Datei {n} von {n + 7} nicht öffnen" for n in range(80)
    }
    write_catalogue(tmp_path / "a.mo", messages)
    found, _ = pairs_of(tmp_path / "a.mo")
    assert len(found) == 80
    small = ["train.steps=2", "train.batch_size=8", "data.sequence_length=32", "data.validation_fraction=0.1"]
    small += ["source.jsonl.paths=pairs.jsonl", "source.jsonl.text=en", "model.size=nano", "tokenizer.vocab_size=320"]
    translate = ["experiment=translate", "source.jsonl.fields={target: de}", "evaluator.translation_metrics.examples=2"]
    made = run(compose([*translate, *small]), tmp_path / "translate", quiet=True)
    results = json.loads((made / "results.json").read_text())
    assert {"accuracy", "bleu", "chrf"} <= {score["name"] for score in results["evaluations"][0]["scores"]}
    assert AutoModelForSeq2SeqLM.from_pretrained(made / "model").config.is_encoder_decoder

    monkeypatch.setattr("sys.argv", ["pluglm", "generate", str(made), "cannot open", "--max-new-tokens", "5"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code and "cannot open" not in capsys.readouterr().out

    path = "augmenter.back_translation"
    there_and_back = ["augmenter=[back_translation]", f"{path}.forward={made}", f"{path}.backward={made}"]
    there_and_back += [f"{path}.max_tokens=12", f"{path}.temperature=1.0", f"{path}.probability=0.1"]
    folder = run(
        compose(["source=[jsonl]", "evaluator=[]", *there_and_back, *small]), tmp_path / "augmented", quiet=True
    )
    stations = json.loads((folder / "ledger.json").read_text())["stations"]
    (station,) = [station for station in stations if station["station"] == "augmenter.back_translation"]
    assert station["added"] > 0 and not station["quarantined"]
