"""What the scripts of this folder share: the fakes of the engine's tests, processes of Ray, a table."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # for tests.helpers
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(ROOT), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
)


def table(rows: Sequence[tuple[str, object, str, bool]]) -> int:
    """Print (what, measured, target, met) rows; return 1 if a target is missed, else 0."""
    width = max(len(row[0]) for row in rows)
    for what, measured, target, met in rows:
        print(f"{what:<{width}}  {measured!s:<28} {target:<36} {'met' if met else 'MISSED'}")
    return 0 if all(row[3] for row in rows) else 1


def children(pid: int) -> list[int]:
    """Return the processes started by ``pid``, by reading /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def command_line(pid: int) -> str:
    """Return the command line of a process; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def raylet_of(driver: int) -> int | None:
    """Return the raylet that a driver started."""
    return next((pid for pid in children(driver) if "raylet/raylet" in command_line(pid)), None)


def workers_of(driver: int) -> list[int]:
    """Return the worker processes in which actors of the driver live."""
    raylet = raylet_of(driver)
    return (
        []
        if raylet is None
        else [pid for pid in children(raylet) if command_line(pid).startswith("ray::Worker")]
    )
