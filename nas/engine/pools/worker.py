"""What runs inside a worker process. Imports nothing of Ray, and no framework before :func:`prepare` is called."""

from __future__ import annotations

import gc
import importlib
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gondwana.nas.engine.pools import backend
from gondwana.nas.engine.pools.local_pool import run_guarded
from gondwana.nas.engine.pools.protocol import Job
from gondwana.nas.evaluation.evaluate import Report
from gondwana.nas.plugins import Plugin, load_plugins
from gondwana.tasks.base import Task
from gondwana.tasks.registry import names as registered
from gondwana.tasks.registry import register

POLL_SECONDS = 0.05

Setup = Callable[[], list[str]]
"""Called once in a fresh worker process; returns the devices that it computes on."""


@dataclass(frozen=True, slots=True)
class About:
    """A worker process: ``host:pid``, and its devices in words."""

    name: str
    devices: tuple[str, ...]
    has_gpu: bool


def prepare(
    threads: int, plugins: Sequence[Plugin] = (), classes: Sequence[tuple[str, type[Task]]] = ()
) -> list[str]:
    """Set up the framework for ``threads`` threads, and import it now: the first candidate should not wait for it.

    Then load the user's own code, which may import the framework, and register the tasks that a program has defined.

    What exists then is taken out of garbage collection, which would otherwise look through the whole framework after
    every candidate: a sixth of the time of a short one.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    backend.configure(threads)
    devices = backend.devices()
    _import_all()
    load_plugins(plugins)
    for name, kind in classes:
        if name not in registered():
            register(name)(kind)
    if (
        not gc.get_freeze_count()
    ):  # once: a program that starts many runs would never be rid of their networks
        gc.collect()
        gc.freeze()
    return devices


def _import_all() -> None:
    for name in (
        "gondwana.activations",
        "gondwana.autoinit",
        "gondwana.nas.searches.codeepneat.network.build",
        "gondwana.tasks.architectures",
        "gondwana.tasks.training.fit",
    ):
        importlib.import_module(name)


class Worker:
    """One evaluation at a time, and beside it a look at its own memory."""

    def __init__(self, setup: Setup | None) -> None:
        devices = setup() if setup else []
        name = f"{socket.gethostname()}:{os.getpid()}"
        self._about = About(name, tuple(devices), backend.has_accelerator(devices))
        self._ended = 0

    def about(self) -> About:
        """Return which process this is."""
        return self._about

    def run(self, job: Job, data: Any, number: int) -> tuple[Report, float]:
        """Do a job, the ``number``-th of this worker from 1. Return its report and the memory in MB after it."""
        try:
            return run_guarded(job, data), resident_mb()
        finally:
            self._ended = number

    def watch_memory(self, limit_mb: float, number: int) -> float | None:
        """Wait while job ``number`` runs. Return the resident memory in MB once it exceeds the limit, else None."""
        while self._ended < number:
            resident = resident_mb()
            if resident > limit_mb:
                return resident
            time.sleep(POLL_SECONDS)
        return None


def resident_mb() -> float:
    """Return the resident memory of this process in MB (10**6 bytes) without shared pages; 0 if it is not known."""
    try:
        fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE") / 1e6
