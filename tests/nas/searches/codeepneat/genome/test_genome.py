"""Properties of genomes under mutation and crossover."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gondwana.nas.searches.codeepneat.evolution.crossover import crossover
from gondwana.nas.searches.codeepneat.evolution.mutation import (
    change_hyperparameters,
    change_one_hyperparameter,
    initial_genome,
    mutate,
    new_connection,
    new_node,
)
from gondwana.nas.searches.codeepneat.genome.genome import (
    INPUT_MARKING,
    OUTPUT_MARKING,
    Genome,
    GenomeError,
    Node,
    output_node,
    topological_order,
    useful_nodes,
)
from gondwana.nas.searches.codeepneat.genome.marking import marking
from gondwana.nas.searches.codeepneat.genome.space import Alphabet
from tests.helpers.codeepneat import EAGER, alphabets, random_genome

KINDS = ("modules", "blueprints")
SEEDS = st.integers(0, 2**32 - 1)


def check(genome: Genome, alphabet: Alphabet) -> None:
    """Fail unless the genome is acyclic, without dead ends, and in its alphabet."""
    order = topological_order(genome.markings, genome.edges)
    assert tuple(node.marking for node in genome.nodes) == order
    assert useful_nodes(genome.edges) == {INPUT_MARKING, *genome.markings}
    assert len(genome.inner) <= alphabet.max_nodes
    for node in genome.nodes:
        domains = alphabet.nodes[node.kind]
        assert set(node.genes) == set(domains)
        assert all(domains[name].contains(value) for name, value in node.genes.items())
    assert all(alphabet.genome[name].contains(value) for name, value in genome.genes.items())
    assert Genome.from_json(genome.to_json()) == genome


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, steps=st.integers(1, 25))
def test_chains_of_mutations_and_crossovers_keep_genomes_valid(kind: str, seed: int, steps: int) -> None:
    alphabet = alphabets()[kind]
    check(random_genome(alphabet, np.random.default_rng(seed), steps), alphabet)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_operators_follow_from_their_seed_and_leave_their_parents_alone(kind: str, seed: int) -> None:
    alphabet = alphabets()[kind]
    first, second = (random_genome(alphabet, np.random.default_rng([seed, i]), 12) for i in range(2))
    before = copy.deepcopy((first.to_json(), second.to_json()))
    for equal in (False, True):
        children = [crossover(first, second, np.random.default_rng(seed), equal=equal) for _ in range(2)]
        assert children[0] == children[1]
    mutants = [mutate(first, alphabet, EAGER, 9, np.random.default_rng(seed)) for _ in range(2)]
    assert mutants[0] == mutants[1]
    assert (first.to_json(), second.to_json()) == before


def test_genes_cannot_be_written_to() -> None:
    genome = random_genome(alphabets()["blueprints"], np.random.default_rng(0), 3)
    with pytest.raises(TypeError):
        genome.genes["learning_rate"] = 1.0  # type: ignore[index]
    with pytest.raises(TypeError):
        genome.nodes[0].genes["species"] = 1  # type: ignore[index]


def test_a_new_node_replaces_a_connection() -> None:
    alphabet, rng = alphabets()["modules"], np.random.default_rng(0)
    genome = initial_genome(alphabet, 2, rng)
    grown = new_node(genome, alphabet, 1, rng)
    (gone,) = set(genome.edges) - set(grown.edges)
    (node,) = grown.markings - genome.markings
    assert set(grown.edges) - set(genome.edges) == {(gone[0], node), (node, gone[1])}


def test_a_genome_at_its_largest_size_gets_no_node() -> None:
    alphabet, rng = alphabets()["modules"], np.random.default_rng(0)
    genome = initial_genome(alphabet, 2, rng)
    while len(genome.inner) < alphabet.max_nodes:
        genome = new_node(genome, alphabet, 1, rng)
    assert new_node(genome, alphabet, 1, rng) is genome


def test_new_connections_fill_the_graph_and_then_stop() -> None:
    alphabet, rng = alphabets()["modules"], np.random.default_rng(0)
    genome = initial_genome(alphabet, 3, rng)
    for _ in range(6):
        genome = new_connection(genome, rng)
    assert len(genome.edges) == 4 * 5 // 2  # all pairs of input, three layers and output
    assert new_connection(genome, rng) is genome


def test_an_offspring_is_never_a_copy_as_long_as_something_can_change() -> None:
    alphabet, rng = alphabets()["modules"], np.random.default_rng(0)
    genome = initial_genome(alphabet, 1, rng)
    rates = type(EAGER)(change_hyperparameter=0.0, new_connection=0.0, new_node=0.0)
    for _ in range(50):
        child, names = mutate(genome, alphabet, rates, 1, rng)
        assert child != genome
        assert names == ("change_hyperparameter",)
    assert mutate(genome, alphabet, rates, 1, rng, always=False) == (genome, ())


def test_changing_one_hyperparameter_changes_exactly_one() -> None:
    alphabet, rng = alphabets()["modules"], np.random.default_rng(0)
    genome = random_genome(alphabet, rng, 10)
    for _ in range(30):
        child = change_one_hyperparameter(genome, alphabet, rng)
        assert child.edges == genome.edges
        pairs = zip(genome.nodes, child.nodes, strict=True)
        assert sum(a.genes[name] != b.genes[name] for a, b in pairs for name in a.genes) == 1


def test_every_node_is_changed_with_the_given_probability() -> None:
    alphabet, rng = alphabets()["modules"], np.random.default_rng(0)
    genome = initial_genome(alphabet, 1, rng)  # one layer, and an output whose merge has no effect yet
    changed = sum(change_hyperparameters(genome, alphabet, 0.25, rng) != genome for _ in range(2000))
    assert abs(changed / 2000 - 0.25) < 5 * (0.25 * 0.75 / 2000) ** 0.5


def test_the_same_change_in_a_generation_has_the_same_marking_and_no_other_has() -> None:
    edge = (INPUT_MARKING, OUTPUT_MARKING)
    name = marking(3, edge, "Dense", ())
    assert marking(3, edge, "Dense", ("other",)) == name
    others = [
        marking(4, edge, "Dense", ()),
        marking(3, edge, "Dropout", ()),
        marking(3, edge, "Dense", (name,)),
    ]
    assert len({name, *others}) == 4


def test_graphs_with_cycles_dead_ends_or_unknown_nodes_are_no_genomes() -> None:
    a, b, out = Node("a", "Dense", {}), Node("b", "Dense", {}), output_node("Add")
    path = [("input", "a"), ("a", "output")]
    with pytest.raises(GenomeError, match="cycle"):
        Genome.make([a, b, out], [*path, ("a", "b"), ("b", "a")])
    with pytest.raises(GenomeError, match="no path"):
        Genome.make([a, b, out], [*path, ("a", "b")])
    with pytest.raises(GenomeError, match="unknown"):
        Genome.make([a, out], [*path, ("a", "ghost")])
    with pytest.raises(GenomeError, match="output"):
        Genome.make([a], [("input", "a")])


def test_crossover_takes_structure_from_the_fitter_parent_and_mixes_homologous_genes() -> None:
    """Regression for two peers' bugs: a child that is always a clone, and one with the excess genes of the worse."""
    alphabet = alphabets()["modules"]
    clones = pairs = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        first, second = (
            _variant(initial_genome(alphabet, 2, np.random.default_rng(seed)), rng) for _ in range(2)
        )
        child = crossover(first, second, rng)
        assert (child.markings, child.edges) == (first.markings, first.edges)
        differences = 0
        for node in child.nodes:
            parents = [p.node(node.marking) for p in (first, second) if node.marking in p.markings]
            assert all(value in [p.genes[name] for p in parents] for name, value in node.genes.items())
            differences += sum(parents[0].genes[name] != parents[-1].genes[name] for name in node.genes)
        if differences >= 4:
            pairs += 1
            clones += all(node == first.node(node.marking) for node in child.nodes)
    assert pairs > 100
    assert clones / pairs < 2**-4 + 5 * (2**-4 / pairs) ** 0.5  # a clone takes the same side four times


def _variant(genome: Genome, rng: np.random.Generator) -> Genome:
    alphabet = alphabets()["modules"]
    for _ in range(6):
        genome = change_one_hyperparameter(genome, alphabet, rng)
    return new_node(genome, alphabet, 1, rng)


def test_equal_parents_mix_their_structures() -> None:
    alphabet = alphabets()["modules"]
    mixed = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        ancestor = initial_genome(alphabet, 2, rng)
        first, second = (new_node(new_node(ancestor, alphabet, 1, rng), alphabet, 1, rng) for _ in range(2))
        child = crossover(first, second, rng, equal=True)
        check(child, alphabet)
        assert child.markings <= first.markings | second.markings
        mixed += bool(child.markings - first.markings)
    assert 100 < mixed < 190
