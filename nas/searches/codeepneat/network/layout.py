"""Layered layout of a network: a row for each step of depth, connections that bend around what lies between.

The method of Sugiyama et al. (1981): rows by longest path, a waypoint in every row that a long connection crosses,
an order within rows that follows the mean position of the neighbours, and places from left to right in that order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is, in units of one row and one column.

    Attributes:
        places: column and row of each node.
        routes: for each connection the points that it passes, its ends included.
        columns, rows: size.
    """

    places: Mapping[str, tuple[float, int]]
    routes: Mapping[tuple[str, str], tuple[tuple[float, int], ...]]
    columns: int
    rows: int


def layered(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> Layout:
    """Lay out an acyclic graph.

    Args:
        nodes: names in topological order.
        edges: connections between them.
    """
    row = _rows(nodes, edges)
    chains = {edge: _chain(edge, row) for edge in edges}
    height = max(row.values()) + 1
    order: list[list[str]] = [[] for _ in range(height)]
    for node in nodes:
        order[row[node]].append(node)
    for edge, chain in chains.items():
        for step, waypoint in enumerate(chain[1:-1], start=row[edge[0]] + 1):
            order[step].append(waypoint)
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for chain in chains.values():
        for upper, lower in pairwise(chain):
            below.setdefault(upper, []).append(lower)
            above.setdefault(lower, []).append(upper)
    for sweep in range(SWEEPS):
        downward = sweep % 2 == 0
        for at in range(1, height) if downward else range(height - 2, -1, -1):
            neighbours = above if downward else below
            fixed = _columns(order[at - 1 if downward else at + 1])
            order[at].sort(key=lambda name: _mean([fixed[other] for other in neighbours.get(name, [])]))
    places = {
        name: (column, at) for at, names in enumerate(order) for name, column in _columns(names).items()
    }
    routes = {edge: tuple(places[name] for name in chain) for edge, chain in chains.items()}
    kept = {node: places[node] for node in nodes}
    return Layout(kept, routes, max(len(names) for names in order), height)


def _rows(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    row = dict.fromkeys(nodes, 0)
    for node in nodes:
        row[node] = max((row[source] + 1 for source, target in edges if target == node), default=0)
    return row


def _chain(edge: tuple[str, str], row: Mapping[str, int]) -> tuple[str, ...]:
    source, target = edge
    between = range(row[source] + 1, row[target])
    return (source, *(f"{source}\x1f{target}\x1f{at}" for at in between), target)


def _columns(names: Sequence[str]) -> dict[str, float]:
    """Return columns around 0, so that rows are centred."""
    return {name: position - (len(names) - 1) / 2 for position, name in enumerate(names)}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
