"""What a command may load before it has anything to compute."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pluglm import cli
from pluglm.cli import main

HEAVY = ("torch", "transformers", "accelerate", "tokenizers", "numpy", "matplotlib", "sklearn", "scipy")
COMPOSING = ("hydra", "omegaconf")
PROGRAM = """
import sys
sys.argv = ["pluglm", *{words!r}]
from pluglm.cli import main
try:
    main()
except SystemExit as ended:
    code = ended.code
loaded = [name for name in {names!r} if name in sys.modules]
print("CODE", code, "LOADED", loaded, file=sys.stderr)
"""


def loaded(words: list[str], names: tuple[str, ...]) -> tuple[str, str]:
    """What the command printed, and its exit code with the modules of `names` that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(words=words, names=names)], capture_output=True, text=True
    )
    return done.stdout, done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["list"], ["list", "optimizer"], ["plugins"], ["train", "--flags", "--help"]]
)
def test_loads_neither_torch_nor_hydra(words: list[str]) -> None:
    shown, ended = loaded([word for word in words if word != "--flags"], HEAVY + COMPOSING)
    assert shown and ended == "CODE 0 LOADED []"


@pytest.mark.parametrize("words", [["show", "adamw"], ["completion", "bash"], ["complete", "train", "opt"], ["check"]])
def test_loads_no_torch(words: list[str]) -> None:
    _, ended = loaded(words, HEAVY)
    assert ended == "CODE 0 LOADED []"


def test_config_error_loads_no_torch() -> None:
    _, ended = loaded(["train", "optimizer=adamm", "train.steps=none_at_all"], HEAVY)
    assert ended == "CODE 2 LOADED []"


def test_the_package_itself() -> None:
    code = "import sys, pluglm; pluglm.Technique, pluglm.Document; print([m for m in {} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code.format(HEAVY + COMPOSING)], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_help_names_every_verb(tmp_path: Path) -> None:
    from pluglm.built_in_verbs import VERBS
    from pluglm.cli import help_text

    folder = Path(cli.__file__).parent
    for verb in VERBS:
        assert f"  {verb.name} " in help_text()
        assert verb.module == f"pluglm.cli.{verb.name.replace('-', '_')}"
        assert (folder / f"{verb.name.replace('-', '_')}.py").is_file()
        done = subprocess.run([sys.executable, "-m", "pluglm", verb.name, "--help"], capture_output=True, text=True)
        assert done.returncode == 0 and f"usage: pluglm {verb.name}" in done.stdout, verb


def test_sigterm_and_letters_that_a_log_cannot_show(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before, log = signal.getsignal(signal.SIGTERM), io.BytesIO()

    def run(words: list[str]) -> int:
        print("12 steps \u00b7 loss", flush=True)
        signal.raise_signal(signal.SIGTERM)
        return 0

    monkeypatch.setattr("pluglm.cli.plugins.run", run)
    monkeypatch.setattr("sys.argv", ["pluglm", "plugins"])
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(log, encoding="ascii"))
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 143 and log.getvalue() == b"12 steps ? loss\n"
    assert capsys.readouterr().err == "pluglm: stopped by SIGTERM\n"
