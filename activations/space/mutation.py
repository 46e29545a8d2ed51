"""Variation of graphs: PANGAEA's four mutations, and crossover.

All are functions ``(graph, rng, operators) -> graph`` that return a new graph. The learnable factors of nodes that a
mutation does not touch stay where they are; :func:`mutate` removes them all, since PANGAEA draws them anew after each
mutation (:func:`activations.parametrize`). The functions with a leading underscore do the work on bare nodes: a draw
passes through four graphs, of which only the last is wanted as an object.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from gondwana.activations.errors import GraphError
from gondwana.activations.graph import grammar
from gondwana.activations.graph.graph import Graph
from gondwana.activations.graph.node import Node, Nodes, shared_node
from gondwana.activations.graph.parameters import MAX_PARAMETERS, with_parameters
from gondwana.activations.operators.pangaea import PANGAEA
from gondwana.activations.operators.record import INPUT
from gondwana.activations.operators.registry import OperatorSet, operator

Mutation = Callable[[Graph, np.random.Generator, OperatorSet], Graph]
MAX_CHILD_NODES = 200
"""A crossover whose child would be larger returns its first parent."""


def _pick(rng: np.random.Generator, options: list[str] | tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _operator_positions(nodes: Nodes) -> list[int]:
    return [i for i, node in enumerate(nodes) if node.arity]  # every operator has arguments


@cache
def _insertable(operators: OperatorSet) -> tuple[str, ...]:
    binary = [name for name in operators.binary if operator(name).neutral is not None]
    return (*operators.unary, *binary)


def insert(graph: Graph, rng: np.random.Generator, operators: OperatorSet = PANGAEA) -> Graph:
    """Insert a random operator into a random edge, the edges at the input and at the output included.

    A unary operator is applied to what came along the edge. A binary operator becomes its first argument and a second
    one with which the function stays what it is: 0 for add and sub, 1 for mul, div and pow, a copy for max and min.
    The operator is uniform over all unary and insertable binary ones. A factor of the edge stays before the operator.
    """
    return Graph(_insert(graph.nodes, rng, operators))


def _insert(nodes: Nodes, rng: np.random.Generator, operators: OperatorSet) -> Nodes:
    position = int(rng.integers(len(nodes)))
    chosen = operator(_pick(rng, _insertable(operators)))
    before, after = nodes[: position + 1], nodes[position + 1 :]
    if chosen.arity == 1:
        return (*before, shared_node(chosen.name, 1), *after)
    match chosen.neutral:
        case "copy":
            copied = nodes[grammar.start(nodes, position) : position + 1]
            second = tuple(shared_node(node.operator, node.arity) for node in copied)
        case number:
            second = (shared_node(INPUT, 0), shared_node("one" if number else "zero", 1))
    return (*before, *second, shared_node(chosen.name, 2), *after)


def remove(graph: Graph, rng: np.random.Generator, operators: OperatorSet = PANGAEA) -> Graph:
    """Remove a random operator; one of its arguments, at random, takes its place. The factor of its edge goes with it.

    Raises:
        GraphError: if the graph has fewer than two operators, one of which must remain.
    """
    if not _can_remove(graph.nodes):
        raise GraphError(f"nothing can be removed from {graph}: one operator must remain")
    return Graph(_remove(graph.nodes, rng, operators))


def _can_remove(nodes: Nodes) -> bool:
    """Whether an operator would remain: with two or more, the outermost one can go and leave an argument with one."""
    return len(_operator_positions(nodes)) >= 2


def _remove(nodes: Nodes, rng: np.random.Generator, operators: OperatorSet) -> Nodes:
    positions = _operator_positions(nodes)
    position = positions[int(rng.integers(len(positions)))]
    arguments = []
    start = position
    for _ in range(nodes[position].arity):
        end = start - 1
        start = grammar.start(nodes, end)
        arguments.append((start, end))
    arguments.reverse()
    if position == len(nodes) - 1:  # outside of its arguments nothing remains
        arguments = [(start, end) for start, end in arguments if nodes[end].arity]
    first, last = arguments[int(rng.integers(len(arguments)))]
    return (*nodes[:start], *nodes[first : last + 1], *nodes[position + 1 :])


def _can_change(node: Node, operators: OperatorSet) -> bool:
    """Whether the node is an operator that has an alternative."""
    if not node.arity:
        return False
    names = operators.of_arity(node.arity)
    return len(names) > 1 or (len(names) == 1 and names[0] != node.operator)


def change(graph: Graph, rng: np.random.Generator, operators: OperatorSet = PANGAEA) -> Graph:
    """Replace a random operator by a different one with as many arguments.

    Raises:
        GraphError: if no operator of the graph has an alternative.
    """
    if not any(_can_change(node, operators) for node in graph.nodes):
        raise GraphError(
            f"no operator of {graph} can be changed: the operator set holds no other of its arity"
        )
    return Graph(_change(graph.nodes, rng, operators))


def _change(nodes: Nodes, rng: np.random.Generator, operators: OperatorSet) -> Nodes:
    positions = [i for i in _operator_positions(nodes) if _can_change(nodes[i], operators)]
    position = positions[int(rng.integers(len(positions)))]
    node = nodes[position]
    others = [name for name in operators.of_arity(node.arity) if name != node.operator]
    changed = shared_node(_pick(rng, others), node.arity, node.parameter)
    return (*nodes[:position], changed, *nodes[position + 1 :])


def regenerate(graph: Graph, rng: np.random.Generator, operators: OperatorSet = PANGAEA) -> Graph:
    """Draw every operator anew; the topology stays."""
    return Graph(_regenerate(graph.nodes, rng, operators))


def _regenerate(nodes: Nodes, rng: np.random.Generator, operators: OperatorSet) -> Nodes:
    return tuple(
        shared_node(_pick(rng, operators.of_arity(node.arity)), node.arity, node.parameter)
        if node.arity
        else node
        for node in nodes
    )


MUTATIONS: dict[str, Mutation] = {
    "insert": insert,
    "remove": remove,
    "change": change,
    "regenerate": regenerate,
}
_ON_NODES = {"insert": _insert, "remove": _remove, "change": _change, "regenerate": _regenerate}


def applicable(graph: Graph, operators: OperatorSet = PANGAEA) -> list[str]:
    """Return the names of the mutations that ``graph`` admits: no removal of the last operator, for instance."""
    return _applicable(graph.nodes, operators)


def _applicable(nodes: Nodes, operators: OperatorSet) -> list[str]:
    names = ["insert"]
    if _can_remove(nodes):
        names.append("remove")
    if _can_change(nodes[-1], operators) or any(_can_change(node, operators) for node in nodes):
        names.append("change")
    if len(nodes) > 1:  # more than the input alone
        names.append("regenerate")
    return names


def mutate(graph: Graph, rng: np.random.Generator, operators: OperatorSet = PANGAEA) -> Graph:
    """Apply one mutation, uniform among those that the graph admits, to the graph without its learnable factors."""
    return Graph(mutate_nodes(graph.without_parameters().nodes, rng, operators))


def mutate_nodes(nodes: Nodes, rng: np.random.Generator, operators: OperatorSet) -> Nodes:
    """Apply :func:`mutate` to the nodes of a graph without learnable factors."""
    return _ON_NODES[_pick(rng, _applicable(nodes, operators))](nodes, rng, operators)


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
