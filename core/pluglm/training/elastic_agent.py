"""Torch's elastic agent over a `pluglm` command.

    python -m pluglm.training.elastic_agent PROCESSES RESTARTS FOLDER WORDS...

Where a process failed, the exit codes by rank are written to FOLDER/codes.json.
"""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch


def main() -> None:
    """Exit with 1 where a process failed more often than it is started again."""
    processes, restarts, folder, *words = sys.argv[1:]
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=int(processes),
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        # A free port, so that several runs can share a machine.
        rdzv_endpoint="localhost:0",
        max_restarts=int(restarts),
        monitor_interval=0.1,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "pluglm", *words)
    except ChildFailedError as error:
        codes = {rank: failure.exitcode for rank, failure in error.failures.items()}
        Path(folder).mkdir(exist_ok=True)
        (Path(folder) / "codes.json").write_text(json.dumps(codes), encoding="utf-8")
        sys.exit(1)
    except SignalException:
        sys.exit(1)


if __name__ == "__main__":
    main()
