from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pluglm.training import precision


def test_a_slow_format_has_a_speed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = {torch.float32: 9.1234567e10, torch.bfloat16: 2.5e7}
    monkeypatch.setattr(precision, "matmul_speed", lambda dtype, device: speeds[dtype])
    assert precision.fastest_precision(tmp_path, 1) == ("fp32", {"fp32": 91.23, "bf16": 0.025})
    # What versions before kept of such a machine is measured again.
    (kept,) = (tmp_path / "precision").iterdir()
    kept.write_text('{"fp32": 91.2, "bf16": 0.0}')
    assert precision.fastest_precision(tmp_path, 1)[1]["bf16"] == 0.025


def test_a_product_slower_than_the_time_for_it_is_measured() -> None:
    assert precision.matmul_speed(torch.float32, torch.device("cpu"), size=8, seconds=0.0) > 0
