"""Node: one operator of a graph and the edge that leaves it."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple


class Node(NamedTuple):
    """A node and its outgoing edge.

    Attributes:
        operator: name of a registered operator, or ``"x"`` for the input.
        arity: number of its arguments; 0 for the input.
        parameter: True if the outgoing edge carries a learnable factor.
    """

    operator: str
    arity: int
    parameter: bool = False


Nodes = tuple[Node, ...]
"""The nodes of a graph, in the order of evaluation."""


@cache
def shared_node(operator: str, arity: int, parameter: bool = False) -> Node:
    """Return ``Node(operator, arity, parameter)``, the same object each time: graphs by the thousand share theirs."""
    return Node(operator, arity, parameter)
