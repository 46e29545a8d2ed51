"""The search that does not wait: never idle, the same in replay, and a search nevertheless."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from gondwana.nas.candidate import Candidate, State, canonical_json
from gondwana.nas.engine.loop import RunLoop, Stop
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.pools.protocol import Job
from gondwana.nas.engine.records.store import Store, sqlite_engine
from gondwana.nas.evaluation.evaluate import Report
from gondwana.nas.searches.codeepneat.evolution.fitness_assignment import assign_fitness
from gondwana.nas.searches.codeepneat.evolution.replacement import redrawn, replaced
from gondwana.nas.searches.codeepneat.evolution.reproduction import initial_population
from gondwana.nas.searches.codeepneat.genome.space import SPECIES
from gondwana.nas.searches.codeepneat.search import CoDeepNEAT
from tests.helpers.codeepneat import alphabets, outcome, run, search, settings, size_fitness

SPAN = 10
"""Candidates of a span with the helpers' settings: 5 blueprints, 2 evaluations each."""


def steady(**changes: object) -> CoDeepNEAT:
    return search(mode="steady", **changes)


def state_of(found: CoDeepNEAT) -> str:
    return canonical_json(found.snapshot())


def lead(found: CoDeepNEAT, workers: int, seed: int, fail: float = 0.0) -> list[Candidate]:
    """Keep ``workers`` candidates under way and finish them in random order; return all in the order asked."""
    rng, busy, asked = random.Random(seed), [], []
    while not found.finished:
        new = found.ask(workers - len(busy))
        asked += new
        busy += new
        done = busy.pop(rng.randrange(len(busy)))
        found.tell(outcome(done, None if rng.random() < fail else size_fitness(done)))
    return asked


@pytest.mark.parametrize("workers", [1, 3, 8, 25])
def test_no_worker_ever_waits(workers: int) -> None:
    found, busy, given = steady(), [], 0
    while not found.finished:
        busy += found.ask(workers - len(busy))
        assert len(busy) == min(workers, 4 * SPAN - found.progress().told)
        found.tell(outcome(busy[0], size_fitness(busy.pop(0))))
        given += 1
    assert given == found.progress().total == 4 * SPAN
    assert found.ask(5) == []


def test_the_same_order_of_outcomes_makes_the_same_run_and_another_order_another() -> None:
    first, second, third = steady(), steady(), steady()
    assert lead(first, 4, seed=1) == lead(second, 4, seed=1)
    assert state_of(first) == state_of(second)
    lead(third, 4, seed=2)
    assert state_of(first) != state_of(third)


def test_the_first_span_is_the_first_generation() -> None:
    assert steady().ask(SPAN) == search().ask(SPAN)


def test_ids_and_spans_are_in_order() -> None:
    asked = lead(steady(), 4, seed=1)
    assert [candidate.id for candidate in asked] == list(range(4 * SPAN))
    assert [candidate.generation for candidate in asked] == [number // SPAN for number in range(4 * SPAN)]


def test_only_candidates_that_were_asked_for_are_told_and_only_once() -> None:
    found = steady()
    candidate = found.ask(1)[0]
    found.tell(outcome(candidate, 0.5))
    with pytest.raises(ValueError, match="candidate 0 was told before"):
        found.tell(outcome(candidate, 0.5))
    with pytest.raises(ValueError, match="candidate 1 was never asked for"):
        found.tell(outcome(Candidate(1, 0, candidate.spec), 0.5))
    with pytest.raises(ValueError, match="at least 0"):
        found.ask(-1)


def test_as_many_are_born_in_a_span_as_in_a_generation() -> None:
    found = steady(generations=8)
    before = {"modules": 9, "blueprints": 5}
    lead(found, 1, seed=0)
    snapshot = found.snapshot()
    for name, elite in (("modules", 0.4), ("blueprints", 0.4)):
        size = before[name]
        assert len(snapshot[name]["individuals"]) == size
        born = snapshot[name]["individuals_counted"] - size
        assert born >= 7 * round(size * (1 - elite)) - 7  # now and then nobody can make room


def test_a_newcomer_is_evaluated_as_often_as_in_a_generation() -> None:
    found = steady(generations=10, species={"blueprints": 1, "modules": 1})  # one species: none is repointed
    seen = Counter(candidate.origin["blueprint"] for candidate in lead(found, 3, seed=0))
    living = {each["id"] for each in found.snapshot()["blueprints"]["individuals"]}
    assert len(set(seen) - living) > 10
    assert min(seen[number] for number in set(seen) - living) >= 2


def test_species_are_never_without_members_and_blueprints_point_to_living_ones() -> None:
    found = steady(generations=12)
    for candidate in lead(found, 6, seed=3, fail=0.2):
        assert candidate.origin["modules"]
    snapshot = found.snapshot()
    living = {int(name) for name in snapshot["modules"]["species"]}
    assert all(species["members"] for species in snapshot["modules"]["species"].values())
    for blueprint in snapshot["blueprints"]["individuals"]:
        nodes = blueprint["genome"]["nodes"]
        assert {node["genes"][SPECIES] for node in nodes if SPECIES in node["genes"]} <= living


@pytest.mark.slow
def test_it_finds_better_networks_than_its_first_ones_and_than_random_search() -> None:
    def gain(**changes: object) -> float:
        found = steady(generations=15, **changes)
        lead(found, 4, seed=0)
        history = found.snapshot()["history"]
        assert [record["generation"] for record in history] == list(range(15))
        return float(np.mean([record["mean"] for record in history[-5:]]) - history[0]["mean"])

    evolved = [gain(seed=seed) for seed in range(4)]
    drawn = [gain(seed=seed, selection="random") for seed in range(4)]
    assert min(evolved) > 0.1
    assert np.mean(evolved) > np.mean(drawn) + 0.1


@pytest.mark.slow
def test_it_gets_as_far_as_the_search_by_generations() -> None:
    def level(mode: str, seed: int) -> float:
        found = search(mode=mode, generations=15, seed=seed)
        if mode == "steady":
            lead(found, 4, seed=0)
        else:
            run(found)
        return float(np.mean([record["mean"] for record in found.snapshot()["history"][-5:]]))

    difference = [level("steady", seed) - level("generational", seed) for seed in range(4)]
    assert abs(np.mean(difference)) < 0.15


@pytest.mark.parametrize("name", ["table", "text"])
def test_it_works_on_other_inputs_with_several_objectives_and_failures(name: str) -> None:
    found = search(
        name,
        mode="steady",
        generations=5,
        objectives=["fitness", "parameters"],
        elitism={"blueprints": 0, "modules": 0},
    )
    lead(found, 5, seed=0, fail=0.5)
    assert found.finished
    assert found.finalists()


def test_replacement_moves_species_towards_their_shares() -> None:
    policy, alphabet = settings().module_policy(), alphabets()["modules"]
    rng = np.random.default_rng(0)
    population = initial_population(policy, alphabet, rng)
    names = sorted(population.speciation.members)
    assert len(names) == 3
    good = names[-1]
    for generation in range(1, 30):
        fitness = {
            each.id: [(1.0 if name == good else 0.0,)]
            for name, members in population.species().items()
            for each in members
        }
        population = replaced(assign_fitness(population, fitness), policy, alphabet, generation, rng)
        assert len(population.individuals) == policy.size
        assert sorted(place for places in population.speciation.members.values() for place in places) == list(
            range(9)
        )
    sizes = {name: len(members) for name, members in population.speciation.members.items()}
    assert sizes[good] > max(size for name, size in sizes.items() if name != good)


def test_nobody_makes_room_before_it_was_evaluated() -> None:
    policy, alphabet = settings().module_policy(), alphabets()["modules"]
    population = initial_population(policy, alphabet, np.random.default_rng(0))
    assert replaced(population, policy, alphabet, 1, np.random.default_rng(1)) is population


def pretend(spec: object, data: object) -> Report:
    return Report(State.COMPLETED, fitness=size_fitness(Candidate(0, 0, spec)), parameters=1)  # type: ignore[arg-type]


class Shuffled(LocalPool):
    """Finishes jobs in random order, and asks for a stop after some."""

    def __init__(self, workers: int, seed: int, stop: Stop | None = None, after: int = 0) -> None:
        super().__init__(capacity=workers)
        self._rng, self._stop, self._after = random.Random(seed), stop, after

    def wait(self, timeout: float | None = None) -> list:
        self._jobs.rotate(self._rng.randrange(max(1, len(self._jobs))))
        self._after -= 1
        if self._stop is not None and self._after <= 0:
            self._stop.requested = True
        return super().wait(timeout)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_a_run_stopped_again_and_again_replays_to_the_same_state(tmp_path: Path, workers: int) -> None:
    def make_job(candidate: Candidate) -> Job:
        return Job(candidate.id, candidate.spec, pretend)

    def open_store() -> Store:
        return Store.open(sqlite_engine(tmp_path / "run.sqlite"), "run")

    Store.create(sqlite_engine(tmp_path / "run.sqlite"), "run", name="steady", config={}).close()
    sessions, finished = 0, False
    while not finished:
        stop = Stop()
        with open_store() as store:
            found = steady()
            loop = RunLoop(found, store, Shuffled(workers, sessions, stop, after=9), make_job, stop=stop)
            told = loop.replay()
            assert told == found.progress().told
            finished = loop.run()
        sessions += 1
    assert sessions > 3
    with open_store() as store:
        again = steady()
        assert RunLoop(again, store, LocalPool(), make_job).replay() == 4 * SPAN
        assert state_of(again) == state_of(found)
        assert again.finalists() == found.finalists()
        assert sorted(store.snapshots()) == [0, 1, 2, 3]
        assert {o.candidate_id for o in store.outcomes()} == set(range(4 * SPAN))


def test_random_search_draws_anew_in_the_place_of_the_oldest_that_may_go() -> None:
    policy, alphabet = settings().module_policy(), alphabets()["modules"]
    population = initial_population(policy, alphabet, np.random.default_rng(0))
    known = assign_fitness(population, {each.id: [(0.5,)] for each in population.individuals})
    first = redrawn(known, policy, alphabet, 1, np.random.default_rng(1))
    gone = {each.id for each in known.individuals} - {each.id for each in first.individuals}
    assert len(gone) == 1
    other = redrawn(known, policy, alphabet, 1, np.random.default_rng(1), protected=gone)
    assert gone < {each.id for each in other.individuals}
    everyone = [each.id for each in known.individuals]
    assert redrawn(known, policy, alphabet, 1, np.random.default_rng(1), protected=everyone) is known
