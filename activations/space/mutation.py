"""Variation of graphs: PANGAEA's four mutations, and crossover.

All are functions ``(graph, rng, operators) -> graph`` that return a new graph. The learnable factors of nodes that a
mutation does not touch stay where they are; :func:`mutate` removes them all, since PANGAEA draws them anew after each
mutation (:func:`activations.parametrize`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gondwana.activations.errors import GraphError
from gondwana.activations.graph.graph import Graph
from gondwana.activations.graph.node import Node
from gondwana.activations.graph.parameters import MAX_PARAMETERS, with_parameters
from gondwana.activations.operators.pangaea import PANGAEA
from gondwana.activations.operators.record import INPUT
from gondwana.activations.operators.registry import OperatorSet, operator

Mutation = Callable[[Graph, np.random.Generator, OperatorSet], Graph]
MAX_CHILD_NODES = 200
"""A crossover whose child would be larger returns its first parent."""


def _pick(rng: np.random.Generator, options: list[str] | tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _operator_positions(graph: Graph) -> list[int]:
    return [i for i, node in enumerate(graph.nodes) if node.operator != INPUT]


def insert(graph: Graph, rng: np.random.Generator, operators: OperatorSet = PANGAEA) -> Graph:
    """Insert a random operator into a random edge, the edges at the input and at the output included.

    A unary operator is applied to what came along the edge. A binary operator becomes its first argument and a second
    one with which the function stays what it is: 0 for add and sub, 1 for mul, div and pow, a copy for max and min.
    The operator is uniform over all unary and insertable binary ones. A factor of the edge stays before the operator.
    """
    binary = [name for name in operators.binary if operator(name).neutral is not None]
    position = int(rng.integers(len(graph.nodes)))
    chosen = _pick(rng, [*operators.unary, *binary])
    before, after = graph.nodes[: position + 1], graph.nodes[position + 1 :]
    if operator(chosen).arity == 1:
        return Graph((*before, Node(chosen, 1), *after))
    match operator(chosen).neutral:
        case "copy":
            copied = graph.nodes[graph.start(position) : position + 1]
            second = tuple(node._replace(parameter=False) for node in copied)
        case number:
            second = (Node(INPUT, 0), Node("one" if number else "zero", 1))
    return Graph((*before, *second, Node(chosen, 2), *after))


def remove(graph: Graph, rng: np.random.Generator, operators: OperatorSet = PANGAEA) -> Graph:
    """Remove a random operator; one of its arguments, at random, takes its place. The factor of its edge goes with it.

    Raises:
        GraphError: if the graph has fewer than two operators, one of which must remain.
    """
    removals = _removals(graph)
    if not removals:
        raise GraphError(f"nothing can be removed from {graph}: one operator must remain")
    position, arguments = removals[int(rng.integers(len(removals)))]
    kept = arguments[int(rng.integers(len(arguments)))]
    inner = graph.nodes[graph.start(kept) : kept + 1]
    return Graph((*graph.nodes[: graph.start(position)], *inner, *graph.nodes[position + 1 :]))


def _removals(graph: Graph) -> list[tuple[int, list[int]]]:
    """Return each operator that can be removed, with the arguments that can take its place: an operator must remain."""

    def operators_in(position: int) -> int:
        return sum(node.operator != INPUT for node in graph.nodes[graph.start(position) : position + 1])

    removals = []
    for position in _operator_positions(graph):
        elsewhere = graph.size - operators_in(position)
        kept = [argument for argument in graph.arguments(position) if elsewhere + operators_in(argument) > 0]
        if kept:
            removals.append((position, kept))
    return removals


def _changes(graph: Graph, operators: OperatorSet) -> list[tuple[int, list[str]]]:
    """Return each operator that has alternatives, with these."""
    changes = []
    for position in _operator_positions(graph):
        node = graph.nodes[position]
        others = [name for name in operators.of_arity(node.arity) if name != node.operator]
        if others:
            changes.append((position, others))
    return changes


def change(graph: Graph, rng: np.random.Generator, operators: OperatorSet = PANGAEA) -> Graph:
    """Replace a random operator by a different one with as many arguments.

    Raises:
        GraphError: if no operator of the graph has an alternative.
    """
    changes = _changes(graph, operators)
    if not changes:
        raise GraphError(
            f"no operator of {graph} can be changed: the operator set holds no other of its arity"
        )
    position, others = changes[int(rng.integers(len(changes)))]
    changed = graph.nodes[position]._replace(operator=_pick(rng, others))
    return Graph((*graph.nodes[:position], changed, *graph.nodes[position + 1 :]))


def regenerate(graph: Graph, rng: np.random.Generator, operators: OperatorSet = PANGAEA) -> Graph:
    """Draw every operator anew; the topology stays."""
    return Graph(
        tuple(
            node
            if node.operator == INPUT
            else node._replace(operator=_pick(rng, operators.of_arity(node.arity)))
            for node in graph.nodes
        )
    )


MUTATIONS: dict[str, Mutation] = {
    "insert": insert,
    "remove": remove,
    "change": change,
    "regenerate": regenerate,
}


def applicable(graph: Graph, operators: OperatorSet = PANGAEA) -> list[str]:
    """Return the names of the mutations that ``graph`` admits: no removal of the last operator, for instance."""
    names = ["insert"]
    if _removals(graph):
        names.append("remove")
    if _changes(graph, operators):
        names.append("change")
    if graph.size:
        names.append("regenerate")
    return names


def mutate(graph: Graph, rng: np.random.Generator, operators: OperatorSet = PANGAEA) -> Graph:
    """Apply one mutation, uniform among those that the graph admits, to the graph without its learnable factors."""
    name = _pick(rng, applicable(graph, operators))
    return MUTATIONS[name](graph.without_parameters(), rng, operators)


def crossover(first: Graph, second: Graph, rng: np.random.Generator) -> Graph:
    """Return ``first`` with a random subexpression replaced by a random one of ``second``, factors included.

    Not part of PANGAEA. Of more than three factors three stay, at random. A child of more than :data:`MAX_CHILD_NODES`
    nodes is given up for ``first`` itself.
    """
    here, there = int(rng.integers(len(first.nodes))), int(rng.integers(len(second.nodes)))
    graft = second.nodes[second.start(there) : there + 1]
    child = (*first.nodes[: first.start(here)], *graft, *first.nodes[here + 1 :])
    if len(child) > MAX_CHILD_NODES:
        return first
    factors = [position for position, node in enumerate(child) if node.parameter]
    if len(factors) <= MAX_PARAMETERS:
        return Graph(child)
    return with_parameters(Graph(child), set(rng.choice(factors, MAX_PARAMETERS, replace=False).tolist()))
