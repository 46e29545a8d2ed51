"""Genomes lined up by their markings: homologous nodes and distance."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gondwana.nas.searches.codeepneat.evolution.mutation import initial_genome, mutate
from gondwana.nas.searches.codeepneat.genome.alignment import distance, homologues
from gondwana.nas.searches.codeepneat.genome.genome import Genome, Node
from tests.helpers.codeepneat import EAGER, alphabets, random_genome

ALPHABET = alphabets()["modules"]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_distance_is_symmetric_bounded_and_zero_for_equals(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = (random_genome(ALPHABET, rng, int(rng.integers(1, 8))) for _ in range(2))
    assert distance(first, first, ALPHABET) == 0
    assert 0 <= distance(first, second, ALPHABET) == distance(second, first, ALPHABET) <= 1


def test_nodes_are_homologous_when_marking_and_kind_agree() -> None:
    rng = np.random.default_rng(1)
    parent = random_genome(ALPHABET, rng, 5)
    child, _ = mutate(parent, ALPHABET, EAGER, 3, rng)
    pairs = homologues(parent, child)
    both = {node.marking: node.kind for node in parent.nodes}.items() & {
        node.marking: node.kind for node in child.nodes
    }.items()
    assert set(pairs) == {marking for marking, _ in both}
    assert pairs
    first = parent.inner[0]
    renamed = Genome.make(
        [Node(node.marking, "another", node.genes) if node is first else node for node in parent.nodes],
        parent.edges,
        parent.genes,
    )
    assert set(homologues(parent, renamed)) == set(parent.markings) - {first.marking}


def test_other_hyperparameters_alone_are_half_the_way_at_most() -> None:
    first, second = (initial_genome(ALPHABET, 0, np.random.default_rng(seed)) for seed in (0, 1))
    assert distance(first, second, ALPHABET) <= 0.5
