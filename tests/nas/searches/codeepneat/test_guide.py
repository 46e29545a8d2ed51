"""Coevolution with a surrogate: the same for any order of outcomes, replayed exactly, better, and silent at first."""

from __future__ import annotations

import numpy as np
import pytest

from gondwana.nas.candidate import Candidate, Outcome, State, canonical_json
from gondwana.nas.searches.codeepneat.search import CoDeepNEAT
from tests.helpers.codeepneat import outcome, run, search, size_fitness

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
