"""Where a graph is not smooth: kinks, jumps and poles, as places on the input axis.

Each operator declares at which of its own arguments it is not smooth. Those places are found on a grid as sign changes
of an inner value, and located by repeated subdivision, which needs no continuity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gondwana.activations.graph.graph import Graph
from gondwana.activations.graph.program import Step
from gondwana.activations.operators.record import Array
from gondwana.activations.operators.registry import operator

_REACH = 9.0
_GRID = np.linspace(-_REACH, _REACH, 361)
_PARTS = 129
_ROUNDS = 9  # 128^-9 of a grid step is below one rounding error
_MOST = 64


def _switches(step: Step, inputs: Sequence[Array]) -> list[Array]:
    """Return the functions of x whose zeros are where ``step`` is not smooth."""
    if step.operator is None or step.constant:
        return []
    op = operator(step.operator)
    found = [inputs[0] - kink for kink in op.kinks]
    if op.switch is not None:
        found.append(op.switch(*inputs))
    return found


def _evaluate(graph: Graph, x: Array) -> Array:
    """Return all switches of ``graph`` at ``x``, shape (switches, len(x))."""
    rows: list[Array] = []

    def apply(step: Step, inputs: Sequence[Array]) -> Array:
        if step.operator is None:
            return inputs[0]
        rows.extend(_switches(step, inputs))
        return operator(step.operator).numpy(*inputs)

    with np.errstate(all="ignore"):
        graph.program.run(x, apply)
    return np.array([np.broadcast_to(row, x.shape) for row in rows]).reshape(len(rows), x.size)


def breakpoints(graph: Graph) -> tuple[float, ...]:
    """Return where ``graph`` (with its parameters at 1) may have a kink, jump or pole on [-9, 9], in ascending order.

    A place is found if the inner value that causes it changes its sign there, or is 0 on a grid of step 0.05; places
    closer together than that, and those where the value only touches 0 between grid points, may be missed. Places
    where the outer operators smooth the kink away are reported too. At most 64 places are returned.
    """
    values = np.sign(_evaluate(graph, _GRID))
    values[np.isnan(values)] = 2.0  # a border of the domain is a place of its own
    rows, columns = np.nonzero(values[:, :-1] != values[:, 1:])
    exact = (values[rows, columns] == 0) | (values[rows, columns + 1] == 0)
    at = np.where(values[rows, columns] == 0, _GRID[columns], _GRID[columns + 1])
    places = np.concatenate([at[exact], _locate(graph, rows[~exact], columns[~exact], values)])
    return tuple(float(place) for place in np.unique(places)[:_MOST])


def _locate(graph: Graph, rows: NDArray[np.int_], columns: NDArray[np.int_], values: Array) -> Array:
    """Return, for each sign change of switch ``rows`` right of grid point ``columns``, where it happens."""
    rows, columns = rows[:_MOST], columns[:_MOST]
    if not rows.size:
        return np.empty(0)
    left, right, sign = _GRID[columns], _GRID[columns + 1], values[rows, columns]
    count = np.arange(rows.size)
    for _ in range(_ROUNDS):
        if (np.nextafter(left, right) >= right).all():
            break
        x = np.linspace(left, right, _PARTS, axis=1)
        inner = np.sign(_evaluate(graph, x.ravel()).reshape(-1, *x.shape)[rows, count])
        inner[np.isnan(inner)] = 2.0
        changed = inner[:, 1:] != sign[:, None]
        changed[:, -1] = True
        first = changed.argmax(axis=1)
        left, right = x[count, first], x[count, first + 1]
    return np.asarray(right)
