"""The end of a run: a stop keeps what has begun and leaves the rest to the next start."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gondwana.nas.candidate import Candidate, Outcome, State, make_spec
from gondwana.nas.engine.finals import train_finalists
from gondwana.nas.engine.loop import Stop
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.pools.protocol import Result
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.store import Final, Store
from gondwana.nas.engine.records.summary import best_of
from gondwana.nas.evaluation.evaluate import Report


class OneAtATime:
    """A pool whose first job has begun when the stop comes; the others wait."""

    def __init__(self, stop: Stop) -> None:
        self._stop, self._jobs = stop, []

    def submit(self, job) -> None:
        self._jobs.append(job)

    @property
    def pending(self) -> int:
        return len(self._jobs)

    def withdraw(self) -> list[int]:
        gone, self._jobs = self._jobs[1:], self._jobs[:1]
        return [job.id for job in gone]

    def wait(self, timeout=None) -> list[Result]:
        if not self._stop.requested:
            self._stop.requested = True
            return []
        job = self._jobs.pop(0)
        return [Result(job.id, Report.failure(State.CRASHED, "for the test"), "here", 1, 0.0)]


class Memory:
    """A store that remembers finals."""

    def __init__(self) -> None:
        self.kept = []

    def finals(self):
        return list(self.kept)

    def add_final(self, final) -> None:
        self.kept.append(final)


@pytest.mark.parametrize("number", [1, 3])
def test_a_stop_keeps_the_finalist_that_has_begun(number):
    parts = {"task": {}, "model": {}, "initialization": {}, "training": {}}
    ranked = [Candidate(i, 0, make_spec(0, **parts, replicate=i)) for i in range(number)]
    stop, store = Stop(), Memory()
    complete = train_finalists(ranked, number, None, store, OneAtATime(stop), stop)
    assert [final.rank for final in store.kept] == [0]
    assert complete == (number == 1)


class Trainer(LocalPool):
    """Fails the finalists with these ids, and saves the others."""

    def __init__(self, failing: set[int]) -> None:
        super().__init__()
        self.failing, self.trained = failing, []

    def submit(self, job) -> None:
        super().submit(replace(job, data=None, work=self.work, spec={"id": job.id}))

    def work(self, spec, data) -> Report:
        self.trained.append(spec["id"])
        if spec["id"] in self.failing:
            return Report.failure(State.TIMED_OUT, "too slow")
        return Report(State.COMPLETED, fitness=0.5, model=b"network %d" % spec["id"])


@pytest.mark.parametrize(
    ("failing", "count", "trained"),
    [
        (set(), 1, [0]),
        ({0}, 1, [0, 1]),
        ({0, 1, 2}, 2, [0, 1, 2, 3]),
        ({0}, 2, [0, 1]),
        ({0, 1, 2, 3}, 1, [0, 1, 2, 3]),
    ],
)
def test_the_best_network_is_that_of_the_first_finalist_that_could_be_trained(
    tmp_path, failing, count, trained
):
    parts = {"task": {}, "model": {}, "initialization": {}, "training": {}}
    ranked = [Candidate(i, 0, make_spec(0, **parts, replicate=i)) for i in range(4)]
    folder, pool, store = RunFolder.create(tmp_path / "run"), Trainer(failing), Memory()
    assert train_finalists(ranked, count, folder, store, pool, Stop())
    assert pool.trained == trained
    assert [final.rank for final in store.kept] == trained
    good = [number for number in trained if number not in failing]
    best = tmp_path / "run" / "best.keras"
    assert best.exists() == bool(good)
    assert not good or best.read_bytes() == b"network %d" % good[0]
    assert train_finalists(ranked, count, folder, store, pool, Stop())
    assert pool.trained == trained


def test_the_best_of_a_run_is_the_network_that_is_saved(tmp_path):
    """Also where the first finalist diverged when it was trained again: a result, but no network."""
    folder = RunFolder.create(tmp_path / "run")
    parts = {"task": {}, "model": {}, "initialization": {}, "training": {}}
    ranked = [Candidate(i, 0, make_spec(0, **parts, replicate=i)) for i in range(2)]
    with Store.create(folder.engine(), folder.run_id, name="run", config={}) as store:
        store.add_candidates([(candidate, candidate.key) for candidate in ranked], 0)
        store.add_outcomes([Outcome(i, State.COMPLETED, 0.9 - i / 10) for i in range(2)], 0)
        store.add_final(Final(0, Outcome(0, State.DIVERGED, 0.1, reason="loss"), None))
        store.add_final(Final(1, Outcome(1, State.COMPLETED, 0.8), "final-1.keras"))
    found = best_of(folder.path)
    assert found.outcome.candidate_id == 1
    assert found.model == folder.path / "final-1.keras"
