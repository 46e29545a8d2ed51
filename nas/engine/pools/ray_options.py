"""How the Ray pool is to use Ray. Imports nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gondwana.nas.engine.pools.worker import Setup


@dataclass(frozen=True, slots=True)
class RayOptions:
    """Settings of the pool of Ray workers.

    Attributes:
        address: ``local``, ``auto`` or ``HOST:PORT``.
        workers: number of workers; None for as many as the cluster's resources hold, also when it grows.
        num_cpus, num_gpus: reserved for each.
        max_retries: beginnings after the first when a worker dies.
        require_gpu: refuse workers that see none.
        recycle_after: jobs after which a worker is replaced.
        recycle_above_mb: resident memory above which it is.
        dashboard: start Ray's dashboard (local cluster only).
        environment: variables for the workers.
        setup: called once in each fresh worker.
    """

    address: str = "local"
    workers: int | None = None
    num_cpus: float = 1.0
    num_gpus: float = 0.0
    max_retries: int = 2
    require_gpu: bool = False
    recycle_after: int = 100
    recycle_above_mb: float | None = None
    dashboard: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    setup: Setup | None = None
