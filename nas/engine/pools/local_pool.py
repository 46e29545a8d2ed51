"""A pool without processes: one job at a time, inside the driver. For debugging, tests and machines without Ray.

It cannot kill what it runs, so time and memory limits are not enforced, and a crash of the evaluation is a crash of the
run (which can be resumed). Everything else keeps the contract of :class:`~gondwana.nas.engine.pools.protocol.Pool`.
"""

from __future__ import annotations

import os
import socket
import time
import traceback
from collections import deque
from types import TracebackType
from typing import Any

from gondwana.nas.candidate import State
from gondwana.nas.engine.pools.protocol import Job, Result
from gondwana.nas.evaluation.evaluate import Report


class LocalPool:
    """Runs jobs when :meth:`wait` is called.

    Args:
        capacity: see :attr:`capacity`.
        gather_seconds: jobs are run one after the other for so long before their results are returned together, so
            that many short ones are recorded by one write to the disk. At 0 each result is returned at once.
    """

    def __init__(self, capacity: int = 1, gather_seconds: float = 0.0) -> None:
        self._capacity = capacity
        self._gather_seconds = gather_seconds
        self._jobs: deque[tuple[Job, float]] = deque()
        self._shared: dict[str, Any] = {}
        self._worker = f"{socket.gethostname()}:{os.getpid()}"

    @property
    def capacity(self) -> int:
        """As given; jobs run one after the other all the same."""
        return self._capacity

    @property
    def pending(self) -> int:
        """Jobs not yet returned."""
        return len(self._jobs)

    def share(self, name: str, value: Any) -> None:
        """Keep ``value`` for the jobs."""
        self._shared[name] = value

    def submit(self, job: Job) -> None:
        """Queue a job. Raises ValueError for an id that is pending and for data that were never shared."""
        if any(queued.id == job.id for queued, _ in self._jobs):
            raise ValueError(f"job {job.id} is already pending")
        if job.data is not None and job.data not in self._shared:
            raise ValueError(f"job {job.id} wants the data {job.data!r}, which were never shared")
        self._jobs.append((job, time.monotonic()))

    def wait(self, timeout: float | None = None) -> list[Result]:
        """Run the oldest job, and more while the time lasts; return their results. ``timeout`` interrupts no job."""
        end = time.monotonic() + self._gather_seconds
        results: list[Result] = []
        while self._jobs and (not results or time.monotonic() < end):
            job, submitted = self._jobs[0]
            started = time.monotonic()
            report = run_guarded(job, self._shared.get(job.data) if job.data is not None else None)
            self._jobs.popleft()
            results.append(Result(job.id, report, self._worker, 1, started - submitted))
        return results

    def withdraw(self) -> list[int]:
        """Forget all jobs: none runs between two calls of :meth:`wait`."""
        ids = [job.id for job, _ in self._jobs]
        self._jobs.clear()
        return ids

    def devices(self) -> list[str]:
        """Return the devices that the framework sees in this process."""
        from gondwana.nas.engine.pools.backend import devices

        return devices()

    def close(self) -> None:
        """Drop pending jobs."""
        self._jobs.clear()

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def run_guarded(job: Job, data: Any) -> Report:
    """Run a job and turn an exception that leaves it into a report: a worker outlives whatever it is given."""
    try:
        if job.state is not None:
            return job.work(job.spec, data, state=job.state)
        return job.work(job.spec, data)
    except MemoryError as error:
        return Report.failure(State.OUT_OF_MEMORY, f"out of memory: {error}", traceback.format_exc())
    except Exception as error:  # noqa: BLE001  the boundary between workers and run: recorded, never swallowed
        return Report.failure(State.CRASHED, f"{type(error).__name__}: {error}", traceback.format_exc())
