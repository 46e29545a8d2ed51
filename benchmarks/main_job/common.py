"""What the scripts of this folder share: running the command, reading a run, printing a table."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
GONDWANA = Path(sys.executable).with_name("gondwana")


@dataclass(frozen=True)
class Finished:
    """A finished command."""

    code: int
    out: str
    err: str
    seconds: float


def run(*arguments: str | Path, program: Path = GONDWANA, timeout: float = 1800) -> Finished:
    """Run ``gondwana ARGUMENTS`` from the repository's root and return what it said."""
    start = time.monotonic()
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr, time.monotonic() - start)


def outcomes(run_dir: Path, program: Path = GONDWANA) -> list[dict[str, str]]:
    """Return the rows of ``gondwana export RUN --format csv``."""
    done = run("export", run_dir, "--format", "csv", program=program)
    if done.code:
        raise SystemExit(f"export failed: {done.err}")
    rows: list[dict[str, str]] = pd.read_csv(io.StringIO(done.out), dtype=str, keep_default_na=False).to_dict(
        "records"
    )
    return rows


def table(rows: Sequence[tuple[str, object, str, bool]]) -> int:
    """Print (what, measured, target, met) rows; return 1 if a target is missed, else 0."""
    width = max(len(row[0]) for row in rows)
    for what, measured, target, met in rows:
        print(f"{what:<{width}}  {measured!s:<24} {target:<28} {'met' if met else 'MISSED'}")
    return 0 if all(row[3] for row in rows) else 1
