"""Species that last: no threshold, few foundings, everyone at home with the nearest."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from gondwana.nas.searches.codeepneat.evolution.lasting_species import lasting_species
from gondwana.nas.searches.codeepneat.evolution.speciation import Speciation, distance, speciate
from gondwana.nas.searches.codeepneat.genome.genome import Genome
from tests.helpers.codeepneat import alphabets, random_genome, run, search

ALPHABET = alphabets()["modules"]


def population(seed: int, size: int = 12) -> list[Genome]:
    rng = np.random.default_rng(seed)
    return [random_genome(ALPHABET, rng, int(rng.integers(1, 8))) for _ in range(size)]


def first(seed: int, wanted: int = 4) -> Speciation:
    return speciate(population(seed), Speciation(), ALPHABET, wanted)


@pytest.mark.parametrize("seed", range(8))
def test_everyone_is_in_the_species_with_the_nearest_representative(seed):
    before, genomes = first(seed), population(seed + 100)
    found = lasting_species(genomes, before, ALPHABET, 4)
    assert sorted(place for places in found.members.values() for place in places) == list(range(12))
    assert len(found.members) == 4
    for name, leader in before.representatives.items():
        for place in found.members.get(name, ()):
            ours = distance(genomes[place], leader, ALPHABET)
            assert all(
                ours <= distance(genomes[place], other, ALPHABET) for other in before.representatives.values()
            )
    assert all(
        found.representatives[name] in [genomes[p] for p in places] for name, places in found.members.items()
    )


def test_the_same_population_keeps_its_species_and_founds_none():
    before = first(0)
    found = lasting_species(population(0), before, ALPHABET, 4)
    assert found.founded == before.founded
    assert set(found.members) == set(before.members)
    assert found.successors == {}


def test_a_species_that_died_makes_room_for_one_around_the_farthest_genome():
    before, genomes = first(1), population(1)
    gone = max(before.members)
    found = lasting_species(genomes, before, ALPHABET, 4, extinct=[gone])
    assert gone not in found.members
    assert len(found.members) == 4
    assert found.founded == before.founded + 1
    assert found.successors[gone] in found.members
    kept = [leader for name, leader in before.representatives.items() if name != gone]
    far = [min(distance(genome, leader, ALPHABET) for leader in kept) for genome in genomes]
    assert int(np.argmax(far)) in found.members[before.founded]


def test_a_genome_farther_than_the_nearest_two_leaders_from_each_other_founds_one_and_they_become_one():
    genomes = population(2)
    far, leaders = genomes[0], {5: genomes[1], 6: genomes[1]}
    before = Speciation(members={5: (1,), 6: (2,)}, representatives=leaders, founded=7)
    found = lasting_species([far, genomes[1]], before, ALPHABET, 2)
    assert found.members == {5: (1,), 7: (0,)}
    assert found.successors == {6: 5}


def test_equal_genomes_are_one_species_however_many_are_wanted():
    genomes = [population(3)[0]] * 5
    found = lasting_species(genomes, Speciation(), ALPHABET, 3)
    assert list(found.members.values()) == [(0, 1, 2, 3, 4)]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["generational", "steady"])
def test_searches_start_alike_and_found_fewer_species(mode):
    small = {"population": {"blueprints": 6, "modules": 12}, "species": {"blueprints": 1, "modules": 4}}
    founded: Counter[str] = Counter()
    for seed in range(3):
        made = {}
        for rule in ("threshold", "lasting"):
            found = search(seed=seed, generations=12, mode=mode, speciation=rule, **small)
            made[rule] = run(found)
            founded[rule] += found.snapshot()["modules"]["species_founded"]
        keys = [[candidate.key for candidate in made[rule][:12]] for rule in made]
        assert keys[0] == keys[1]
    assert founded["lasting"] < founded["threshold"]


def test_random_search_takes_the_rule_too():
    found = search(generations=3, selection="random", speciation="lasting")
    run(found)
    assert found.finished
