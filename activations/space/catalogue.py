"""Whole forms of functions, enumerated: every ``unary(unary(x))`` and every ``binary(unary(x),unary(x))``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Literal, get_args

from gondwana.activations.errors import ActivationError
from gondwana.activations.graph.graph import Graph
from gondwana.activations.graph.node import Node
from gondwana.activations.operators.pangaea import PANGAEA
from gondwana.activations.operators.record import INPUT
from gondwana.activations.operators.registry import OperatorSet
from gondwana.activations.space.validity import Distinct, problem

Form = Literal["unary", "binary"]


@dataclass(frozen=True, slots=True)
class Group:
    """Functions that are equal; the first one that was enumerated stands for all."""

    graph: Graph
    duplicates: list[Graph] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Usable functions grouped by equality, and the others with the reason why they are not usable."""

    groups: list[Group]
    rejected: list[tuple[Graph, str]]

    @property
    def total(self) -> int:
        """Number of functions looked at."""
        return self.usable + len(self.rejected)

    @property
    def usable(self) -> int:
        """Number of usable functions, duplicates included."""
        return sum(1 + len(group.duplicates) for group in self.groups)


def enumerate_form(form: Form, operators: OperatorSet = PANGAEA) -> Iterator[Graph]:
    """Yield all functions of a form, without parameters: 729 unary and 5,103 binary ones for PANGAEA's operators.

    Raises:
        ActivationError: if there is no such form.
    """
    if form not in get_args(Form):
        raise ActivationError(f"form must be 'unary' or 'binary'. Received: {form!r}")
    x = Node(INPUT, 0)
    if form == "unary":
        for outer, inner in product(operators.unary, repeat=2):
            yield Graph((x, Node(inner, 1), Node(outer, 1)))
    else:
        for name, left, right in product(operators.binary, operators.unary, operators.unary):
            yield Graph((x, Node(left, 1), x, Node(right, 1), Node(name, 2)))


def catalogue(graphs: Iterable[Graph]) -> Catalogue:
    """Sort ``graphs`` into groups of equal usable functions and unusable ones."""
    distinct = Distinct()
    groups: dict[str, Group] = {}
    rejected: list[tuple[Graph, str]] = []
    for graph in graphs:
        reason = problem(graph)
        if reason is not None:
            rejected.append((graph, reason))
        elif (first := distinct.find_or_add(graph)) is None:
            groups[graph.text] = Group(graph)
        else:
            groups[first].duplicates.append(graph)
    return Catalogue(list(groups.values()), rejected)
