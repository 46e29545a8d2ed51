"""Node: one operator of a graph and the edge that leaves it."""

from __future__ import annotations

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
