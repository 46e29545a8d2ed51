"""A pool of Ray actors: the only file that imports Ray. Import it after :func:`.ray_environment.prepare`.

One actor is one worker process, a *slot*. The driver leads each slot through its life: starting, idle, busy with one
job, dead and started again. That gives what Ray's own retries do not: a limit that counts from the beginning of the
job and not of its waiting, a process that can be killed in the middle of C code, retries that are counted, and
processes that are replaced after a number of jobs or above a bound of memory.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from types import TracebackType
from typing import Any

import ray
from ray import exceptions

from gondwana.nas.candidate import State
from gondwana.nas.engine.pools.protocol import Job, PoolError, Result, UnusablePoolError
from gondwana.nas.engine.pools.ray_environment import hint, knock, telling_line
from gondwana.nas.engine.pools.ray_options import RayOptions
from gondwana.nas.engine.pools.worker import About, Worker
from gondwana.nas.engine.pools.worker_death import Deaths
from gondwana.nas.evaluation.evaluate import Report

MAX_FAILED_STARTS = 5
"""Workers that die in succession before becoming ready: something is wrong with all of them."""
DASHBOARD = ("aiohttp", "aiohttp_cors", "colorful")
"""What Ray's dashboard needs, of the extra ``ray[default]``."""
LOOK_SECONDS = 5.0
"""How often the cluster is asked whether this node is still part of it, and whether there is room for more workers."""


@dataclass(slots=True)
class _Task:
    """A job, with the times and the number of its attempts."""

    job: Job
    submitted: float
    attempts: int = 0
    deaths: Deaths = field(default_factory=Deaths)
    queued: float = 0.0


@dataclass(slots=True)
class _Slot:
    """A worker process as the driver sees it: starting while ``about`` is None, busy while ``task`` is set."""

    actor: Any
    reference: Any
    """Pending answer: to ``about`` while starting, of the job while busy; None while idle."""
    about: About | None = None
    task: _Task | None = None
    alarm: Any = None
    deadline: float | None = None
    jobs: int = 0


class RayPool:
    """Starts or joins a Ray cluster and keeps its slots filled."""

    def __init__(self, options: RayOptions) -> None:
        """Connect and start the workers.

        Raises:
            UnusablePoolError: if the cluster cannot be reached or has no room for a single worker.
        """
        self._options = options
        self._slots: list[_Slot] = []
        self._queue: deque[_Task] = deque()
        self._ids: set[int] = set()
        self._shared: dict[str, Any] = {}
        self._failed_starts = 0
        self._closed = False
        self._looked = time.monotonic()
        self._devices: list[str] = []
        self._owns_ray = not ray.is_initialized()
        if self._owns_ray:
            connect(options)
        actor_class = ray.remote(
            num_cpus=options.num_cpus,
            num_gpus=options.num_gpus,
            max_restarts=0,
            max_task_retries=0,
            concurrency_groups={"watch": 1},
        )(Worker)
        environment = {"env_vars": dict(options.environment)} if options.environment else None
        self._actor_class = actor_class.options(runtime_env=environment)
        self._node = ray.get_runtime_context().get_node_id()
        room = (
            self._room()
        )  # of one that is too small nothing would ever start, and the run would wait for ever
        wanted = options.workers or room
        if room < 1:
            self.close()
            raise UnusablePoolError(
                f"the Ray cluster has no room for a worker with {options.num_cpus:g} CPUs and {options.num_gpus:g} "
                f"GPUs; it has {_in_words(ray.cluster_resources())}"
            )
        self._slots = [self._start() for _ in range(wanted)]

    # --- the interface of Pool

    @property
    def capacity(self) -> int:
        """Number of slots."""
        return len(self._slots)

    @property
    def pending(self) -> int:
        """Jobs not yet returned."""
        return len(self._ids)

    def share(self, name: str, value: Any) -> None:
        """Put ``value`` into the object store, from which every process of a node maps the same pages."""
        self._shared[name] = ray.put(value)

    def submit(self, job: Job) -> None:
        """Queue a job. Raises ValueError for an id that is pending and for data that were never shared."""
        if job.id in self._ids:
            raise ValueError(f"job {job.id} is already pending")
        if job.data is not None and job.data not in self._shared:
            raise ValueError(f"job {job.id} wants the data {job.data!r}, which were never shared")
        self._ids.add(job.id)
        self._queue.append(_Task(job, time.monotonic()))
        self._dispatch()

    def wait(self, timeout: float | None = None) -> list[Result]:
        """Return results when there are any; see :class:`gondwana.nas.engine.pools.protocol.Pool`."""
        end = None if timeout is None else time.monotonic() + timeout
        while self._ids:
            self._look()
            results = self._step(end)
            for result in results:
                self._ids.discard(result.id)
            self._dispatch()
            if results or (end is not None and time.monotonic() >= end):
                return results
        return []

    def withdraw(self) -> list[int]:
        """Forget the jobs that no worker is doing, and return their ids."""
        ids = [task.job.id for task in self._queue]
        self._queue.clear()
        self._ids.difference_update(ids)
        return ids

    def devices(self) -> list[str]:
        """Return the devices of the first worker that became ready; waits for it.

        Raises:
            PoolError: if none becomes ready.
            UnusablePoolError: if a GPU is required and there is none.
        """
        while not any(slot.about for slot in self._slots):
            self._step(time.monotonic() + 1.0)
        return self._devices

    def close(self) -> None:
        """Kill the workers; leave Ray if this pool started or joined it."""
        if self._closed:
            return
        self._closed = True
        for slot in self._slots:
            ray.kill(slot.actor, no_restart=True)
        self._slots.clear()
        self._ids.clear()
        self._queue.clear()
        self._shared.clear()
        if self._owns_ray:
            ray.shutdown()

    def __enter__(self) -> RayPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- slots

    def _start(self) -> _Slot:
        actor = self._actor_class.remote(self._options.setup)
        return _Slot(actor, actor.about.remote())

    def _replace(self, slot: _Slot) -> None:
        """Kill what is left of the slot's process and start another."""
        ray.kill(slot.actor, no_restart=True)
        self._slots[self._slots.index(slot)] = self._start()

    def _room(self) -> int:
        """Return how many workers the cluster's resources hold."""
        total = ray.cluster_resources()
        options = self._options
        needs = (("CPU", options.num_cpus), ("GPU", options.num_gpus))
        room = [int(total.get(name, 0.0) / need + 1e-9) for name, need in needs if need]
        return min(room) if room else 1

    def _look(self) -> None:
        """Look at the cluster now and then: is this node in it, have nodes joined?

        Raises:
            PoolError: if the cluster counts this node as lost; no answer would ever come.
        """
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        if self._node not in alive:
            raise PoolError(
                "the Ray node on which the driver runs is lost; start Ray anew and resume the run"
            )
        if self._options.workers is None:
            self._slots += [self._start() for _ in range(self._room() - len(self._slots))]

    def _dispatch(self) -> None:
        """Give queued jobs to idle slots."""
        for slot in self._slots:
            if not self._queue:
                return
            if slot.about is not None and slot.task is None:
                self._begin(slot, self._queue.popleft())

    def _begin(self, slot: _Slot, task: _Task) -> None:
        now = time.monotonic()
        job = task.job
        task.attempts += 1
        task.queued = now - task.submitted
        slot.task, slot.jobs = task, slot.jobs + 1
        data = None if job.data is None else self._shared[job.data]
        slot.reference = slot.actor.run.remote(job, data, slot.jobs)
        if job.max_memory_mb is not None:
            watch = slot.actor.watch_memory.options(concurrency_group="watch")
            slot.alarm = watch.remote(job.max_memory_mb, slot.jobs)
        slot.deadline = None if job.max_seconds is None else now + job.max_seconds

    # --- what happens

    def _step(self, end: float | None) -> list[Result]:
        """Wait for anything to happen, at most until ``end`` or the next deadline, and act on all that has."""
        owners = {slot.reference: slot for slot in self._slots if slot.reference is not None}
        owners |= {slot.alarm: slot for slot in self._slots if slot.alarm is not None}
        moments = [slot.deadline for slot in self._slots if slot.deadline is not None]
        moments += [time.monotonic() + LOOK_SECONDS] + ([] if end is None else [end])
        references = list(owners)
        # Floor of 1 ms: a timeout of 0 would make this a busy loop.
        ray.wait(references, num_returns=1, timeout=max(0.001, min(moments) - time.monotonic()))
        ready, _ = ray.wait(references, num_returns=len(references), timeout=0)
        results: list[Result] = []
        for reference in ready:
            slot = owners[reference]
            if reference == slot.reference:
                results += self._answered(slot) if slot.about is not None else self._started(slot)
            elif reference == slot.alarm:
                results += self._alarmed(slot)
        now = time.monotonic()
        late = [slot for slot in self._slots if slot.deadline is not None and now >= slot.deadline]
        for slot in late:
            results += self._expired(slot)
        return results

    def _started(self, slot: _Slot) -> list[Result]:
        try:
            about: About = ray.get(slot.reference)
        except exceptions.RayError as error:
            self._failed_starts += 1
            if self._failed_starts >= MAX_FAILED_STARTS:
                raise PoolError(
                    f"{self._failed_starts} workers in succession did not start: {telling_line(error)}"
                    + hint(self._options.address)
                ) from error
            self._replace(slot)
            return []
        if self._options.require_gpu and not about.has_gpu:
            raise UnusablePoolError(
                f"engine.require_gpu is set, but worker {about.name} sees no GPU, only {', '.join(about.devices)}; "
                "check the driver and the framework's GPU build, or set engine.require_gpu to false"
            )
        self._failed_starts = 0
        self._devices = self._devices or list(about.devices)
        slot.about, slot.reference = about, None
        return []

    def _answered(self, slot: _Slot) -> list[Result]:
        """Take the answer of a busy slot, or learn that its process is dead."""
        task = slot.task
        if task is None or slot.about is None:
            return []
        try:
            report, memory_mb = ray.get(slot.reference)
        except exceptions.OutOfMemoryError as error:
            return self._give_up(
                slot, State.OUT_OF_MEMORY, f"the node ran out of memory: {telling_line(error)}"
            )
        except exceptions.RayError as error:
            # RayTaskError too: what a candidate raises never leaves its worker, so this is Ray's own trouble with
            # handing over job, data or report, as when the node goes under.
            return self._died(slot, error)
        result = _result(slot, report)
        slot.task = slot.reference = slot.alarm = slot.deadline = None
        bound = self._options.recycle_above_mb
        if slot.jobs >= self._options.recycle_after or (bound is not None and memory_mb > bound):
            self._replace(slot)
        return [result]

    def _died(self, slot: _Slot, error: Exception) -> list[Result]:
        """Begin the job of a dead process anew, or give it up."""
        task = slot.task
        if task is None:
            return []
        # Ray names the node in its message when the node, and not the process alone, is gone.
        node_lost = not isinstance(error, exceptions.RayTaskError) and (
            bool(getattr(error, "preempted", False))
            or "node" in str(error).lower().partition("worker exit")[0]
        )
        if not task.deaths.count(node_lost=node_lost, max_retries=self._options.max_retries):
            reason = f"its worker died {task.deaths.charged} times, the last time: {telling_line(error)}"
            return self._give_up(slot, State.CRASHED, reason, str(error))
        self._queue.appendleft(task)
        slot.task = None
        self._replace(slot)
        return []

    def _alarmed(self, slot: _Slot) -> list[Result]:
        """The memory of a busy slot exceeds the job's limit, or its watch ended with the job."""
        alarm, slot.alarm = slot.alarm, None
        if slot.task is None:
            return []
        try:
            resident = ray.get(alarm)
        except (
            exceptions.RayError
        ):  # the process is dead; the job's own answer says so and is dealt with there
            return []
        if resident is None:
            return []
        limit = slot.task.job.max_memory_mb
        reason = f"{resident:,.0f} MB of memory, limits.max_memory_mb is {limit:,g}"
        return self._give_up(slot, State.OUT_OF_MEMORY, reason)

    def _expired(self, slot: _Slot) -> list[Result]:
        """The job of a busy slot has used up its time."""
        task = slot.task
        if task is None:
            return []
        reason = f"not ready after limits.max_seconds = {task.job.max_seconds:g}"
        return self._give_up(slot, State.TIMED_OUT, reason)

    def _give_up(self, slot: _Slot, state: State, reason: str, trace: str | None = None) -> list[Result]:
        """Kill the slot's process and report its job as failed."""
        result = _result(slot, Report.failure(state, reason, trace))
        slot.task = None
        self._replace(slot)
        return [result]


def connect(options: RayOptions) -> None:
    """Start a local cluster, or join one.

    Raises:
        UnusablePoolError: if that fails.
    """
    if options.dashboard and options.address == "local" and not all(map(find_spec, DASHBOARD)):
        raise UnusablePoolError(
            "engine.dashboard is set, but Ray's dashboard is not installed: pip install 'ray[default]', or set "
            "engine.dashboard to false"
        )
    common = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    try:
        if options.address == "local":
            cpus = (
                None if options.workers is None else max(1, round(options.workers * options.num_cpus + 0.499))
            )
            ray.init(address="local", num_cpus=cpus, include_dashboard=options.dashboard, **common)
        else:
            knock(options.address)
            ray.init(address=options.address, **common)
    except (OSError, RuntimeError, ValueError, exceptions.RayError) as error:
        raise UnusablePoolError(
            f"no Ray cluster at {options.address!r} lets us in: {telling_line(error)}; is it running, does it want "
            "a token (RAY_AUTH_TOKEN or ~/.ray/auth_token)? See docs/cluster.md"
        ) from error


def _result(slot: _Slot, report: Report) -> Result:
    task = slot.task
    if task is None:
        raise PoolError("a slot without a job has no result")
    worker = slot.about.name if slot.about is not None else ""
    return Result(task.job.id, report, worker, task.attempts, task.queued)


def _in_words(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{resources.get(name, 0.0):g} {name}s" for name in ("CPU", "GPU"))
