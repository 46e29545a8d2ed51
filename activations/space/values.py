"""Values of functions at the places where validity and equality are judged, shared subexpressions computed once.

Random functions are made of the same few parts over and over: ``tanh(relu(x))`` stands in hundreds of a thousand. The
values of a part do not depend on the function around it, so they are kept and looked up. An operator computes every
element by itself; the values are those that :meth:`Graph.__call__` gives, bit by bit.
"""

from __future__ import annotations

import numpy as np

from gondwana.activations.graph.graph import Graph
from gondwana.activations.operators.record import INPUT, REALS, Array, Operator
from gondwana.activations.operators.registry import operator

GRID = np.linspace(-5, 5, 201)
"""Where functions must be finite and not constant; holds 0."""
_PANELS = np.array([-9.0, -7.0, -5.5, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.5, 7.0, 9.0])
_LEGENDRE, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(8)
_NODES = ((_PANELS[1:] + _PANELS[:-1]) / 2)[:, None] + np.diff(_PANELS)[:, None] / 2 * _LEGENDRE
NODES = _NODES.ravel()
"""Nodes of a quadrature against N(0, 1)."""
WEIGHTS = (
    np.diff(_PANELS)[:, None] / 2 * _LEGENDRE_WEIGHTS * np.exp(-(_NODES**2) / 2) / np.sqrt(2 * np.pi)
).ravel()
"""Weights of the quadrature."""
SIGNATURE = np.polynomial.hermite_e.hermegauss(32)[0]
"""Where functions are compared with one another."""

_END = GRID.size + NODES.size
_POINTS = np.concatenate([GRID, NODES, SIGNATURE])
_LARGEST = float(np.finfo(np.float32).max)
_KEPT = 4096


class Part:
    """A subexpression, the parameters at 1.

    Attributes:
        values: at :data:`GRID`, :data:`NODES` and :data:`SIGNATURE`, joined.
        constant: True if it depends neither on the input nor on a parameter.
        infinite: True if it, or a part of it that is not constant, is more than float32 holds on several grid points.
        partial: True if an operator in it that is not constant is not defined everywhere.
        verdict: what the last examination of the values found, with its settings; None before the first.
    """

    __slots__ = ("constant", "infinite", "partial", "values", "verdict")

    def __init__(self, values: Array, constant: bool, infinite: bool, partial: bool) -> None:
        self.values = values
        self.constant = constant
        self.infinite = infinite
        self.partial = partial
        self.verdict: tuple[float, str | None, float] | None = None

    @property
    def grid(self) -> Array:
        """Values at :data:`GRID`."""
        return self.values[: GRID.size]

    @property
    def nodes(self) -> Array:
        """Values at :data:`NODES`."""
        return self.values[GRID.size : _END]

    @property
    def signature(self) -> Array:
        """Values at :data:`SIGNATURE`."""
        return self.values[_END:]


_X = Part(_POINTS, constant=False, infinite=False, partial=False)


class _Memory:
    """Parts by operator and arguments; the least used half is forgotten in time.

    Two threads that meet here compute a part twice at worst.
    """

    def __init__(self) -> None:
        self._recent: dict[tuple[object, ...], Part] = {}
        self._former: dict[tuple[object, ...], Part] = {}

    def applied(self, name: str, inputs: list[Part]) -> Part:
        """Return the part that is the operator called ``name`` of ``inputs``."""
        key = (name, *inputs)
        part = self._recent.get(key)
        if part is None:
            op = operator(name)
            if op.constant and inputs != [_X]:  # whatever the argument is
                return self.applied(name, [_X])
            part = self._former.get(key) or _apply(op, inputs)
            self._keep(key, part)
        return part

    def factored(self, part: Part) -> Part:
        """Return ``part`` times a parameter: what is constant is so no more."""
        if not part.constant:
            return part
        key = ("", part)
        found = self._recent.get(key) or self._former.get(key)
        if found is None:
            found = Part(part.values, constant=False, infinite=False, partial=False)
        self._keep(key, found)
        return found

    def _keep(self, key: tuple[object, ...], part: Part) -> None:
        self._recent[key] = part
        if len(self._recent) >= _KEPT:
            self._former, self._recent = self._recent, {}


def _apply(op: Operator, inputs: list[Part]) -> Part:
    values = np.asarray(op.numpy(*[part.values for part in inputs]), dtype=np.float64)
    if op.constant or all(part.constant for part in inputs):
        return Part(values, constant=True, infinite=False, partial=False)
    infinite = any(part.infinite for part in inputs)
    if not infinite:
        infinite = bool(np.count_nonzero(np.abs(values[: GRID.size]) < _LARGEST) < GRID.size - 1)
    partial = op.domain is not REALS or any(part.partial for part in inputs)
    return Part(values, constant=False, infinite=infinite, partial=partial)


_MEMORY = _Memory()


def whole(graph: Graph) -> Part:
    """Return ``graph`` as a part."""
    stack: list[Part] = []
    with np.errstate(all="ignore"):
        for name, arity, parameter in graph.nodes:
            if name == INPUT:
                part = _X
            else:
                part = _MEMORY.applied(name, stack[-arity:])
                del stack[-arity:]
            stack.append(_MEMORY.factored(part) if parameter else part)
    return stack[0]


def with_parameters_doubled(graph: Graph) -> tuple[Part, Array]:
    """Return ``graph`` as a part, and its values at :data:`SIGNATURE` with each parameter in turn at 2, a row for each.

    The rows of a subexpression without parameters are all equal to its values; they are not computed.
    """
    numbers = graph.parameter_numbers
    shape = (len(numbers), SIGNATURE.size)
    stack: list[tuple[Part, Array | None]] = []
    with np.errstate(all="ignore"):
        for position, (name, arity, parameter) in enumerate(graph.nodes):
            part, rows = _X, None
            if name != INPUT:
                inputs = stack[-arity:]
                del stack[-arity:]
                part = _MEMORY.applied(name, [each for each, _ in inputs])
                if any(changed is not None for _, changed in inputs) and not operator(name).constant:
                    rows = operator(name).numpy(*[_rows(*each, shape) for each in inputs])
            if parameter:
                part, rows = _MEMORY.factored(part), np.array(_rows(part, rows, shape))
                rows[numbers[position]] *= 2.0
            stack.append((part, rows))
    return stack[0][0], _rows(*stack[0], shape)


def _rows(part: Part, changed: Array | None, shape: tuple[int, int]) -> Array:
    if changed is not None:
        return changed
    rows = np.empty(shape)
    rows[:] = part.signature
    return rows
