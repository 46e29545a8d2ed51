"""Where a run's numbers come from: versions, commit, machine, devices, seed."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from gondwana.nas.candidate import Json

DISTRIBUTIONS = (
    "gondwana",
    "tensorflow",
    "keras",
    "jax",
    "torch",
    "numpy",
    "scipy",
    "deap",
    "ray",
    "sympy",
    "statsmodels",
    "scikit-learn",
    "pandas",
    "SQLAlchemy",
    "pydantic",
)


def environment(seed: int, devices: Sequence[str]) -> Json:
    """Return the facts of this moment as JSON.

    Args:
        seed: the run's seed.
        devices: what the workers compute on, in words.
    """
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seed": seed,
        "command": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cpus": os.cpu_count(),
        "memory_mb": _memory_mb(),
        "devices": list(devices),
        "backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "packages": versions(),
        "git": git_state(),
    }


def versions() -> dict[str, str]:
    """Return the versions of the installed distributions that matter, by name."""
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_state() -> Json | None:
    """Return commit, and whether files were changed since, of this code's repository; None outside one."""
    folder = Path(__file__).resolve().parent
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "modified": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _memory_mb() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 10**6
    except (ValueError, OSError):
        return None
