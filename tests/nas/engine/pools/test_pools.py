"""What every pool promises, and what the Ray pool promises beyond."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gondwana.nas.candidate import State
from gondwana.nas.engine.pools.protocol import Job, Pool, PoolError, Result, UnusablePoolError
from gondwana.nas.engine.pools.ray_options import RayOptions
from tests.helpers.engine.fakes import LostOnTheWay, going_on, score

pytestmark = pytest.mark.slow


def job(
    number: int, *, data: str | None = None, limit: float | None = None, mb: float | None = None, **model
) -> Job:
    spec = {"model": {"value": number / 100, **model}, "seed": 0}
    return Job(number, spec, score, data, limit, mb)


def drain(pool: Pool, timeout: float = 240.0) -> dict[int, Result]:
    end = time.monotonic() + timeout
    results: dict[int, Result] = {}
    while pool.pending:
        for result in pool.wait(timeout=1.0):
            assert result.id not in results
            results[result.id] = result
        assert time.monotonic() < end, f"still pending after {timeout} s"
    return results


def test_every_job_has_one_result(pool):
    for number in range(7):
        pool.submit(job(number))
    assert pool.pending == 7
    results = drain(pool)
    assert sorted(results) == list(range(7))
    assert all(r.report.state is State.COMPLETED and r.report.fitness == r.id / 100 for r in results.values())
    assert all(r.attempts == 1 and r.queued >= 0 and ":" in r.worker for r in results.values())
    assert pool.pending == 0


def test_a_job_goes_on_from_its_state_and_returns_the_next(pool):
    state = bytes(3_000_000)
    pool.submit(Job(1, {}, going_on, state=state))
    pool.submit(Job(2, {}, going_on))
    results = drain(pool)
    assert results[1].report.fitness == len(state)
    assert results[1].report.training_state == bytes(len(state) + 1)
    assert results[2].report.fitness == 0


def test_waiting_without_jobs_returns_at_once(pool):
    begin = time.monotonic()
    assert pool.wait(timeout=30) == []
    assert time.monotonic() - begin < 1


def test_an_id_cannot_be_pending_twice(pool):
    pool.submit(job(1))
    with pytest.raises(ValueError, match="job 1 is already pending"):
        pool.submit(job(1))
    drain(pool)
    pool.submit(job(1))  # a finished id may come again
    assert list(drain(pool)) == [1]


def test_data_reach_the_worker_and_unknown_data_are_refused(pool):
    pool.share("numbers", np.array([42.0, 1.0]))
    pool.submit(job(1, data="numbers"))
    assert drain(pool)[1].report.metrics["shared"] == 42.0
    with pytest.raises(ValueError, match="'letters', which were never shared"):
        pool.submit(job(2, data="letters"))


def test_exceptions_become_reports_with_reason_and_traceback(pool):
    pool.submit(job(1, do="raise"))
    pool.submit(job(2, do="raise_memory"))
    pool.submit(job(3, do="diverge"))
    results = drain(pool)
    assert results[1].report.state is State.CRASHED
    assert results[1].report.reason == "RuntimeError: this candidate raises"
    assert "fakes.py" in results[1].report.traceback
    assert results[2].report.state is State.OUT_OF_MEMORY
    assert results[3].report.state is State.DIVERGED
    assert all(result.attempts == 1 for result in results.values())


def test_jobs_that_have_not_begun_can_be_withdrawn(pool):
    for number in range(9):
        pool.submit(job(number, seconds=0.2))
    withdrawn = pool.withdraw()
    assert set(withdrawn) >= set(range(3, 9))
    results = drain(pool)
    assert sorted([*results, *withdrawn]) == list(range(9))
    pool.submit(job(8))
    assert list(drain(pool)) == [8]


def test_closing_twice_is_harmless(pool):
    pool.close()
    pool.close()


# --- Ray only


def test_a_job_whose_worker_dies_is_begun_anew_elsewhere(ray_pool, tmp_path):
    pool = ray_pool()
    pool.submit(job(1, do="die_once", mark=str(tmp_path / "mark")))
    pool.submit(job(2))
    results = drain(pool)
    assert results[1].report.state is State.COMPLETED
    assert results[1].attempts == 2
    assert results[2].attempts == 1


@pytest.mark.parametrize(("failures", "state"), [(1, State.COMPLETED), (2, State.CRASHED)])
def test_a_job_that_does_not_reach_its_worker_is_begun_anew(ray_pool, tmp_path, failures, state):
    pool = ray_pool(max_retries=1)
    lost = LostOnTheWay(job(1).spec["model"], str(tmp_path), failures)
    pool.submit(replace(job(1), spec={"model": lost}))
    result = drain(pool)[1]
    assert result.report.state is state
    assert result.attempts == 2


@pytest.mark.parametrize("deed", ["die", "segfault", "exit"])
def test_a_job_that_kills_its_workers_is_given_up(ray_pool, deed):
    pool = ray_pool(max_retries=1)
    pool.submit(job(1, do=deed))
    pool.submit(job(2))
    results = drain(pool)
    assert results[1].report.state is State.CRASHED
    assert "died 2 times" in results[1].report.reason
    assert results[1].attempts == 2
    assert results[2].report.state is State.COMPLETED


def test_time_limit_kills_a_worker_stuck_in_c(ray_pool):
    pool = ray_pool(max_retries=3)
    pool.devices()
    begin = time.monotonic()
    pool.submit(job(1, do="hang", limit=0.5))
    pool.submit(job(2, limit=30.0))
    results = drain(pool)
    assert results[1].report.state is State.TIMED_OUT
    assert results[1].report.reason == "not ready after limits.max_seconds = 0.5"
    assert results[1].attempts == 1  # it would hang again
    assert results[2].report.state is State.COMPLETED
    assert time.monotonic() - begin < 10


def test_waiting_does_not_count_against_the_time_limit(ray_pool):
    pool = ray_pool(workers=1)
    for number in range(4):
        pool.submit(job(number, seconds=0.5, limit=1.2))
    results = drain(pool)
    assert all(result.report.state is State.COMPLETED for result in results.values())


def test_memory_limit_ends_a_greedy_job_and_no_other(ray_pool):
    pool = ray_pool()
    pool.submit(job(1, do="exhaust", mb=400.0))
    pool.submit(job(2, mb=400.0))
    results = drain(pool)
    assert results[1].report.state is State.OUT_OF_MEMORY
    assert "limits.max_memory_mb is 400" in results[1].report.reason
    assert results[1].attempts == 1
    assert results[2].report.state is State.COMPLETED


def test_workers_are_replaced_after_a_number_of_jobs(ray_pool):
    pool = ray_pool(workers=1, recycle_after=2)
    for number in range(5):
        pool.submit(job(number))
    workers = [result.worker for _, result in sorted(drain(pool).items())]
    assert len(set(workers)) == 3
    assert workers[0] == workers[1] != workers[2] == workers[3] != workers[4]


def test_workers_are_replaced_above_a_bound_of_memory(ray_pool):
    pool = ray_pool(workers=1, recycle_above_mb=1.0)
    for number in range(3):
        pool.submit(job(number))
    assert len({result.worker for result in drain(pool).values()}) == 3


def test_shared_data_are_not_copied(ray_pool):
    pool = ray_pool()
    pool.share("large", np.zeros(10_000_000))
    pool.submit(Job(1, {"seed": 0}, owns_its_data, "large"))
    assert drain(pool)[1].report.fitness == 0.0


def owns_its_data(spec, data):
    from gondwana.nas.evaluation.evaluate import Report

    return Report(State.COMPLETED, fitness=float(data.flags.owndata or data.flags.writeable))


def test_workers_that_cannot_start_end_in_one_error(ray_pool):
    pool = ray_pool(setup=broken_setup)
    pool.submit(job(1))
    with pytest.raises(PoolError, match="did not start"):
        drain(pool)


def broken_setup() -> list[str]:
    raise ImportError("no framework here")


def test_a_required_gpu_that_is_missing_is_refused(ray_pool):
    pool = ray_pool(require_gpu=True)
    with pytest.raises(UnusablePoolError, match=r"require_gpu is set, but worker .* sees no GPU"):
        pool.devices()


@pytest.mark.parametrize("workers", [None, 2])
def test_workers_that_the_cluster_cannot_hold_are_refused(ray_pool, workers):
    with pytest.raises(UnusablePoolError, match=r"with 1 CPUs and 0\.25 GPUs; it has 2 CPUs, 0 GPUs"):
        ray_pool(workers=workers, num_gpus=0.25)


def test_a_dashboard_that_is_not_installed_is_named(monkeypatch):
    from gondwana.nas.engine.pools import ray_pool as module

    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(UnusablePoolError, match=r"pip install 'ray\[default\]'"):
        module.connect(RayOptions(dashboard=True))


def test_fractions_of_a_cpu_make_more_workers(ray_pool):
    assert ray_pool(workers=None, num_cpus=0.5).capacity == 4


def test_results_arrive_as_they_are_ready(ray_pool):
    pool = ray_pool()
    pool.devices()
    pool.submit(job(1, seconds=4.0))
    pool.submit(job(2))
    first = pool.wait(timeout=10)
    assert [result.id for result in first] == [2]
    assert [result.id for result in pool.wait(timeout=10)] == [1]


def test_workers_are_processes_of_their_own(ray_pool):
    pool = ray_pool()
    pool.submit(job(1))
    assert drain(pool)[1].worker != f"{os.uname().nodename}:{os.getpid()}"
    assert Path("/proc").exists()


def test_a_cluster_that_is_not_there_is_refused_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        begin = time.monotonic()
        with pytest.raises(UnusablePoolError, match=f"no Ray cluster at '{address}' lets us in: .*refused"):
            connect_to(address)
    assert time.monotonic() - begin < 10


def connect_to(address: str) -> None:
    from gondwana.nas.engine.pools.ray_options import RayOptions
    from gondwana.nas.engine.pools.ray_pool import connect

    connect(RayOptions(address=address))
