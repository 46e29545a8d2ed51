"""What a pool of workers is: jobs go in, results come out in any order, and no job is ever lost.

A pool knows nothing of searches or stores. Whatever happens to a job (a result, an exception, a dead process, a limit
exceeded) ends in exactly one :class:`Result`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

from gondwana.nas.candidate import Candidate
from gondwana.nas.evaluation.evaluate import Report

Work = Callable[..., Report]
"""What a worker runs: ``work(spec, data) -> Report``. A module-level function, sent to workers by name. For a
training that goes on it is ``work(spec, data, state=bytes)``."""


class PoolError(RuntimeError):
    """The workers cannot be started, or all of them are lost. A run that meets it can be resumed."""


class UnusablePoolError(ValueError):
    """What the config asks of the pool cannot be had here: no such cluster, no GPU, no token."""


@dataclass(frozen=True, slots=True)
class Job:
    """One evaluation for a worker.

    Attributes:
        id: unique among the pool's unfinished jobs; a candidate's id.
        spec: JSON object handed to ``work``.
        work: what to run.
        data: name under which :meth:`Pool.share` was given the second argument of ``work``; None passes None.
        max_seconds: wall seconds after which the worker is killed; None is unlimited.
        max_memory_mb: resident memory at which the worker is killed; None is unlimited.
        state: of the training that goes on; None begins it.
    """

    id: int
    spec: Mapping[str, Any]
    work: Work
    data: str | None = None
    max_seconds: float | None = None
    max_memory_mb: float | None = None
    state: bytes | None = None

    @classmethod
    def of(cls, candidate: Candidate, work: Work, data: str, *, patience: float = 1) -> Job:
        """Return the job of a candidate, within the limits of its spec.

        Args:
            candidate: whose spec is handed to ``work``.
            work, data: as of the class.
            patience: how many times the ``max_seconds`` of the spec it may take.
        """
        limits = candidate.spec.get("limits", {})
        seconds = limits.get("max_seconds")
        return cls(
            id=candidate.id,
            spec=candidate.spec,
            work=work,
            data=data,
            max_seconds=None if seconds is None else patience * seconds,
            max_memory_mb=limits.get("max_memory_mb"),
        )


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a job: its report, or how it failed.

    Attributes:
        id: the job's id.
        report: what ``work`` returned, or the pool's own report of a failure.
        worker: ``host:pid`` where it ended; empty if it never began.
        attempts: times that it was begun.
        queued: wall seconds between submission and the last beginning.
    """

    id: int
    report: Report
    worker: str
    attempts: int
    queued: float


class Pool(Protocol):
    """Workers behind one interface; a context manager that ends them."""

    @property
    def capacity(self) -> int:
        """Jobs that can run at the same time, at the moment."""
        ...

    @property
    def pending(self) -> int:
        """Jobs submitted whose result :meth:`wait` has not returned yet."""
        ...

    def share(self, name: str, value: Any) -> None:
        """Make ``value`` available to jobs, stored once per node and not copied per job where that is possible."""
        ...

    def submit(self, job: Job) -> None:
        """Take a job.

        Raises:
            ValueError: if a job with this id is pending, or its data were never shared.
        """
        ...

    def wait(self, timeout: float | None = None) -> list[Result]:
        """Return results as soon as there is at least one; an empty list after ``timeout`` seconds or without jobs.

        Raises:
            PoolError: if no worker can be started any more.
        """
        ...

    def withdraw(self) -> list[int]:
        """Forget the jobs that have not begun, and return their ids; they will have no result."""
        ...

    def devices(self) -> list[str]:
        """Return the devices that the workers compute on, in words."""
        ...

    def close(self) -> None:
        """End the workers at once; pending jobs are dropped. May be called twice."""
        ...

    def __enter__(self) -> Pool: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
