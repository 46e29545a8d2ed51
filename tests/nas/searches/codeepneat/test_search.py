"""The search: ask and tell, order independence, determinism, failures, fitness assignment."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gondwana.nas.candidate import Candidate, Outcome, State, canonical_json
from gondwana.nas.searches.codeepneat.search import CoDeepNEAT
from tests.helpers.codeepneat import outcome, run, search, size_fitness

ROOT = Path(__file__).resolve().parents[4]


def state_of(found: CoDeepNEAT) -> str:
    return canonical_json(found.snapshot())


def test_a_generation_is_handed_out_as_a_whole_and_the_next_waits_for_its_last_outcome() -> None:
    found = search()
    first = found.ask(3)
    rest = found.ask(100)
    assert [c.id for c in first + rest] == list(range(10))
    assert {c.generation for c in first + rest} == {0}
    assert found.ask(100) == []
    for candidate in (first + rest)[:-1]:
        found.tell(outcome(candidate, 0.5))
    assert found.ask(100) == []
    found.tell(outcome(rest[-1], 0.5))
    assert [c.id for c in found.ask(100)] == list(range(10, 20))


def test_the_search_ends_after_the_wanted_generations() -> None:
    found = search(generations=3)
    candidates = run(found)
    assert len(candidates) == found.progress().total == found.progress().told == 30
    assert found.finished
    assert found.ask(10) == []
    assert found.progress().generation == 2


def test_only_candidates_that_were_asked_for_are_told_and_only_once() -> None:
    found = search()
    candidates = found.ask(2)
    found.tell(outcome(candidates[0], 0.5))
    with pytest.raises(ValueError, match="told before"):
        found.tell(outcome(candidates[0], 0.5))
    with pytest.raises(ValueError, match="never asked"):
        found.tell(Outcome(5, State.COMPLETED, 0.5))
    for candidate in [candidates[1], *found.ask(100)]:
        found.tell(outcome(candidate, 0.5))
    with pytest.raises(ValueError, match="told before"):
        found.tell(outcome(candidates[0], 0.5))
    with pytest.raises(ValueError, match="at least 0"):
        found.ask(-1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_outcomes_arrive_changes_nothing(seed: int) -> None:
    def shuffled(asked: list[Candidate]) -> list[Candidate]:
        return random.Random(seed).sample(asked, len(asked))

    first, second = search(), search()
    assert run(first) == run(second, order=shuffled)
    assert state_of(first) == state_of(second)


@pytest.mark.slow
def test_asking_in_small_portions_changes_nothing() -> None:
    first, second = search(), search()
    run(first)
    while not second.finished:
        for candidate in second.ask(3):
            second.tell(outcome(candidate, size_fitness(candidate)))
    assert state_of(first) == state_of(second)


@pytest.mark.slow
def test_a_search_is_the_same_in_every_process() -> None:
    code = (
        "from tests.helpers.codeepneat import run, search; from gondwana.nas.candidate import canonical_json;"
        "import hashlib;"
        "found = search(); specs = [c.spec for c in run(found)];"
        "print(hashlib.sha256(canonical_json([found.snapshot(), specs]).encode()).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(hashes) == 1


def test_other_seeds_give_other_searches() -> None:
    assert search(seed=0).ask(1)[0].spec != search(seed=1).ask(1)[0].spec


def test_equal_seeds_give_equal_first_generations_whatever_the_initialization() -> None:
    """What makes runs with several strategies comparable: they differ in the initialization alone."""
    evolved, auto = (search(initialization=name).ask(10) for name in ("evolved", "autoinit"))
    assert [c.origin for c in evolved] == [c.origin for c in auto]
    layers = [layer for c in evolved for m in c.spec["model"]["modules"].values() for layer in m["layers"]]
    assert any("kernel_initializer" in layer["genes"] for layer in layers)
    assert all(c.spec["initialization"]["strategy"] == "default" for c in evolved)
    layers = [layer for c in auto for m in c.spec["model"]["modules"].values() for layer in m["layers"]]
    assert not any("kernel_initializer" in layer["genes"] for layer in layers)


def test_the_search_makes_progress() -> None:
    found = search(seed=1, generations=15)
    run(found)
    history = found.snapshot()["history"]
    assert history[-1]["mean"] > history[0]["mean"] + 0.1
    assert found.progress().best_fitness == max(record["best"] for record in history)


def test_random_search_draws_every_generation_anew() -> None:
    found = search(generations=6, selection="random")
    candidates = run(found)
    assert len(candidates) == 60
    assert not any(
        c.origin["parents"]["blueprint"] or any(c.origin["parents"]["modules"].values()) for c in candidates
    )
    assert len({c.origin["blueprint"] for c in candidates}) == 30
    sizes = [len(c.spec["model"]["blueprint"]["nodes"]) for c in candidates]
    assert max(sizes[50:]) > max(sizes[:10]) - 1


@pytest.mark.slow
def test_selection_beats_random_search_on_a_fitness_that_can_be_climbed() -> None:
    best = {
        selection: [run_to_best(search(seed=seed, generations=10, selection=selection)) for seed in range(6)]
        for selection in ("fitness", "random")
    }
    assert np.mean(best["fitness"]) > np.mean(best["random"])


def run_to_best(found: CoDeepNEAT) -> float:
    run(found)
    best = found.progress().best_fitness
    assert best is not None
    return best


def test_the_wanted_species_are_there_in_every_generation() -> None:
    found = search(generations=8)
    run(found)
    assert {len(record["species"]["modules"]) for record in found.snapshot()["history"]} == {3}


def test_blueprints_point_to_living_species_only() -> None:
    found = search(generations=12, stagnation=2)
    while not found.finished:
        for candidate in found.ask(100):
            found.tell(outcome(candidate, size_fitness(candidate)))
        state = found.snapshot()
        alive = {int(name) for name in state["modules"]["species"]}
        nodes = [
            n
            for b in state["blueprints"]["individuals"]
            for n in b["genome"]["nodes"]
            if n["kind"] == "module"
        ]
        assert {node["genes"]["species"] for node in nodes} <= alive


def test_fitness_of_a_component_is_the_mean_over_the_networks_it_took_part_in() -> None:
    found = search(generations=1)
    candidates = run(found, fitness=lambda c: float(c.id))
    state = found.snapshot()
    for kind, ids in (
        ("blueprints", lambda c: [c.origin["blueprint"]]),
        ("modules", lambda c: list(c.origin["modules"].values())),
    ):
        for individual in state[kind]["individuals"]:
            mine = [float(c.id) for c in candidates if individual["id"] in ids(c)]
            assert individual["fitness"] == ([pytest.approx(np.mean(mine))] if mine else None)


def test_a_module_that_was_not_sampled_keeps_its_fitness() -> None:
    few = {"population": {"blueprints": 1, "modules": 9}, "species": {"blueprints": 1, "modules": 1}}
    found = search(generations=6, evaluations=3, preserved_networks=1, **few)
    before: dict[int, list[float]] = {}
    kept = 0
    while not found.finished:
        asked = found.ask(100)
        for candidate in asked:
            found.tell(outcome(candidate, float(candidate.id)))
        used = {number for c in asked for number in c.origin["modules"].values()}
        best = found.snapshot()["preserved"][0]["modules"]
        for individual in found.snapshot()["modules"]["individuals"]:
            if individual["id"] in before and individual["id"] not in {*used, *best}:
                assert individual["fitness"] == before[individual["id"]]
                kept += 1
            if individual["fitness"] is not None:
                before[individual["id"]] = individual["fitness"]
    assert kept > 0


@pytest.mark.parametrize("seed", range(6))
def test_a_species_of_which_no_module_was_in_a_network_yet_has_no_best_fitness(seed: int) -> None:
    small = {"population": {"blueprints": 1, "modules": 6}, "evaluations": 1}
    found = search(seed=seed, generations=2, species={"blueprints": 1, "modules": 4}, **small)
    found.tell(outcome(found.ask(1)[0], 0.5))
    snapshot = found.snapshot()
    canonical_json(snapshot)  # refuses what is not finite
    assert None in [species["best"] for species in snapshot["modules"]["species"].values()]


def test_a_generation_of_failures_stops_nothing() -> None:
    found = search()
    run(found, fitness=lambda c: None)
    assert found.finished
    assert found.finalists() == []
    assert found.progress().best_fitness is None
    assert [record["failures"] for record in found.snapshot()["history"]] == [10] * 4


def test_a_failure_counts_as_the_worst_fitness() -> None:
    found = search(generations=1)
    candidates = run(found, fitness=lambda c: None if c.id == 3 else 0.9)
    failed = candidates[3].origin["blueprint"]
    blueprints = {b["id"]: b["fitness"][0] for b in found.snapshot()["blueprints"]["individuals"]}
    assert blueprints.pop(failed) == pytest.approx((0.9 + 0.1) / 2)  # 0.1 is chance, less than any result
    assert set(blueprints.values()) == {0.9}


def test_negative_fitness_can_be_best() -> None:
    """Regression for a peer's bug: a best fitness that started at 0."""
    found = search()
    run(found, fitness=lambda c: -100.0 - c.id)
    assert found.progress().best_fitness == -100.0
    assert found.finalists()[0].id == 0


def test_finalists_are_the_best_networks_of_all_generations_without_repetition() -> None:
    found = search(generations=5)
    candidates = run(found)
    unique = {c.key: c for c in reversed(candidates)}.values()
    best = sorted(unique, key=lambda c: (-size_fitness(c), c.id))[:4]
    assert found.finalists() == best


def test_duplicates_share_a_result_and_are_counted() -> None:
    found = search(generations=2)
    for candidate in found.ask(100):
        if candidate.id == 0:
            found.tell(outcome(candidate, 0.7))
        else:
            told = Outcome(candidate.id, State.DUPLICATE, 0.7, duplicate_of=0, reason="equal to candidate 0")
            found.tell(told)
    assert found.progress().mean_fitness == pytest.approx(0.7)


def test_the_origin_names_the_components_and_their_parents() -> None:
    found = search(generations=6)
    candidates = run(found)
    last = [c for c in candidates if c.generation == 5]
    operators = {name for c in last for name in c.origin["operators"]["blueprint"]}
    assert operators & {"crossover", "change_hyperparameter", "new_node", "new_connection"}
    for candidate in last:
        nodes = candidate.spec["model"]["blueprint"]["nodes"]
        assert len({node["module"] for node in nodes}) == len(candidate.origin["modules"])


@pytest.mark.slow
def test_networks_keep_to_the_parameter_budget_before_anything_is_built() -> None:
    from gondwana.nas.searches.codeepneat.network.plan import plan_network
    from tests.helpers.codeepneat import IMAGES

    free = run(search(generations=6))
    tight = run(search(generations=6, limits={"max_parameters": 1500}))
    counts = [[plan_network(c.spec["model"], IMAGES).parameters for c in each] for each in (free, tight)]
    assert max(counts[0]) > 1500
    assert np.mean([count <= 1500 for count in counts[1]]) > 0.9


def test_several_objectives_keep_the_whole_front() -> None:
    found = search(generations=6, objectives=["fitness", "parameters"], preserved_networks=6)
    fitness: dict[int, float] = {}
    while not found.finished:
        for candidate in found.ask(100):
            layers = sum(len(module["layers"]) for module in candidate.spec["model"]["modules"].values())
            fitness[candidate.id] = layers / 10  # conflicts with the number of parameters below
            told = Outcome(candidate.id, State.COMPLETED, fitness[candidate.id], parameters=layers * 100)
            found.tell(told)
    kept = {tuple(network["fitness"]) for network in found.snapshot()["preserved"]}
    assert len(kept) >= 2
    assert max(value for value, _ in kept) == max(fitness.values())
    assert all(size == pytest.approx(-1000 * value) for value, size in kept)
