"""Coevolution with a surrogate: the same for any order of outcomes, replayed exactly, better, and silent at first."""

from __future__ import annotations

import numpy as np
import pytest

from gondwana.nas.candidate import Candidate, Outcome, State, canonical_json
from gondwana.nas.former_keys import with_first_defaults
from gondwana.nas.searches.codeepneat.network.plan import plan_network
from gondwana.nas.searches.codeepneat.search import CoDeepNEAT
from tests.helpers.codeepneat import IMAGES, outcome, run, search, size_fitness

SURROGATE = {"candidates": 4, "least": 15, "trees": 30}
RUNGS = {"rungs": [1, 2], "keep": 0.4}


def fitness(candidate: Candidate) -> float | None:
    """Every eighth network fails."""
    return None if candidate.seed % 8 == 0 else 1 + size_fitness(candidate)


def in_any_order(found: CoDeepNEAT, workers: int, rng: np.random.Generator) -> list[Candidate]:
    waiting: list[Candidate] = []
    asked: list[Candidate] = []
    while not found.finished:
        new = found.ask(workers - len(waiting))
        asked += new
        waiting += new
        each = waiting.pop(int(rng.integers(len(waiting))))
        found.tell(outcome(each, fitness(each)))
    return asked


@pytest.mark.parametrize(
    "changes", [{}, {"fidelity": RUNGS}, {"selection": "random"}], ids=["", "rungs", "random"]
)
def test_workers_and_the_order_of_arrival_change_nothing(changes):
    one, two = (search(generations=5, surrogate=SURROGATE, **changes) for _ in range(2))
    rng = np.random.default_rng(0)
    assert in_any_order(one, 1, rng) == in_any_order(two, 2, rng)
    assert canonical_json(one.snapshot()) == canonical_json(two.snapshot())
    learned = one.snapshot()["surrogate"]
    assert any(line["used"] for line in learned["forests"])
    assert one.progress().surrogate == learned["forests"][-1]["correlation"]


@pytest.mark.parametrize("changes", [{}, {"fidelity": RUNGS}], ids=["", "rungs"])
def test_a_steady_search_is_replayed_from_its_journal(changes):
    """Told the same outcomes between the same asks, a new search asks for the same candidates."""
    rng = np.random.default_rng(0)
    found = search(generations=5, mode="steady", surrogate=SURROGATE, **changes)
    journal: list[tuple[list[Candidate], Outcome]] = []
    waiting: list[Candidate] = []
    while not found.finished:
        new = found.ask(3 - len(waiting))
        waiting += new
        each = waiting.pop(int(rng.integers(len(waiting))))
        journal.append((new, outcome(each, fitness(each))))
        found.tell(journal[-1][1])
    again = search(generations=5, mode="steady", surrogate=SURROGATE, **changes)
    for new, told in journal:
        assert [(c.id, c.key) for c in again.ask(len(new))] == [(c.id, c.key) for c in new]
        again.tell(told)
    assert canonical_json(again.snapshot()) == canonical_json(found.snapshot())
    assert any(line["used"] for line in found.snapshot()["surrogate"]["forests"])


def test_until_there_is_a_model_networks_are_those_of_a_search_without():
    plain, guided = search(generations=3), search(generations=3, surrogate={"least": 1000})
    assert run(plain, size_fitness) == run(guided, size_fitness)
    assert "surrogate" not in plain.snapshot() and plain.progress().surrogate is None


def test_a_network_that_comes_again_teaches_nothing_new():
    found = search(generations=2, surrogate=SURROGATE)
    first = found.ask(100)
    for place, candidate in enumerate(first):
        if place == 1:
            found.tell(Outcome(candidate.id, State.DUPLICATE, 0.5, reason="equal", duplicate_of=0))
        else:
            found.tell(outcome(candidate, 0.5))
    assert found.snapshot()["surrogate"]["outcomes"] == len({candidate.key for candidate in first})


@pytest.mark.slow
def test_it_pays():
    """Over a few seeds, the last networks are nearer to the optimum than without."""
    means = []
    for extra in ({}, {"surrogate": {"candidates": 8}}):
        values = []
        for seed in range(3):
            candidates = run(search(seed=seed, generations=8, **extra), size_fitness)
            values += [size_fitness(candidate) for candidate in candidates[-20:]]
        means.append(np.mean(values))
    assert means[1] > means[0]


LIMITS = {"max_multiply_adds": 9_000}


def too_large(candidates: list[Candidate]) -> int:
    operations = [plan_network(c.spec["model"], IMAGES).multiply_adds for c in candidates if c.generation]
    return sum(found > LIMITS["max_multiply_adds"] for found in operations)


@pytest.mark.parametrize("mode", ["generational", "steady"])
def test_offspring_are_bred_within_limits(mode: str):
    """Larger networks would be fitter, so evolution presses against the limit."""

    def larger(candidate: Candidate) -> float:
        return float(plan_network(candidate.spec["model"], IMAGES).parameters)

    counts = []
    for within in (False, True):
        found = search(generations=8, mode=mode, breed_within_limits=within, **LIMITS)
        counts.append(too_large(run(found, larger)))
        assert ("bred_again" in found.snapshot()["history"][-1]) is within
    if mode == "generational":
        assert found.snapshot()["history"][-1]["bred_again"] > 0
    assert counts[1] <= counts[0]


def test_without_limits_nothing_is_bred_again():
    plain, within = search(breed_within_limits=False), search()
    assert run(plain) == run(within)
    assert plain.snapshot() == within.snapshot()


def test_a_recorded_run_that_says_nothing_of_limits_was_bred_without():
    assert with_first_defaults({"search": {"kind": "codeepneat"}})["search"]["breed_within_limits"] is False
    inner = with_first_defaults({"search": {"kind": "side_by_side", "evolution": {"kind": "codeepneat"}}})
    assert inner["search"]["evolution"]["breed_within_limits"] is False
