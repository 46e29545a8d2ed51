"""A pool in front of another one: candidates that may be trained together go to a worker as one job.

Neither the run loop nor the workers' pool knows of it: jobs come in one by one, and each has its own result. What was
not returned when the driver is killed is evaluated again, in whatever company.
"""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from gondwana.nas.candidate import State
from gondwana.nas.engine.pools.protocol import Job, Pool, Result
from gondwana.nas.evaluation.batch import MEMBERS, batch_key, evaluate_batch
from gondwana.nas.evaluation.evaluate import Report, evaluate


@dataclass(slots=True)
class _Waiting:
    """A job that no worker has, and what it has been through."""

    job: Job
    submitted: float
    key: str | None
    attempts: int = 0


class BatchingPool:
    """Forms batches of jobs of equal :func:`batch_key` whenever a worker is free.

    Args:
        pool: does the work.
        size: most jobs of a batch.
    """

    def __init__(self, pool: Pool, size: int) -> None:
        self._pool, self._size = pool, size
        self._waiting: deque[_Waiting] = deque()
        self._again: deque[list[_Waiting]] = deque()
        """Parts of batches that failed as a whole."""
        self._running: dict[int, list[_Waiting]] = {}
        """By the id of the job at the pool, that of its first member."""
        self._begun: dict[int, float] = {}
        self._shared: set[str] = set()

    @property
    def capacity(self) -> int:
        """Jobs that can run at the same time: a batch per worker."""
        return self._pool.capacity * self._size

    @property
    def pending(self) -> int:
        """Jobs not yet returned."""
        return len(self._everything())

    def share(self, name: str, value: Any) -> None:
        """Hand ``value`` to the pool."""
        self._shared.add(name)
        self._pool.share(name, value)

    def submit(self, job: Job) -> None:
        """Take a job. Raises ValueError for an id that is pending and for data that were never shared."""
        if any(item.job.id == job.id for item in self._everything()):
            raise ValueError(f"job {job.id} is already pending")
        if job.data is not None and job.data not in self._shared:
            raise ValueError(f"job {job.id} wants the data {job.data!r}, which were never shared")
        alone = job.work is not evaluate or job.state is not None
        self._waiting.append(_Waiting(job, time.monotonic(), None if alone else batch_key(job.spec)))

    def wait(self, timeout: float | None = None) -> list[Result]:
        """Return results as soon as there are any; see :class:`gondwana.nas.engine.pools.protocol.Pool`."""
        self._dispatch()
        results: list[Result] = []
        for result in self._pool.wait(timeout):
            results += self._unpacked(result)
        self._dispatch()
        return results

    def withdraw(self) -> list[int]:
        """Forget the jobs that have not begun, and return their ids."""
        found = [*self._waiting, *(item for group in self._again for item in group)]
        self._waiting.clear()
        self._again.clear()
        for number in self._pool.withdraw():
            found += self._running.pop(number)
            del self._begun[number]
        return [item.job.id for item in found]

    def devices(self) -> list[str]:
        """Return the devices of the pool's workers."""
        return self._pool.devices()

    def close(self) -> None:
        """End the workers; pending jobs are dropped."""
        self._waiting.clear()
        self._again.clear()
        self._running.clear()
        self._pool.close()

    def __enter__(self) -> BatchingPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _everything(self) -> list[_Waiting]:
        groups = [*self._again, *self._running.values()]
        return [*self._waiting, *(item for group in groups for item in group)]

    def _dispatch(self) -> None:
        """Hand batches to the pool while it has a free worker; what waits longer becomes a larger batch."""
        while (self._again or self._waiting) and self._pool.pending < self._pool.capacity:
            group = self._again.popleft() if self._again else self._gathered()
            number = group[0].job.id
            self._running[number] = group
            self._begun[number] = time.monotonic()
            self._pool.submit(group[0].job if len(group) == 1 else _batch([item.job for item in group]))

    def _gathered(self) -> list[_Waiting]:
        first = self._waiting.popleft()
        group = [first]
        if first.key is not None:
            like = [
                item for item in self._waiting if (item.key, item.job.data) == (first.key, first.job.data)
            ]
            group += like[: self._size - 1]
        chosen = {item.job.id for item in group}
        self._waiting = deque(item for item in self._waiting if item.job.id not in chosen)
        return group

    def _unpacked(self, result: Result) -> list[Result]:
        """Return the results of a batch's members; none if it failed as a whole and its members are tried again."""
        group = self._running.pop(result.id)
        begun = self._begun.pop(result.id)
        members: Sequence[Report] = result.report.members if len(group) > 1 else [result.report]
        if len(members) != len(group):
            halves = result.report.state is State.OUT_OF_MEMORY
            if not halves:
                warnings.warn(
                    f"a batch of {len(group)} candidates failed as a whole and each is trained by itself: "
                    f"{result.report.state}: {result.report.reason}",
                    stacklevel=2,
                )
            size = (len(group) + 1) // 2 if halves else 1
            for item in group:
                item.attempts += result.attempts
            self._again.extend(group[start : start + size] for start in range(0, len(group), size))
            return []
        return [
            Result(
                item.job.id,
                report,
                result.worker,
                item.attempts + result.attempts,
                result.queued + begun - item.submitted,
            )
            for item, report in zip(group, members, strict=True)
        ]


def _batch(jobs: Sequence[Job]) -> Job:
    """Return the job of a batch: as much time as its members have together, as much memory as the most frugal one."""
    seconds = [job.max_seconds for job in jobs if job.max_seconds is not None]
    memory = [job.max_memory_mb for job in jobs if job.max_memory_mb is not None]
    return Job(
        id=jobs[0].id,
        spec={MEMBERS: [job.spec for job in jobs]},
        work=evaluate_batch,
        data=jobs[0].data,
        max_seconds=sum(seconds) if len(seconds) == len(jobs) else None,
        max_memory_mb=min(memory, default=None),
    )
