"""Batches of jobs: what goes together, what becomes of each member, and of a batch that fails as a whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gondwana.nas.candidate import State
from gondwana.nas.config.schema import EngineConfig
from gondwana.nas.engine.pools.batching_pool import BatchingPool
from gondwana.nas.engine.pools.choose import batch_size
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.pools.protocol import Job, Result, UnusablePoolError
from gondwana.nas.evaluation.batch import MEMBERS, evaluate_batch
from gondwana.nas.evaluation.evaluate import Report, evaluate


class RecordingPool(LocalPool):
    """Answers jobs as ``answer`` does, and remembers the numbers of each batch."""

    def __init__(self, answer: Callable[[list[int]], Report | None]) -> None:
        super().__init__()
        self.batches: list[list[int]] = []
        self.limits: list[float | None] = []
        self._answer = answer

    def wait(self, timeout=None) -> list[Result]:
        if not self._jobs:
            return []
        job, _ = self._jobs.popleft()
        members = job.spec.get(MEMBERS, [job.spec])
        assert job.work is (evaluate_batch if MEMBERS in job.spec else evaluate)
        numbers = [spec["replicate"] for spec in members]
        self.batches.append(numbers)
        self.limits.append(job.max_seconds)
        report = self._answer(numbers)
        if report is None:
            reports = tuple(Report(State.COMPLETED, fitness=number / 10) for number in numbers)
            report = Report(State.COMPLETED, fitness=0.0, members=reports) if len(numbers) > 1 else reports[0]
        return [Result(job.id, report, "here:1", 1, 0.0)]


def job(number: int, *, model: str = "same", **more) -> Job:
    spec = {
        "model": {"kind": model},
        "training": {"learning_rate": 0.1 * number},
        "replicate": number,
        "seed": 1,
    }
    return Job(number, {**spec, **more}, evaluate, max_seconds=10.0)


def run(pool: BatchingPool) -> dict[int, Result]:
    found: dict[int, Result] = {}
    while pool.pending:
        for result in pool.wait():
            assert result.id not in found
            found[result.id] = result
    return found


def test_jobs_of_one_structure_go_together_and_each_has_its_result():
    inner = RecordingPool(lambda numbers: None)
    pool = BatchingPool(inner, 3)
    assert pool.capacity == 3
    for number in range(5):
        pool.submit(job(number))
    pool.submit(job(5, model="other"))
    pool.submit(job(6, until_epoch=1))
    assert pool.pending == 7
    found = run(pool)
    assert inner.batches == [[0, 1, 2], [3, 4], [5], [6]]
    assert inner.limits == [30.0, 20.0, 10.0, 10.0]
    assert {number: result.report.fitness for number, result in found.items()} == {
        n: n / 10 for n in range(7)
    }
    assert all(result.attempts == 1 and result.queued >= 0 for result in found.values())


def test_a_batch_that_fails_for_memory_is_halved():
    def answer(numbers):
        return Report.failure(State.OUT_OF_MEMORY, "full") if len(numbers) > 1 or numbers == [3] else None

    inner = RecordingPool(answer)
    pool = BatchingPool(inner, 4)
    for number in range(4):
        pool.submit(job(number))
    found = run(pool)
    assert inner.batches == [[0, 1, 2, 3], [0, 1], [2, 3], [0], [1], [2], [3]]
    assert [found[n].report.state for n in range(4)] == [State.COMPLETED] * 3 + [State.OUT_OF_MEMORY]
    assert found[0].attempts == 3


def test_the_members_of_a_batch_that_dies_are_tried_one_by_one():
    inner = RecordingPool(lambda numbers: Report.failure(State.CRASHED, "dead") if 1 in numbers else None)
    pool = BatchingPool(inner, 4)
    for number in range(3):
        pool.submit(job(number))
    with pytest.warns(UserWarning, match="a batch of 3 candidates failed as a whole .* crashed: dead"):
        found = run(pool)
    assert inner.batches == [[0, 1, 2], [0], [1], [2]]
    assert [found[n].report.state for n in range(3)] == [State.COMPLETED, State.CRASHED, State.COMPLETED]


def test_what_has_not_begun_can_be_withdrawn():
    pool = BatchingPool(RecordingPool(lambda numbers: None), 2)
    for number in range(5):
        pool.submit(job(number))
    done = [result.id for result in pool.wait()]
    assert done == [0, 1]
    assert sorted(pool.withdraw()) == [2, 3, 4]
    assert pool.pending == 0
    pool.submit(job(2))
    with pytest.raises(ValueError, match="already pending"):
        pool.submit(job(2))


def test_the_size_is_that_of_the_backend(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    auto = EngineConfig(batch="auto")
    assert batch_size(auto) == 1
    with pytest.raises(UnusablePoolError, match=r"set engine.backend to jax"):
        batch_size(EngineConfig(batch=4))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert batch_size(auto) == 8
    assert batch_size(EngineConfig()) == 1  # runs are replayed to the last digit unless one asks for batches
    assert batch_size(EngineConfig(batch="auto", resources={"num_gpus": 0.5})) == 32
    assert batch_size(EngineConfig(batch=4)) == 4
