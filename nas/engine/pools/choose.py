"""The pool that a config asks for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gondwana.nas.config.schema import EngineConfig
from gondwana.nas.engine.pools.batching_pool import BatchingPool
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.pools.protocol import Pool, UnusablePoolError
from gondwana.nas.engine.pools.ray_options import RayOptions
from gondwana.nas.engine.pools.worker import Setup, prepare
from gondwana.nas.plugins import Plugin

if TYPE_CHECKING:
    from gondwana.tasks.base import Task

GATHER_SECONDS = 0.02
"""Of the pool in the driver's process: far less than a training takes, far more than a write to the disk."""


def make_pool(
    engine: EngineConfig,
    setup: Setup | None = None,
    plugins: Sequence[Plugin] = (),
    task: str | None = None,
) -> Pool:
    """Start the workers.

    Args:
        engine: the config's section.
        setup: called once in every worker; None sets up the machine-learning framework and loads ``plugins``.
        plugins: the user's own code.
        task: name of the task; if a program or a notebook has defined it, its class is sent to the workers.

    Raises:
        UnusablePoolError: if what the config asks for cannot be had here.
    """
    size = batch_size(engine)
    pool = _worker_pool(engine, setup, plugins, task)
    return pool if size == 1 else BatchingPool(pool, size)


def batch_size(engine: EngineConfig) -> int:
    """Return the most candidates that are trained together.

    Raises:
        UnusablePoolError: if it is more than one and the backend cannot do that.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if engine.batch == "auto":
        return 1 if backend != "jax" else 32 if engine.resources.num_gpus else 8
    if engine.batch > 1 and backend != "jax":
        raise UnusablePoolError(
            f"engine.batch: {engine.batch} trains several candidates as one program, which needs JAX; the backend "
            f"is {backend}: set engine.backend to jax (pip install jax), or engine.batch to auto"
        )
    return int(engine.batch)


def _worker_pool(
    engine: EngineConfig, setup: Setup | None, plugins: Sequence[Plugin], task: str | None
) -> Pool:
    threads = threads_of(engine)
    if engine.pool == "table":
        from gondwana.nas.engine.pools.table_pool import TablePool

        return TablePool(Path(str(engine.table)), gather_seconds=GATHER_SECONDS)
    setup = setup or partial(prepare, threads, tuple(plugins), _classes_of_a_program(task))
    if engine.pool == "local":
        setup()
        return LocalPool(gather_seconds=GATHER_SECONDS)
    from gondwana.nas.engine.pools import ray_environment

    ray_environment.prepare(engine.ray_address)
    from gondwana.nas.engine.pools.ray_pool import RayPool  # after the environment is prepared

    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": str(threads)}
    if "KERAS_BACKEND" in os.environ:
        environment["KERAS_BACKEND"] = os.environ["KERAS_BACKEND"]
    if engine.ray_address == "local":
        # Processes of a local cluster inherit them; Ray's own way would start an agent for it.
        for name, value in environment.items():
            os.environ.setdefault(name, value)
        environment = {}
    return RayPool(
        RayOptions(
            address=engine.ray_address,
            workers=engine.workers,
            num_cpus=engine.resources.num_cpus,
            num_gpus=engine.resources.num_gpus,
            max_retries=engine.max_retries,
            require_gpu=engine.require_gpu,
            recycle_after=engine.recycle_after,
            recycle_above_mb=engine.recycle_above_mb,
            dashboard=engine.dashboard,
            environment=environment,
            setup=setup,
        )
    )


def _classes_of_a_program(task: str | None) -> tuple[tuple[str, type[Task]], ...]:
    """Return name and class of a task that no import in a worker would register.

    Ray sends a class of ``__main__``, which is where a notebook's cells are, by value, and others by the name of their
    module. Those of this package and of a config's plugins are registered in a worker anyway.
    """
    from gondwana.tasks import names
    from gondwana.tasks.registry import task_class

    if task is None or task not in names():
        return ()
    kind = task_class(task)
    module = kind.__module__
    known = module.startswith(("gondwana.", "gondwana_file_"))
    return () if known else ((task, kind),)


def threads_of(engine: EngineConfig) -> int:
    """Return how many threads a worker has."""
    return max(1, int(engine.resources.num_cpus))
