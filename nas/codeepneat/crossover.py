"""Crossover: genes that are homologous by their markings are mixed, the fitter parent supplies the rest.

Nodes are homologous when their markings (and kinds) are equal; each of their hyperparameters comes from either parent
with equal probability, and so does each genome-level gene. Nodes and connections that only one parent has come from the
fitter one. Parents of equal fitness have no fitter one: then each gene that only one of them has is inherited with
probability 1/2, connections that would close a cycle are left out, and so is what then leads nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nas.codeepneat.domains import Value
from nas.codeepneat.genome import Genome, Node, prune, would_close_cycle
from nas.codeepneat.space import OUTPUT


def crossover(fitter: Genome, other: Genome, rng: np.random.Generator, *, equal: bool = False) -> Genome:
    """Return a child of two parents, which stay as they are.

    Args:
        fitter: the parent whose structure the child has.
        other: the other parent.
        rng: decides for each homologous gene whose it is.
        equal: whether both parents are equally fit; then the structures are mixed too. The order of the parents still
            decides which connection is left out when two of them close a cycle; let it be drawn.
    """
    theirs = {node.marking: node for node in other.nodes}
    nodes = [_mixed_node(node, theirs.get(node.marking), rng) for node in fitter.nodes]
    genes = mixed_genes(fitter.genes, other.genes, rng)
    child = Genome.make(nodes, fitter.edges, genes)
    return _with_foreign_structure(child, other, rng) if equal else child


def mixed_genes(
    first: Mapping[str, Value], second: Mapping[str, Value], rng: np.random.Generator
) -> dict[str, Value]:
    """Return the genes of ``first``, each with the value of either parent where both have it."""
    return {
        name: second[name] if name in second and rng.random() < 0.5 else value
        for name, value in first.items()
    }


def _mixed_node(node: Node, homologue: Node | None, rng: np.random.Generator) -> Node:
    if homologue is None or homologue.kind != node.kind:
        return node
    return Node(node.marking, node.kind, mixed_genes(node.genes, homologue.genes, rng))


def _with_foreign_structure(child: Genome, other: Genome, rng: np.random.Generator) -> Genome:
    """Inherit each connection that only one of the two has with probability 1/2."""
    shared = set(child.edges) & set(other.edges)
    edges = [edge for edge in child.edges if edge in shared or rng.random() < 0.5]
    for edge in other.edges:
        if edge not in shared and rng.random() < 0.5 and not would_close_cycle(edges, edge):
            edges.append(edge)
    known = {node.marking: node for node in (*other.nodes, *child.nodes)}
    nodes, kept = prune(known.values(), edges)
    if all(
        node.kind == OUTPUT for node in nodes
    ):  # nothing is left between input and output, or not even a path
        return child
    return Genome.make(nodes, kept, child.genes)
