from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
# Run folders made by hand and the reader of pages are those of the reports' tests.
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "core" / "reporting")]
