"""A search whose networks are trained a little first, and the better ones further."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from gondwana.nas.candidate import Candidate, Outcome, State, whole_key
from gondwana.nas.searches.codeepneat.evolution.rungs import promotions
from gondwana.nas.searches.codeepneat.search import CoDeepNEAT
from gondwana.nas.searches.job import SearchJob
from tests.helpers.codeepneat import TASKS, run, search, settings

RUNGS = {"rungs": [1, 3, 9], "keep": 0.33}


def made(seed: int = 0, generations: int = 4, **changes) -> CoDeepNEAT:
    return settings("images", **({"fidelity": RUNGS} | changes)).create(
        SearchJob(
            seed=seed,
            generations=generations,
            task={"name": "images", "options": {}},
            info=TASKS["images"],
            training={"epochs": 9, "learning_rate": 1e-3},
        )
    )


def learned(candidate: Candidate) -> float:
    """Return a fitness that grows with the epochs, at a rate that the seed decides."""
    epochs = candidate.spec.get("until_epoch", 9)
    rate, limit = 0.1 + candidate.seed % 97 / 97, 0.5 + candidate.seed % 89 / 200
    return limit * (1 - math.exp(-rate * epochs)) + 0.15


def test_a_generation_climbs_the_rungs_with_one_seed_and_one_spec_a_network():
    found = made(generations=2)
    candidates = run(found, learned)
    assert [candidate.id for candidate in candidates] == list(range(len(candidates)))
    assert found.finished
    first = [candidate for candidate in candidates if candidate.generation == 0]
    counts = [sum(candidate.origin["rung"] == rung for candidate in first) for rung in range(3)]
    assert counts == promotions(10, 3, 0.33) == [10, 3, 1]
    assert [candidate.spec.get("until_epoch") for candidate in first] == [1] * 10 + [3] * 3 + [None]
    by_id = {candidate.id: candidate for candidate in candidates}
    for candidate in first[10:]:
        before = by_id[candidate.origin["continues"]]
        assert before.origin["rung"] == candidate.origin["rung"] - 1
        assert before.seed == candidate.seed
        assert whole_key(before.spec) == whole_key(candidate.spec)
        assert before.key != candidate.key
    assert first[13].key == whole_key(first[13].spec)


def test_the_whole_training_has_the_key_that_it_has_without_rungs():
    rungs = run(made(generations=1), learned)
    same = {candidate.key for candidate in run(made(generations=1, fidelity=None), lambda candidate: 0.5)}
    assert {whole_key(candidate.spec) for candidate in rungs} == same
    assert rungs[-1].key in same


def test_the_finalists_are_those_that_were_trained_to_the_end():
    found = made()
    candidates = {candidate.id: candidate for candidate in run(found, learned)}
    finalists = found.finalists()
    assert finalists
    assert all("until_epoch" not in candidate.spec for candidate in finalists)
    values = [learned(candidate) for candidate in finalists]
    assert values == sorted(values, reverse=True)
    last = [c for c in candidates.values() if c.origin["rung"] == 2]
    assert values[0] == max(map(learned, last))


def test_the_order_of_arrival_changes_nothing():
    one, two = made(), made()
    assert [c.key for c in run(one, learned)] == [c.key for c in run(two, learned, order=lambda c: c[::-1])]
    assert one.snapshot() == two.snapshot()


def test_a_generation_of_guessing_networks_ends_on_the_first_rung():
    found = made(generations=2)
    candidates = run(found, lambda candidate: 0.11)
    assert len(candidates) == 20
    assert {candidate.origin["rung"] for candidate in candidates} == {0}
    assert found.finalists()  # the best there is, for want of better ones
    assert found.snapshot()["history"][0]["rungs"] == [10]


def test_failures_on_a_higher_rung_do_not_stop_the_search():
    found = made(generations=3)
    run(found, lambda candidate: None if candidate.origin["rung"] == 1 else learned(candidate))
    assert found.finished
    assert found.snapshot()["history"][0]["rungs"] == [10, 3]


def test_a_network_on_the_second_rung_cannot_be_told_twice():
    found = made()
    first = found.ask(100)
    for candidate in first:
        found.tell(Outcome(candidate.id, State.COMPLETED, learned(candidate)))
    with pytest.raises(ValueError, match="told before"):
        found.tell(Outcome(0, State.COMPLETED, 0.5))
    second = found.ask(1)
    assert second[0].id == 10
    with pytest.raises(ValueError, match="never asked for"):
        found.tell(Outcome(11, State.COMPLETED, 0.5))


def test_progress_counts_every_rung():
    found = made(generations=2)
    assert found.progress().total == 2 * 14
    run(found, learned)
    assert found.progress().told <= 28


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fidelity": {"rungs": [3]}}, "at least 2 items"),
        ({"fidelity": {"rungs": [3, 1]}}, "ascending"),
        ({"fidelity": {"rungs": [1, 3], "keep": 1.0}}, "less than 1"),
        ({"fidelity": RUNGS, "objectives": ["fitness", "parameters"]}, "by fitness alone"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        settings("images", **changes)


def arriving(found: CoDeepNEAT, workers: int, seed: int) -> list[tuple[str, int]]:
    """Lead a search with several workers whose outcomes arrive in a random order; return keys and ids as asked for."""
    rng, open_, asked = np.random.default_rng(seed), [], []
    while not found.finished:
        new = found.ask(workers - len(open_))
        asked += new
        open_ += new
        candidate = open_.pop(int(rng.integers(len(open_))))
        found.tell(Outcome(candidate.id, State.COMPLETED, learned(candidate), seed=candidate.seed))
    return [(candidate.key, candidate.id) for candidate in asked]


def test_without_generations_whoever_is_among_the_best_so_far_goes_on():
    found = made(generations=4, mode="steady")
    asked: list[Candidate] = []
    while not found.finished:
        (candidate,) = found.ask(1)
        asked.append(candidate)
        found.tell(Outcome(candidate.id, State.COMPLETED, learned(candidate), seed=candidate.seed))
    assert found.ask(1) == []
    rungs = [sum(candidate.origin["rung"] == rung for candidate in asked) for rung in range(3)]
    assert rungs[0] == 40
    assert 40 * 0.33 - 1 <= rungs[1] <= 40 * 0.5  # more than the share, for early ones fall behind later
    assert 1 <= rungs[2] <= rungs[1] * 0.5 + 1
    by_id = {candidate.id: candidate for candidate in asked}
    assert list(by_id) == list(range(len(asked)))
    for candidate in asked:
        if candidate.origin["rung"]:
            before = by_id[candidate.origin["continues"]]
            assert whole_key(before.spec) == whole_key(candidate.spec)
            assert before.origin["rung"] == candidate.origin["rung"] - 1
            assert by_id[candidate.origin["network"]].origin["rung"] == 0
    going = [candidate.origin["rung"] for candidate in asked]
    assert going.index(1) < 10  # long before the first span is over
    finalists = found.finalists()
    assert all("until_epoch" not in candidate.spec for candidate in finalists)
    assert learned(finalists[0]) == max(learned(c) for c in asked if c.origin["rung"] == 2)
    assert found.snapshot()["history"][-1]["rungs"][0] == 40


@pytest.mark.parametrize("workers", [1, 3, 8])
def test_a_search_without_generations_depends_on_the_order_of_arrival_alone(workers):
    runs = [arriving(made(generations=3, mode="steady"), workers, seed=4) for _ in range(2)]
    assert runs[0] == runs[1]
    assert sum(1 for _ in runs[0]) > 30


def test_steady_networks_that_guess_end_and_the_search_does_too():
    found = made(generations=2, mode="steady")
    candidates = run(found, lambda candidate: 0.11)
    assert len(candidates) == 20
    assert found.finished


def test_steady_failures_on_a_higher_rung_do_not_stop_the_search():
    found = made(generations=3, mode="steady")
    run(found, lambda candidate: None if candidate.origin["rung"] == 1 else learned(candidate))
    assert found.finished
    assert found.finalists()


def test_the_last_rung_must_be_the_whole_training():
    with pytest.raises(ValueError, match=r"set training.epochs to 9. Received: .*training.epochs=2"):
        search(fidelity=RUNGS)
