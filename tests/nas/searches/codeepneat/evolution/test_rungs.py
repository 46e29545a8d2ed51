"""Successive halving: who goes on, and what the comparison of unequal trainings comes to."""

from __future__ import annotations

import pytest

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.searches.codeepneat.evolution.rungs import Ladder, Step, promotions


def step(number: int, fitness: float | None, duplicate: bool = False) -> Step:
    candidate = Candidate(number, 0, {"seed": number})
    if fitness is None:
        return Step(candidate, Outcome(number, State.CRASHED, reason="gone"))
    if duplicate:
        return Step(candidate, Outcome(number, State.DUPLICATE, fitness, reason="equal", duplicate_of=0))
    return Step(candidate, Outcome(number, State.COMPLETED, fitness))


def level(*values: float | None) -> dict[int, Step]:
    return {number: step(number, value) for number, value in enumerate(values)}


def test_the_best_third_goes_on_in_the_order_of_numbers():
    ladder = Ladder(3, 1 / 3, 0.1)
    assert ladder.add(level(0.5, 0.9, 0.7, 0.8, 0.2, 0.3)) == [1, 3]
    assert ladder.add({1: step(6, 0.91), 3: step(7, 0.95)}) == [3]
    assert ladder.add({3: step(8, 0.97)}) == []
    assert ladder.reached(3)[0] == 2
    assert ladder.reached(1)[0] == 1
    assert ladder.reached(0)[1].outcome.fitness == 0.5


def test_of_equals_the_earlier_goes_on_and_at_least_one_does():
    assert Ladder(2, 0.01, 0.1).add(level(0.5, 0.5, 0.5)) == [0]


def test_who_failed_or_only_guesses_does_not_go_on():
    assert Ladder(2, 0.9, 0.12).add(level(0.12, None, 0.1, 0.13)) == [3]
    assert Ladder(2, 0.9, 0.12).add(level(0.12, None, 0.1)) == []


def test_repetitions_take_no_place_of_a_new_network():
    networks = level(0.9, 0.8, 0.7, 0.6) | {
        4: step(4, 0.95, True),
        5: step(5, 0.85, True),
        6: step(6, 0.1, True),
    }
    assert Ladder(2, 0.5, 0.0).add(networks) == [0, 1, 4, 5]


def test_credits_are_those_of_the_lowest_rung_in_the_order_of_the_higher_ones():
    ladder = Ladder(3, 0.75, 0.0)
    ladder.add(level(0.5, 0.9, 0.7, 0.8))
    ladder.add({1: step(4, 0.91), 2: step(5, 0.95), 3: step(6, 0.93)})
    assert ladder.credits() == {0: 0.5, 1: 0.7, 2: 0.9, 3: 0.8}
    ladder.add({2: step(7, 0.96), 3: step(8, 0.97)})
    assert ladder.credits() == {0: 0.5, 1: 0.7, 2: 0.8, 3: 0.9}


def test_equals_on_the_higher_rung_share_and_failures_have_no_credit():
    ladder = Ladder(2, 0.75, 0.0)
    ladder.add(level(0.5, 0.9, 0.7, 0.75))
    ladder.add({1: step(4, 0.9), 2: step(5, 0.9), 3: step(6, None)})
    found = ladder.credits()
    assert found.pop(3) is None
    assert found == {0: 0.5, 1: pytest.approx(0.8), 2: pytest.approx(0.8)}


def test_the_planned_numbers_are_those_of_a_generation_without_failures():
    assert promotions(12, 3, 0.33) == [12, 4, 1]
    assert promotions(88, 3, 0.33) == [88, 29, 10]
    assert promotions(2, 3, 0.33) == [2, 1, 1]
    ladder = Ladder(3, 0.33, 0.0)
    chosen = ladder.add(level(*(0.1 + i / 100 for i in range(88))))
    assert len(chosen) == 29
