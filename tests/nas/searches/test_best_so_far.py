"""The running best and mean that every search reports."""

from __future__ import annotations

import math
import random
import time

from gondwana.nas.candidate import Candidate, Outcome, State, make_spec
from gondwana.nas.searches.best_so_far import BestSoFar
from gondwana.nas.searches.planned import PlannedSearch


def result(number: int, fitness: float | None) -> Outcome:
    if fitness is None:
        return Outcome(number, State.CRASHED, reason="died")
    return Outcome(number, State.COMPLETED, fitness)


def test_nothing_is_known_before_the_first_result():
    so_far = BestSoFar()
    so_far.add(result(0, None))
    assert (so_far.told, so_far.best, so_far.mean) == (1, None, None)


def test_best_and_mean_are_exact_in_any_order():
    rng = random.Random(1)
    values = [rng.uniform(-1, 1) * 10 ** rng.randint(-12, 12) for _ in range(500)]
    for _ in range(3):
        rng.shuffle(values)
        so_far = BestSoFar()
        for number, value in enumerate(values):
            so_far.add(result(number, value))
        assert so_far.mean == math.fsum(values) / len(values)
        assert so_far.best == max(values)


def test_progress_of_a_planned_search_costs_the_same_at_its_end():
    spec = make_spec(0, task={}, model={}, initialization={}, training={})
    size = 20_000
    search = PlannedSearch([Candidate(number, 0, spec) for number in range(size)], summary={})
    search.ask(size)

    def seconds(first: int, count: int) -> float:
        begin = time.process_time()
        for number in range(first, first + count):
            search.tell(result(number, 0.5))
            search.progress()
        return time.process_time() - begin

    early = seconds(0, 1000)
    for number in range(1000, size - 1000):
        search.tell(result(number, 0.25))
    assert seconds(size - 1000, 1000) < 5 * early + 0.05
    assert search.progress().told == size
    assert search.progress().best_fitness == 0.5
