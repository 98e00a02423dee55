"""How long the light commands take to start, beside `trl --help`, in one environment.

    pip install -e . trl
    python benchmarks/startup.py

The commands take turns; each figure is seconds of wall clock from start to exit, as minimum, median and maximum.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = {
    "python -c pass": ["python", "-c", "pass"],
    "pluglm --help": ["pluglm", "--help"],
    "pluglm list": ["pluglm", "list"],
    "pluglm plugins": ["pluglm", "plugins"],
    "pluglm check": ["pluglm", "check"],
    "pluglm check optimizer=sgdd": ["pluglm", "check", "optimizer=sgdd"],
    "trl --help": ["trl", "--help"],
}


def seconds(command: list[str]) -> float:
    """One run of a command of this environment."""
    program = Path(sys.executable).with_name(command[0])
    started = time.perf_counter()
    subprocess.run([program, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Print a table and the ratio to the peer."""
    parser = argparse.ArgumentParser(description="start-up of pluglm beside trl")
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    commands = {
        name: words for name, words in COMMANDS.items() if shutil.which(words[0], path=str(Path(sys.executable).parent))
    }
    for name in COMMANDS.keys() - commands.keys():
        print(f"{name}: not installed here (pip install {name.split()[0]})")
    for words in commands.values():
        seconds(words)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, words in commands.items():
            times[name].append(seconds(words))
    print(f"{'command':<30} {'min':>7} {'median':>7} {'max':>7}")
    for name, found in times.items():
        print(f"{name:<30} {min(found):7.3f} {statistics.median(found):7.3f} {max(found):7.3f}")
    if "trl --help" in times:
        ratio = statistics.median(times["pluglm --help"]) / statistics.median(times["trl --help"])
        print(f"pluglm --help takes {ratio:.2f} of the time of trl --help")


if __name__ == "__main__":
    main()
