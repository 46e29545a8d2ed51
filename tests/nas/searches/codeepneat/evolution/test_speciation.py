"""Species: distance, threshold, continuity."""

from __future__ import annotations

import numpy as np
import pytest

from gondwana.nas.searches.codeepneat.evolution.mutation import initial_genome
from gondwana.nas.searches.codeepneat.evolution.speciation import (
    HIGHEST,
    LOWEST,
    Speciation,
    speciate,
)
from gondwana.nas.searches.codeepneat.genome.genome import Genome
from tests.helpers.codeepneat import alphabets, random_genome

ALPHABET = alphabets()["modules"]


def population(seed: int, size: int = 30) -> list[Genome]:
    rng = np.random.default_rng(seed)
    return [random_genome(ALPHABET, rng, int(rng.integers(1, 8))) for _ in range(size)]


@pytest.mark.parametrize("start", [LOWEST, 0.05, 0.3, HIGHEST])
@pytest.mark.parametrize("wanted", [1, 2, 4, 6])
def test_the_threshold_reaches_the_wanted_number_from_both_sides(start: float, wanted: int) -> None:
    """Regression for a peer's bug: a threshold that could only grow."""
    for seed in range(5):
        found = speciate(population(seed), Speciation(threshold=start), ALPHABET, wanted)
        assert len(found.members) == wanted


def test_the_threshold_moves_down_as_well_as_up() -> None:
    genomes = population(0)
    from_above = speciate(genomes, Speciation(threshold=HIGHEST), ALPHABET, 5)
    from_below = speciate(genomes, Speciation(threshold=LOWEST), ALPHABET, 2)
    assert from_above.threshold < HIGHEST
    assert from_below.threshold > LOWEST


def test_every_genome_is_in_one_species_and_within_the_threshold_of_what_led_it() -> None:
    genomes = population(1)
    found = speciate(genomes, Speciation(), ALPHABET, 4)
    members = sorted(position for positions in found.members.values() for position in positions)
    assert members == list(range(len(genomes)))
    assert all(found.representatives[s] in [genomes[p] for p in ps] for s, ps in found.members.items())


def test_species_keep_their_ids_while_their_members_stay_alike() -> None:
    genomes = population(2)
    before = speciate(genomes, Speciation(), ALPHABET, 4)
    after = speciate(list(reversed(genomes)), before, ALPHABET, 4)
    assert set(after.members) == set(before.members)
    assert after.founded == before.founded == 4


def test_a_species_that_is_gone_has_a_living_successor() -> None:
    rng = np.random.default_rng(3)
    state = Speciation()
    everyone: set[int] = set()
    for seed in range(8):
        state = speciate(population(seed, 20), state, ALPHABET, int(rng.integers(1, 5)))
        everyone |= set(state.members)
        assert set(state.successors) == everyone - set(state.members)
        assert set(state.successors.values()) <= set(state.members)


def test_equal_genomes_are_one_species_whatever_is_wanted() -> None:
    genome = initial_genome(ALPHABET, 2, np.random.default_rng(0))
    assert len(speciate([genome] * 6, Speciation(), ALPHABET, 4).members) == 1
