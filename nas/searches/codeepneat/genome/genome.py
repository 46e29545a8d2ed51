"""Genomes: immutable graphs of genes, one form for modules and blueprints.

A genome is a directed acyclic graph from the input to the output. In a module a node is a layer with its
hyperparameters; in a blueprint it points to a module species, and the genome has network-level genes besides.

Every node has a *historical marking* (`marking.py`). A connection is marked by the markings of its
two ends, which says where it is in history as well as a number of its own would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gondwana.nas.candidate import Json
from gondwana.nas.searches.codeepneat.genes.domains import Value
from gondwana.nas.searches.codeepneat.genome.space import MERGE, OUTPUT

INPUT_MARKING = "input"
OUTPUT_MARKING = "output"
Edge = tuple[str, str]
"""Markings of the node that a connection leaves and of the one that it enters."""


class GenomeError(ValueError):
    """A graph is not a genome: it has a cycle, a dead end or an unknown node."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node and its hyperparameters.

    Attributes:
        marking: historical marking, unique in a genome.
        kind: name of a layer type, ``module`` in a blueprint, or ``output``.
        genes: hyperparameters by name, read-only.
    """

    marking: str
    kind: str
    genes: Mapping[str, Value]

    def __post_init__(self) -> None:
        object.__setattr__(self, "genes", MappingProxyType(dict(self.genes)))


@dataclass(frozen=True, slots=True)
class Genome:
    """A module or a blueprint.

    Every node lies on a path from the input to the output, so nothing in a genome is without effect.

    Attributes:
        nodes: all nodes but the input, in topological order, the output last.
        edges: connections, sorted.
        genes: genes that the genome has once, such as the learning rate; read-only.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    genes: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "genes", MappingProxyType(dict(self.genes)))

    @classmethod
    def make(
        cls, nodes: Iterable[Node], edges: Iterable[Edge], genes: Mapping[str, Value] | None = None
    ) -> Genome:
        """Return the genome of these genes, in its one order.

        Raises:
            GenomeError: if the graph has a cycle, a dead end, an unknown node or no output.
        """
        by_marking = {node.marking: node for node in nodes}
        pairs = tuple(sorted(set(edges)))
        order = topological_order(by_marking, pairs)
        if useless := sorted(set(by_marking) - useful_nodes(pairs)):
            raise GenomeError(f"node {useless[0]!r} lies on no path from the input to the output")
        return cls(tuple(by_marking[marking] for marking in order), pairs, genes or {})

    def node(self, marking: str) -> Node:
        """Return the node with that marking.

        Raises:
            KeyError: if there is none.
        """
        for node in self.nodes:
            if node.marking == marking:
                return node
        raise KeyError(marking)

    @property
    def markings(self) -> frozenset[str]:
        """Markings of all nodes, the output among them, the input not."""
        return frozenset(node.marking for node in self.nodes)

    @property
    def inner(self) -> tuple[Node, ...]:
        """All nodes but the output."""
        return tuple(node for node in self.nodes if node.kind != OUTPUT)

    def sources(self, marking: str) -> tuple[str, ...]:
        """Return the markings of the nodes that a node takes its inputs from, sorted."""
        return tuple(source for source, target in self.edges if target == marking)

    def to_json(self) -> Json:
        """Return the genome as JSON."""
        data: Json = {
            "nodes": [
                {"marking": node.marking, "kind": node.kind, "genes": dict(sorted(node.genes.items()))}
                for node in self.nodes
            ],
            "edges": [list(edge) for edge in self.edges],
        }
        return data | ({"genes": dict(sorted(self.genes.items()))} if self.genes else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Genome:
        """Inverse of :meth:`to_json`.

        Raises:
            GenomeError: see :meth:`make`.
        """
        nodes = [Node(node["marking"], node["kind"], node["genes"]) for node in data["nodes"]]
        return cls.make(nodes, [(source, target) for source, target in data["edges"]], data.get("genes"))


def output_node(merge: str) -> Node:
    """Return the node that every genome ends in."""
    return Node(OUTPUT_MARKING, OUTPUT, {MERGE: merge})


def topological_order(markings: Iterable[str], edges: Iterable[Edge]) -> tuple[str, ...]:
    """Return the nodes (input excluded) so that every node comes after its sources, the output last; ties by marking.

    Raises:
        GenomeError: if there is a cycle, an edge to or from an unknown node, or no output.
    """
    known = {INPUT_MARKING, *markings}
    if OUTPUT_MARKING not in known:
        raise GenomeError("a genome needs an output node")
    waiting: dict[str, set[str]] = {marking: set() for marking in known}
    for source, target in edges:
        if source not in known or target not in known:
            raise GenomeError(f"edge {source!r} -> {target!r} ends in an unknown node")
        waiting[target].add(source)
    order: list[str] = []
    while waiting:
        ready = sorted(marking for marking, sources in waiting.items() if not sources)
        if not ready:
            raise GenomeError(f"the nodes {sorted(waiting)} form a cycle")
        for marking in ready:
            del waiting[marking]
        for sources in waiting.values():
            sources.difference_update(ready)
        order += ready
    inner = [marking for marking in order if marking not in (INPUT_MARKING, OUTPUT_MARKING)]
    return (*inner, OUTPUT_MARKING)


def useful_nodes(edges: Iterable[Edge]) -> set[str]:
    """Return the nodes that lie on a path from the input to the output."""
    pairs = list(edges)
    downstream = _reached(INPUT_MARKING, pairs)
    upstream = _reached(OUTPUT_MARKING, [(target, source) for source, target in pairs])
    return downstream & upstream


def would_close_cycle(edges: Iterable[Edge], edge: Edge) -> bool:
    """Return whether adding ``edge`` to acyclic ``edges`` makes a cycle."""
    source, target = edge
    return source in _reached(target, list(edges))


def prune(nodes: Iterable[Node], edges: Iterable[Edge]) -> tuple[list[Node], list[Edge]]:
    """Drop what lies on no path from the input to the output."""
    pairs = list(edges)
    useful = useful_nodes(pairs)
    kept = [(source, target) for source, target in pairs if source in useful and target in useful]
    return [node for node in nodes if node.marking in useful], kept


def _reached(start: str, edges: list[Edge]) -> set[str]:
    reached, frontier = {start}, [start]
    while frontier:
        here = frontier.pop()
        for source, target in edges:
            if source == here and target not in reached:
                reached.add(target)
                frontier.append(target)
    return reached
