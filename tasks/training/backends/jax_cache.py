"""JAX's persistent compilation cache in the user's cache folder: a network met before is not compiled again."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
from functools import cache
from pathlib import Path

import jax
import pooch

VARIABLE = "GONDWANA_COMPILATION_CACHE"
"""Environment variable: a folder, or ``off``."""

MOST_BYTES = 2 * 10**9
"""Size of the cache above which what was not used for longest is dropped."""


@cache
def use_cache() -> Path | None:
    """Let JAX keep compiled programs on disk, once per process; return the folder, None if there is none.

    A cache that the user configured by JAX's own means (``JAX_COMPILATION_CACHE_DIR``) is left alone. A folder that
    cannot be written is not used: the run compiles everything then.
    """
    chosen = os.environ.get(VARIABLE, "")
    if chosen.lower() in ("off", "0", "false") or jax.config.jax_compilation_cache_dir:
        return None
    folder = Path(chosen) if chosen else Path(pooch.os_cache("gondwana"))  # respects XDG_CACHE_HOME
    folder = folder / f"jax-{jax.__version__}-{_machine()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    if importlib.util.find_spec("filelock") is not None:  # JAX needs it to bound the size
        jax.config.update("jax_compilation_cache_max_size", MOST_BYTES)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    return folder


def _machine() -> str:
    """Return a digest of what the processor can do: home folders are shared by machines, compiled code is not."""
    facts = f"{platform.system()} {platform.machine()}"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        facts += next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        facts += platform.processor()
    return hashlib.sha256(facts.encode()).hexdigest()[:12]
