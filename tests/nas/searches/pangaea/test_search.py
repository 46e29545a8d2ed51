"""Aging evolution and random search of activation functions: determinism, ages, thresholds, re-ranking."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from gondwana import activations, tasks
from gondwana.nas.candidate import Candidate, Outcome, State, canonical_json
from gondwana.nas.former_keys import with_first_defaults
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.pangaea.logbook import hall_of_fame
from gondwana.nas.searches.pangaea.search import (
    FunctionSearch,
    FunctionSettings,
    PangaeaSettings,
    RandomSettings,
)

INFO = tasks.get("digits").info
SMALL: dict[str, Any] = {"architecture": {"name": "small_cnn"}, "evaluations": 20}
EVOLUTION: dict[str, Any] = {**SMALL, "population": 6, "tournament": 3, "lag": 4, "surrogate": None}


def create(settings: FunctionSettings, generations: int = 3, seed: int = 0) -> FunctionSearch:
    return settings.create(
        SearchJob(
            seed=seed, generations=generations, task={"name": "digits"}, info=INFO, training={"epochs": 1}
        )
    )


def outcome(candidate: Candidate) -> Outcome:
    """A fitness that depends on the candidate alone; every seventh candidate fails."""
    draw = int(hashlib.sha256(candidate.key.encode()).hexdigest()[:8], 16) / 16**8
    if draw < 1 / 7:
        return Outcome(candidate.id, State.CRASHED, reason="the worker died")
    return Outcome(candidate.id, State.COMPLETED, fitness=draw)


def run(search: FunctionSearch, workers: int, rng: np.random.Generator | None = None) -> list[Candidate]:
    """Run to the end with so many workers, which finish in random order if there is a generator."""
    waiting: list[Candidate] = []
    asked: list[Candidate] = []
    while not search.finished:
        new = search.ask(workers - len(waiting))
        asked += new
        waiting += new
        assert waiting, "the search neither ends nor asks"
        position = 0 if rng is None else int(rng.integers(len(waiting)))
        search.tell(outcome(waiting.pop(position)))
    return asked


@pytest.mark.parametrize(
    "settings", [PangaeaSettings(**EVOLUTION), RandomSettings(**SMALL)], ids=["pangaea", "random"]
)
@pytest.mark.parametrize("workers", [2, 4])
def test_with_a_lag_the_number_of_workers_and_the_order_of_arrival_change_nothing(
    settings: FunctionSettings, workers: int
) -> None:
    reference, search = create(settings), create(settings)
    candidates = run(reference, 1)
    assert run(search, workers, np.random.default_rng(workers)) == candidates
    assert search.snapshot() == reference.snapshot()
    assert search.finalists() == reference.finalists()


def test_without_a_lag_no_worker_ever_waits() -> None:
    search = create(PangaeaSettings(**{**EVOLUTION, "lag": None}))
    assert len(search.ask(60)) == 60


def test_with_a_lag_a_missing_outcome_holds_back_what_depends_on_it() -> None:
    search = create(PangaeaSettings(**EVOLUTION))
    first = search.ask(100)
    assert [candidate.id for candidate in first] == [0, 1, 2, 3]
    for candidate in first[1:]:
        search.tell(outcome(candidate))
    assert search.ask(100) == []
    search.tell(outcome(first[0]))
    assert [candidate.id for candidate in search.ask(100)] == [4, 5, 6, 7]


def test_children_descend_from_the_population_and_are_one_mutation_away_from_their_parent() -> None:
    search = create(PangaeaSettings(**{**EVOLUTION, "lag": 1}))
    candidates = run(search, 1)
    children = [candidate for candidate in candidates if candidate.origin["parent"] is not None]
    assert len(children) > 30
    texts = {candidate.id: str(candidate.origin["text"]) for candidate in candidates}
    members: list[int] = []
    for candidate in candidates:
        parent = candidate.origin["parent"]
        if parent is not None:
            assert parent in members[-6:]
            assert texts[candidate.id] != texts[parent]
        fitness = outcome(candidate).fitness
        if fitness is not None and fitness >= 0.2:
            members.append(candidate.id)
    assert [member["candidate"] for member in search.snapshot()["population"]] == members[-6:]


def test_functions_below_the_validity_threshold_are_counted_but_are_no_parents() -> None:
    search = create(PangaeaSettings(**{**EVOLUTION, "validity": 0.5}))
    candidates = run(search, 1)
    below = sum((outcome(c).fitness or 0.0) < 0.5 for c in candidates)
    snapshot = search.snapshot()
    assert snapshot["below_validity"] == below
    assert snapshot["absorbed"] == len(candidates) == 60
    assert all(member["fitness"] >= 0.5 for member in snapshot["population"])


def test_the_tournament_prefers_the_fit() -> None:
    search = create(PangaeaSettings(**{**EVOLUTION, "tournament": 50, "lag": 1}))
    candidates = run(search, 1)
    fitness = {c.id: outcome(c).fitness or 0.0 for c in candidates}
    members: list[int] = []
    for candidate in candidates:
        if candidate.origin["parent"] is not None:
            assert candidate.origin["parent"] == max(members[-6:], key=fitness.__getitem__)
        if fitness[candidate.id] >= 0.2:
            members.append(candidate.id)


def test_no_function_is_trained_twice_and_none_is_useless() -> None:
    candidates = run(create(PangaeaSettings(**EVOLUTION)), 1)
    graphs = [activations.parse(str(candidate.origin["text"])) for candidate in candidates]
    distinct = activations.Distinct()
    assert all(distinct.add(graph) for graph in graphs)
    assert all(activations.problem(graph) is None for graph in graphs)


def test_the_best_are_ranked_again_by_the_mean_of_longer_trainings() -> None:
    settings = PangaeaSettings(**EVOLUTION, rerank={"count": 4, "replicates": 2, "training": {"epochs": 9}})
    search = create(settings)
    candidates = run(search, 3)
    assert len(candidates) == 60 + 8
    again = candidates[60:]
    assert {candidate.spec["training"]["epochs"] for candidate in again} == {9}
    assert {candidate.generation for candidate in again} == {3}
    first = {c.id: outcome(c).fitness for c in candidates[:60]}
    best = sorted((i for i, f in first.items() if f is not None), key=lambda i: (-(first[i] or 0), i))[:4]
    assert [candidate.origin["again"] for candidate in again] == [i for i in best for _ in range(2)]
    means = {
        i: np.mean([f for c in again if c.origin["again"] == i and (f := outcome(c).fitness) is not None])
        for i in best
    }
    finalists = search.finalists()
    assert [candidate.origin["again"] for candidate in finalists] == sorted(best, key=lambda i: -means[i])
    assert all(candidate.spec["training"]["epochs"] == 9 for candidate in finalists)
    assert search.progress().total == 68


def test_a_search_in_which_everything_fails_ends() -> None:
    search = create(PangaeaSettings(**EVOLUTION, rerank={}))
    while not search.finished:
        for candidate in search.ask(4):
            search.tell(Outcome(candidate.id, State.CRASHED, reason="the worker died"))
    assert search.finalists() == []
    assert search.snapshot()["population"] == []


def test_progress_counts_generations() -> None:
    search = create(RandomSettings(**{**SMALL, "lag": None}), generations=2)
    assert search.progress().generation == 0
    for candidate in search.ask(20):
        search.tell(outcome(candidate))
    assert search.progress().generation == 1
    assert (search.progress().told, search.progress().total) == (20, 40)


def test_outcomes_are_taken_once() -> None:
    search = create(RandomSettings(**SMALL))
    with pytest.raises(ValueError, match="never asked for"):
        search.tell(Outcome(0, State.CRASHED, reason="the worker died"))
    candidate = search.ask(1)[0]
    search.tell(outcome(candidate))
    with pytest.raises(ValueError, match="told before"):
        search.tell(outcome(candidate))


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        PangaeaSettings(**SMALL, populaton=3)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="greater than 0"):
        PangaeaSettings(**SMALL, population=0)


def test_the_logbook_describes_the_population_of_each_generation() -> None:
    search = create(PangaeaSettings(**EVOLUTION))
    run(search, 2)
    snapshot = search.snapshot()
    lines = snapshot["logbook"]
    assert [line["generation"] for line in lines] == [0, 1, 2]
    assert [line["evaluations"] for line in lines] == [20, 40, 60]
    fitness = [member["fitness"] for member in snapshot["population"]]
    sizes = [activations.parse(member["text"]).size for member in snapshot["population"]]
    last = lines[-1]
    assert last["fitness"] == {
        "min": min(fitness),
        "median": float(np.median(fitness)),
        "mean": float(np.mean(fitness)),
        "max": max(fitness),
    }
    assert last["operators"]["max"] == max(sizes)
    assert lines[-1]["below_validity"] == snapshot["below_validity"]
    canonical_json(snapshot)


def test_the_logbook_of_random_search_has_lines_without_a_population() -> None:
    search = create(RandomSettings(**SMALL))
    run(search, 1)
    assert [(line["population"], line["fitness"]) for line in search.snapshot()["logbook"]] == [(0, {})] * 3


def test_the_hall_of_fame_orders_by_fitness_then_by_age_and_holds_each_function_once() -> None:
    results = [
        (0, "relu(x)", 0.5),
        (1, "tanh(x)", 0.9),
        (2, "erf(x)", 0.5),
        (3, "tanh(x)", 0.9),
        (4, "exp(x)", 0.7),
    ]
    assert hall_of_fame(results, 10) == [1, 4, 0, 2]
    assert hall_of_fame(results, 2) == [1, 4]
    assert hall_of_fame([], 3) == []


GUIDED: dict[str, Any] = {"surrogate": {"candidates": 4, "least": 10, "trees": 10, "explore": 0.2}}


def smooth(candidate: Candidate) -> Outcome:
    """A fitness that a model can learn: how odd the function is."""
    graph = activations.parse(candidate.spec["model"]["activation"])
    x = np.linspace(0.1, 3, 20)
    even = float(
        np.abs(graph(x) + graph(-x)).mean() / (1e-9 + np.abs(graph(x)).mean() + np.abs(graph(-x)).mean())
    )
    if even > 0.95:
        return Outcome(candidate.id, State.CRASHED, reason="the worker died")
    return Outcome(candidate.id, State.COMPLETED, fitness=1 - even)


@pytest.mark.parametrize(
    "settings",
    [PangaeaSettings(**{**EVOLUTION, **GUIDED}), RandomSettings(**SMALL, **GUIDED, forms="minimal")],
    ids=["pangaea", "random"],
)
def test_with_a_surrogate_workers_and_arrival_change_nothing_and_a_replay_asks_the_same(settings) -> None:
    """The model is asked for by then, and a search that is told the same in another order of arrival agrees."""
    searches = [create(settings), create(settings)]
    asked: list[list[Candidate]] = [[], []]
    rng = np.random.default_rng(0)
    for search, found, workers in zip(searches, asked, (1, 4), strict=True):
        waiting: list[Candidate] = []
        while not search.finished:
            new = search.ask(workers - len(waiting))
            found += new
            waiting += new
            search.tell(smooth(waiting.pop(int(rng.integers(len(waiting))))))
    assert asked[0] == asked[1]
    assert searches[0].snapshot() == searches[1].snapshot()
    model = searches[0].snapshot()["surrogate"]
    assert model["outcomes"] == 60 and any(line["used"] for line in model["forests"])
    assert any("predicted" in candidate.origin for candidate in asked[0])
    assert len({candidate.origin["text"] for candidate in asked[0]}) == 60


def test_a_surrogate_finds_better_functions_at_once() -> None:
    """Of random functions in one order, those that it chooses are better in the mean."""
    means = []
    for extra in ({}, {"surrogate": {"candidates": 16, "explore": 0.0}}):
        search = create(RandomSettings(**SMALL, **extra, lag=1), generations=4)
        values = []
        while not search.finished:
            (candidate,) = search.ask(1)
            values.append(smooth(candidate).fitness or 0.0)
            search.tell(smooth(candidate))
        means.append(np.mean(values[40:]))
    assert means[1] > means[0] + 0.1


def test_minimal_forms_are_minimal() -> None:
    search = create(PangaeaSettings(**EVOLUTION, forms="minimal"))
    sizes = {activations.parse(candidate.origin["text"]).size for candidate in run(search, 1)}
    factors = {activations.parse(candidate.origin["text"]).parameters for candidate in search._asked}
    assert sizes == {2, 3} and factors == {0}


def test_the_surrogate_is_on_for_pangaea_and_off_for_random_search() -> None:
    assert PangaeaSettings(**SMALL).surrogate is not None
    assert PangaeaSettings(**SMALL, surrogate=False).surrogate is None
    assert RandomSettings(**SMALL).surrogate is None


def test_a_recorded_run_that_says_nothing_of_a_surrogate_had_none() -> None:
    recorded = {"search": {"kind": "pangaea", "evaluations": 20}}
    assert with_first_defaults(recorded)["search"]["surrogate"] is None
    kept = {"search": {"kind": "pangaea", "surrogate": {"candidates": 4}}}
    assert with_first_defaults(kept)["search"]["surrogate"] == {"candidates": 4}
    assert "surrogate" not in with_first_defaults({"search": {"kind": "random"}})["search"]
