"""Learnable factors on the edges of a graph.

PANGAEA (arXiv:2006.03179, section 3.3) draws k uniformly from {0, 1, 2, 3} and puts a factor on k random edges; every
factor is one number per channel, initialized to 1. They are drawn anew after each mutation.
"""

from __future__ import annotations

import numpy as np

from gondwana.activations.graph.graph import Graph
from gondwana.activations.graph.node import Node, Nodes, shared_node

MAX_PARAMETERS = 3


def parametrize(graph: Graph, rng: np.random.Generator, most: int = MAX_PARAMETERS) -> Graph:
    """Return ``graph`` with k factors on distinct random edges, k uniform in 0..``most``; older factors are dropped.

    An edge leads out of every node, the occurrences of the input included. A graph with fewer than k edges gets one
    factor on each.

    Args:
        graph: any function.
        rng: source of the choice.
        most: largest number of factors.

    Raises:
        ValueError: if ``most`` is negative.
    """
    return Graph(parametrize_nodes(graph.nodes, rng, most))


def parametrize_nodes(nodes: Nodes, rng: np.random.Generator, most: int) -> Nodes:
    """Do what :func:`parametrize` does with the nodes of a graph."""
    if most < 0:
        raise ValueError(f"most must be >= 0. Received: {most}")
    count = min(int(rng.integers(most + 1)), len(nodes))
    changed = [_with_factor(node, False) if node.parameter else node for node in nodes]
    if count:
        for position in rng.choice(len(nodes), size=count, replace=False).tolist():
            changed[position] = _with_factor(nodes[position], True)
    return tuple(changed)


def _with_factor(node: Node, parameter: bool) -> Node:
    return shared_node(node.operator, node.arity, parameter)


def with_parameters(graph: Graph, positions: set[int] | frozenset[int]) -> Graph:
    """Return ``graph`` with a factor on the outgoing edges of the nodes at ``positions`` and nowhere else."""
    return Graph(tuple(_with_factor(node, i in positions) for i, node in enumerate(graph.nodes)))
