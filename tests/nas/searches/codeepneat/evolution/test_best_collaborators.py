"""Extensions of the paper's rules: best collaborators, random immigrants, fitness assignment by the best network."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from gondwana.nas.candidate import Candidate, canonical_json
from gondwana.nas.searches.codeepneat.evolution.best_collaborators import Collaborators
from gondwana.nas.searches.codeepneat.evolution.fitness_assignment import Network
from gondwana.nas.searches.codeepneat.evolution.population import Individual
from gondwana.nas.searches.codeepneat.genome.genome import Genome
from gondwana.nas.searches.codeepneat.genome.space import SPECIES
from gondwana.nas.searches.codeepneat.search import CoDeepNEAT
from tests.helpers.codeepneat import alphabets, outcome, random_genome, run, search, size_fitness

EXTENSIONS: dict[str, Any] = {
    "best_collaborators": 0.5,
    "random_immigrants": 0.2,
    "fitness_assignment": "best",
}
CANDIDATE = Candidate(0, 0, {})


def genome_pointing_to(species: set[int]) -> Genome:
    """Return a random blueprint that points to these species and no others."""
    rng = np.random.default_rng(0)
    while True:
        found = random_genome(alphabets()["blueprints"], rng, 3)
        if {node.genes[SPECIES] for node in found.inner} == species:
            return found


BLUEPRINT = genome_pointing_to({0, 3})
MODULE = random_genome(alphabets()["modules"], np.random.default_rng(0), 2)


def blueprint(number: int, *parents: int) -> Individual:
    return Individual(number, BLUEPRINT, born=0, parents=parents)


def module(number: int, *parents: int, fitness: float | None = 0.5) -> Individual:
    known = None if fitness is None else (fitness,)
    return Individual(number, MODULE, born=0, parents=parents, fitness=known)


def network(of: int, *modules: int, fitness: float | None = 0.5) -> Network:
    return Network(CANDIDATE, of, modules, None if fitness is None else (fitness,))


def known(*networks: Network) -> Collaborators:
    found = Collaborators()
    for each in networks:
        found.note(each)
    return found


def finished(found: CoDeepNEAT) -> CoDeepNEAT:
    """Lead a search to its end, one candidate at a time."""
    while not found.finished:
        for candidate in found.ask(1):
            found.tell(outcome(candidate, size_fitness(candidate)))
    return found


def ids_of(found: Collaborators, individual: Individual, species: dict[int, list[Individual]]) -> set[tuple]:
    """Return all teams that the generator's choices can make."""
    teams = [found.team(individual, species, np.random.default_rng(seed)) for seed in range(40)]
    return {() if team is None else team.ids for team in teams}


def test_the_best_of_its_networks_is_remembered_and_failures_are_not() -> None:
    found = known(
        network(1, 10, 20, fitness=0.6),
        network(1, 11, 21, fitness=0.7),
        network(1, 12, 22, fitness=0.7),
        network(1, 13, 23, fitness=None),
    )
    assert found.of(blueprint(1)) == {11, 21}
    assert found.of(blueprint(2)) == frozenset()
    assert known(network(1, 10, 20, fitness=None)).of(blueprint(1)) == frozenset()


def test_a_mutated_blueprint_meets_the_best_modules_of_its_better_parent() -> None:
    found = known(network(1, 10, 20, fitness=0.6), network(2, 11, 21, fitness=0.7))
    species = {0: [module(10), module(11)], 3: [module(20), module(21)]}
    assert ids_of(found, blueprint(5, 1, 2), species) == {(5, 11, 21)}
    assert ids_of(found, blueprint(6), species) == {()}


def test_one_remembered_module_gives_way_to_a_child_the_unknown_first() -> None:
    found = known(network(1, 10, 20))
    species = {
        0: [module(10), module(12, 10), module(13, 10, fitness=None), module(14)],
        3: [module(20), module(22, 20)],
    }
    assert ids_of(found, blueprint(1), species) == {(1, 13, 20), (1, 10, 22)}


def test_what_was_made_already_is_not_made_again() -> None:
    species = {0: [module(10)], 3: [module(20)]}
    assert ids_of(known(network(1, 10, 20)), blueprint(1), species) == {()}
    again = known(network(1, 10, 20), network(1, 12, 20, fitness=0.1))
    assert ids_of(again, blueprint(1), {0: [module(10), module(12, 10)], 3: [module(20)]}) == {()}


def test_a_dead_module_is_replaced_by_its_child_and_without_one_by_anybody() -> None:
    found = known(network(1, 10, 20))
    species = {0: [module(12, 10), module(14)], 3: [module(24), module(25)]}
    assert ids_of(found, blueprint(1), species) == {(1, 12, 24), (1, 12, 25)}


def test_a_repointed_blueprint_and_its_children_inherit_and_the_dead_are_forgotten() -> None:
    found = known(network(1, 10, 20), network(2, 11, 21))
    repointed = blueprint(5, 1)
    found.inherit([repointed, blueprint(2)])
    found.keep([blueprint(6, 5)])
    assert found.of(blueprint(6, 5)) == {10, 20}
    assert found.of(blueprint(2)) == found.of(blueprint(1)) == frozenset()


@pytest.mark.parametrize("mode", ["generational", "steady"])
def test_in_its_best_company_a_blueprint_changes_one_module_at_a_time(mode: str) -> None:
    """A blueprint's second network has, but for one module, the best ones; dealt from decks it hardly ever has."""

    def share(best_collaborators: float) -> float:
        found = search(mode=mode, generations=12, best_collaborators=best_collaborators)
        best: dict[int, tuple[float, set[int]]] = {}
        similar = total = 0
        while not found.finished:
            asked = found.ask(1 if mode == "steady" else 100)
            teams = [(c.origin["blueprint"], set(c.origin["modules"].values())) for c in asked]
            for number, modules in teams:
                if number in best and len(best[number][1]) == len(modules) > 1:
                    total += 1
                    similar += len(modules - best[number][1]) == 1
            for candidate, (number, modules) in zip(asked, teams, strict=True):
                fitness = size_fitness(candidate)
                found.tell(outcome(candidate, fitness))
                if number not in best or fitness > best[number][0]:
                    best[number] = fitness, modules
        assert total > 15
        return similar / total

    assert share(1.0) > share(0.0) + 0.1


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["generational", "steady"])
def test_immigrants_have_no_parents_and_come_in_the_wanted_number(mode: str) -> None:
    born = immigrants = 0
    for seed in range(4):
        found = search(mode=mode, seed=seed, generations=25, random_immigrants=0.3)
        seen: dict[str, Any] = {}
        while not found.finished:
            for candidate in found.ask(1 if mode == "steady" else 10):
                found.tell(outcome(candidate, size_fitness(candidate)))
            for kind in ("blueprints", "modules"):
                for each in found.snapshot()[kind]["individuals"]:
                    seen[f"{kind} {each['id']}"] = each
        later = [each for each in seen.values() if each["born"] > 0 and each["operators"] != ["repoint"]]
        arrived = [each for each in later if each["operators"] == ["immigration"]]
        assert not any(each["parents"] for each in arrived)
        assert all(each["parents"] for each in later if each not in arrived)
        born, immigrants = born + len(later), immigrants + len(arrived)
    assert born > 400
    assert 0.2 < immigrants / born < 0.4


def test_assignment_of_the_best_is_the_fitness_of_the_best_network() -> None:
    found = search(generations=1, fitness_assignment="best")
    candidates = run(found, fitness=lambda c: float(c.id))
    for individual in found.snapshot()["blueprints"]["individuals"]:
        mine = [float(c.id) for c in candidates if c.origin["blueprint"] == individual["id"]]
        assert individual["fitness"] == [max(mine)]
        assert max(mine) != np.mean(mine)


def test_with_several_objectives_assignment_of_the_best_is_one_network_and_not_a_mixture() -> None:
    found = search(generations=1, fitness_assignment="best", objectives=("fitness", "training_seconds"))
    for candidate in found.ask(100):
        told = outcome(candidate, float(candidate.id))
        told.seconds["trained"] = float(candidate.id)
        found.tell(told)
    for individual in found.snapshot()["blueprints"]["individuals"]:
        fitness, seconds = individual["fitness"]
        assert fitness == -seconds


@pytest.mark.parametrize("seed", range(3))
def test_with_all_extensions_the_order_of_outcomes_changes_nothing(seed: int) -> None:
    def shuffled(asked: list[Candidate]) -> list[Candidate]:
        return random.Random(seed).sample(asked, len(asked))

    straight, mixed = search(generations=8, **EXTENSIONS), search(generations=8, **EXTENSIONS)
    assert run(straight) == run(mixed, order=shuffled)
    assert canonical_json(straight.snapshot()) == canonical_json(mixed.snapshot())


@pytest.mark.slow
def test_the_extensions_leave_the_first_generation_and_random_search_as_they_are() -> None:
    assert search(**EXTENSIONS).ask(10) == search().ask(10)
    plain, extended = search(selection="random"), search(selection="random", **EXTENSIONS)
    assert run(plain) == run(extended)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["generational", "steady"])
def test_the_extensions_are_of_use_on_a_fitness_that_can_be_climbed(mode: str) -> None:
    def best(**changes: Any) -> float:
        values = []
        for seed in range(12):
            found = finished(search(mode=mode, seed=seed, generations=10, **changes))
            values.append(found.progress().best_fitness)
        return float(np.mean(values))

    assert best(**EXTENSIONS) > best(selection="random")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["generational", "steady"])
def test_memory_of_collaborators_does_not_grow_with_the_search(mode: str) -> None:
    found = finished(search(mode=mode, generations=60, **EXTENSIONS))
    assert found.progress().told == 600
    assert len(found._collaborators._made) <= 3 * 5
    assert len(found._collaborators._best) <= 3 * 5
