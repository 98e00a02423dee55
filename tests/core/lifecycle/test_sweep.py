"""Many runs from one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from small_runs import SMALL


def test_a_sweep_that_is_asked_to_stop_ends_as_a_whole(tmp_path: Path) -> None:
    words = [*SMALL, "train.steps=4000", "optimizer=adamw,sgd", "hydra.sweep.dir=sweep"]
    command = [sys.executable, "-m", "pluglm", "train", "-m", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    until = time.monotonic() + 120
    while not list(tmp_path.glob("sweep/0/checkpoints/step-*")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 75, said
    assert "go on with: pluglm resume" in said and "Traceback" not in said
    assert [path.name for path in (tmp_path / "sweep").iterdir() if path.is_dir()] == ["0"]
