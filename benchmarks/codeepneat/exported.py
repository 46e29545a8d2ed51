"""The outcomes of a run as ``gondwana export`` gives them, for the scripts of this folder."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pandas as pd

GONDWANA = Path(sys.executable).with_name("gondwana")


def outcomes(run_dir: Path | str) -> list[dict[str, str]]:
    """Return the rows of ``gondwana export RUN --format csv``; every cell is text, empty where nothing is known."""
    command = [str(GONDWANA), "export", str(run_dir), "--format", "csv"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows: list[dict[str, str]] = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False).to_dict(
        "records"
    )
    return rows
