"""Crossover: genes that are homologous by their markings are mixed, the fitter parent supplies the rest.

Nodes are homologous when their markings (and kinds) are equal; each of their hyperparameters comes from either parent
with equal probability, and so does each genome-level gene. Nodes and connections that only one parent has come from the
fitter one. Parents of equal fitness have no fitter one: the child then has the structure of the first and, with
probability 1/2 each, the nodes (with their connections) and the connections that only the second has, as long as they
close no cycle and the child stays within the largest size.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gondwana.nas.searches.codeepneat.genes.domains import Value
from gondwana.nas.searches.codeepneat.genome.alignment import homologues
from gondwana.nas.searches.codeepneat.genome.genome import (
    INPUT_MARKING,
    Genome,
    Node,
    prune,
    would_close_cycle,
)


def crossover(
    fitter: Genome,
    other: Genome,
    rng: np.random.Generator,
    *,
    equal: bool = False,
    max_nodes: int | None = None,
) -> Genome:
    """Return a child of two parents, which stay as they are.

    Args:
        fitter: the parent whose structure the child has.
        other: the other parent.
        rng: decides for each homologous gene whose it is.
        equal: whether both parents are equally fit, so that ``other`` adds to the structure too.
        max_nodes: largest number of nodes of a child, the output not counted; None for no limit.
    """
    pairs = homologues(fitter, other)
    nodes = [
        _mixed_node(*pairs[node.marking], rng) if node.marking in pairs else node for node in fitter.nodes
    ]
    child = Genome.make(nodes, fitter.edges, mixed_genes(fitter.genes, other.genes, rng))
    return _with_foreign_structure(child, other, rng, max_nodes) if equal else child


def mixed_genes(
    first: Mapping[str, Value], second: Mapping[str, Value], rng: np.random.Generator
) -> dict[str, Value]:
    """Return the genes of ``first``, each with the value of either parent where both have it."""
    return {
        name: second[name] if name in second and rng.random() < 0.5 else value
        for name, value in first.items()
    }


def _mixed_node(node: Node, homologue: Node, rng: np.random.Generator) -> Node:
    return Node(node.marking, node.kind, mixed_genes(node.genes, homologue.genes, rng))


def _with_foreign_structure(
    child: Genome, other: Genome, rng: np.random.Generator, max_nodes: int | None
) -> Genome:
    """Add what only ``other`` has, each node and each connection between shared nodes with probability 1/2."""
    shared = {INPUT_MARKING, *child.markings}
    foreign = [node for node in other.nodes if node.marking not in shared and rng.random() < 0.5]
    if max_nodes is not None:
        foreign = foreign[: max(0, max_nodes - len(child.inner))]
    known = shared | {node.marking for node in foreign}
    edges = list(child.edges)
    for edge in other.edges:
        if edge in edges or not known.issuperset(edge):
            continue
        wanted = not shared.issuperset(edge) or rng.random() < 0.5
        if wanted and not would_close_cycle(edges, edge):
            edges.append(edge)
    return Genome.make(*prune([*child.nodes, *foreign], edges), child.genes)
