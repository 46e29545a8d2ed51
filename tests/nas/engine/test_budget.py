from __future__ import annotations

import pytest

from gondwana.nas.candidate import Outcome, State
from gondwana.nas.engine.budget import Budget, read_budget
from gondwana.nas.engine.records.run_folder import RunFolder


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder.create(tmp_path / "run")


def lasting(seconds: float) -> Outcome:
    return Outcome(0, State.COMPLETED, fitness=0.5, seconds={"queued": 99.0, "trained": seconds})


def test_room_is_left_for_what_runs_and_for_the_finalists(folder):
    clock = Clock()
    budget = Budget(folder, 100.0, 2, clock)
    budget.add(lasting(10.0))
    clock.now = 69.0
    assert not budget.is_over(capacity=1), "69 + 10 + 2 x 10 seconds"
    clock.now = 70.0
    assert budget.is_over(capacity=1)
    assert not budget.is_over(capacity=2), "both finalists at once"


def test_one_candidate_is_trained_in_any_case(folder):
    clock = Clock()
    budget = Budget(folder, 1.0, 1, clock)
    clock.now = 50.0
    budget.add(Outcome(0, State.CRASHED, reason="it was killed", seconds={"trained": 50.0}))
    assert not budget.is_over(1)
    budget.add(lasting(1.0))
    assert budget.is_over(1)


def test_the_time_of_all_sessions_counts(folder):
    clock = Clock()
    first = Budget(folder, 100.0, 0, clock)
    clock.now = 60.0
    first.note()
    clock.now = 1000.0  # the driver was killed, and is started again later
    second = Budget(folder, 100.0, 0, clock)
    assert second.spent() == 60.0 and not second.ended
    clock.now = 1030.0
    second.end(told=12)
    assert read_budget(folder.path) == {"seconds": 100.0, "spent": 90.0, "ended_after": 12}
    assert Budget(folder, 100.0, 0, clock).ended


def test_a_run_without_a_budget_notes_nothing(folder):
    assert read_budget(folder.path) is None
