"""Mutations: pure functions from a genome and a generator to a new genome.

The four of the paper's Table 1: change a hyperparameter, new connection, new layer (in a module), new node (in a
blueprint). The last two are one operation: a connection is replaced by a new node and two connections. None of them
can make a cycle or a dead end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from gondwana.nas.searches.codeepneat.genes.domains import Domain, Value, variable
from gondwana.nas.searches.codeepneat.genome.genome import (
    INPUT_MARKING,
    OUTPUT_MARKING,
    Edge,
    Genome,
    Node,
    output_node,
    would_close_cycle,
)
from gondwana.nas.searches.codeepneat.genome.marking import marking
from gondwana.nas.searches.codeepneat.genome.space import MERGE, OUTPUT, Alphabet


@dataclass(frozen=True, slots=True)
class Rates:
    """Probabilities of the mutations of one population.

    Attributes:
        change_hyperparameter: for each node, and for the genome-level genes together, that one of its
            hyperparameters changes.
        new_connection: that the genome gets a connection.
        new_node: that the genome gets a node (a layer, in a module).
    """

    change_hyperparameter: float
    new_connection: float
    new_node: float


def initial_genome(alphabet: Alphabet, size: int, rng: np.random.Generator) -> Genome:
    """Return a random chain of ``size`` nodes, the first of a kind in ``alphabet.first``."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    open_edge: Edge = (INPUT_MARKING, OUTPUT_MARKING)
    for position in range(size):
        kind = _pick(alphabet.first if position == 0 else alphabet.kinds, rng)
        name = marking(0, open_edge, kind, [node.marking for node in nodes])
        nodes.append(Node(name, kind, _draw(alphabet.nodes[kind], rng)))
        edges.append((open_edge[0], name))
        open_edge = (name, OUTPUT_MARKING)
    output = output_node(str(alphabet.nodes[OUTPUT][MERGE].sample(rng)))
    return Genome.make([*nodes, output], [*edges, open_edge], _draw(alphabet.genome, rng))


def mutate(
    genome: Genome,
    alphabet: Alphabet,
    rates: Rates,
    generation: int,
    rng: np.random.Generator,
    *,
    always: bool = True,
) -> tuple[Genome, tuple[str, ...]]:
    """Apply each mutation with its probability; return the result and the names of the mutations that changed it.

    Args:
        genome: the parent, or the child of two parents; it stays as it is.
        alphabet: what genomes may contain.
        rates: the probabilities.
        generation: generation in which the child is born.
        rng: source of all choices.
        always: whether one hyperparameter is changed if nothing else was, so that an offspring is a copy only where
            nothing can change.
    """
    child = genome
    names: list[str] = []
    if rng.random() < rates.new_node and (grown := new_node(child, alphabet, generation, rng)) != child:
        child, names = grown, [*names, "new_node"]
    if rng.random() < rates.new_connection and (grown := new_connection(child, rng)) != child:
        child, names = grown, [*names, "new_connection"]
    changed = change_hyperparameters(child, alphabet, rates.change_hyperparameter, rng)
    if always and changed == genome:
        changed = change_one_hyperparameter(child, alphabet, rng)
    if changed != child:
        child, names = changed, [*names, "change_hyperparameter"]
    return child, tuple(names)


def new_node(genome: Genome, alphabet: Alphabet, generation: int, rng: np.random.Generator) -> Genome:
    """Replace a connection by a new node and two connections; a genome at its largest size stays as it is."""
    if len(genome.inner) >= alphabet.max_nodes:
        return genome
    edge = genome.edges[int(rng.integers(len(genome.edges)))]
    kind = _pick(alphabet.kinds, rng)
    name = marking(generation, edge, kind, genome.markings)
    node = Node(name, kind, _draw(alphabet.nodes[kind], rng))
    edges = [*(other for other in genome.edges if other != edge), (edge[0], name), (name, edge[1])]
    return Genome.make([*genome.nodes, node], edges, genome.genes)


def new_connection(genome: Genome, rng: np.random.Generator) -> Genome:
    """Connect two nodes that are not connected and between which a connection closes no cycle, if there are any."""
    present = set(genome.edges)
    places = [INPUT_MARKING, *(node.marking for node in genome.nodes)]
    free = [
        (source, target)
        for source in places[:-1]
        for target in places[1:]
        if source != target and (source, target) not in present
        if not would_close_cycle(genome.edges, (source, target))
    ]
    if not free:
        return genome
    return Genome.make(genome.nodes, [*genome.edges, free[int(rng.integers(len(free)))]], genome.genes)


def change_hyperparameters(
    genome: Genome, alphabet: Alphabet, probability: float, rng: np.random.Generator
) -> Genome:
    """Change, with ``probability`` for each, one hyperparameter of a node, and one of the genome-level genes."""
    child = genome
    for place in changeable(genome, alphabet):
        if rng.random() < probability:
            child = _change_at(child, place, alphabet, rng)
    return child


def change_one_hyperparameter(genome: Genome, alphabet: Alphabet, rng: np.random.Generator) -> Genome:
    """Change one hyperparameter of one node or of the genome-level genes, if any can change."""
    places = changeable(genome, alphabet)
    return _change_at(genome, _pick(places, rng), alphabet, rng) if places else genome


def changeable(genome: Genome, alphabet: Alphabet) -> tuple[str, ...]:
    """Return where hyperparameters can change: markings of nodes, and ``""`` for the genome-level genes."""
    places = [node.marking for node in genome.nodes if _free_genes(genome, node, alphabet)]
    return (*places, *([""] if variable(alphabet.genome) else []))


def _change_at(genome: Genome, place: str, alphabet: Alphabet, rng: np.random.Generator) -> Genome:
    if place == "":
        genes = _change(genome.genes, variable(alphabet.genome), rng)
        return Genome.make(genome.nodes, genome.edges, genes)
    node = genome.node(place)
    changed = replace(node, genes=_change(node.genes, _free_genes(genome, node, alphabet), rng))
    nodes = [changed if other is node else other for other in genome.nodes]
    return Genome.make(nodes, genome.edges, genome.genes)


def _change(
    genes: Mapping[str, Value], domains: Mapping[str, Domain], rng: np.random.Generator
) -> dict[str, Value]:
    name = _pick(tuple(domains), rng)
    return {**genes, name: domains[name].change(genes[name], rng)}


def _free_genes(genome: Genome, node: Node, alphabet: Alphabet) -> dict[str, Domain]:
    """Return the domains of the node's genes that can change and have an effect: a lone input is not merged."""
    lone = len(genome.sources(node.marking)) < 2
    domains = variable(alphabet.nodes[node.kind])
    return {name: domain for name, domain in domains.items() if not (name == MERGE and lone)}


def _draw(domains: Mapping[str, Domain], rng: np.random.Generator) -> dict[str, Value]:
    return {name: domain.sample(rng) for name, domain in domains.items()}


def _pick(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
