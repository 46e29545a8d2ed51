"""Which functions are of use before any training: finite, not constant, with Gaussian moments, and not seen before."""

from __future__ import annotations

import math

import numpy as np

from gondwana import autoinit
from gondwana.activations.graph.grammar import format_nodes
from gondwana.activations.graph.graph import Graph
from gondwana.activations.graph.node import Nodes
from gondwana.activations.operators.record import Array
from gondwana.activations.space.values import GRID, NODES, WEIGHTS, Part, whole, with_parameters_doubled
from gondwana.activations.study.breakpoints import breakpoints
from gondwana.activations.study.moments import gaussian_moments

MAX_VARIANCE = 1e6
"""Functions with a larger Gaussian variance are refused: no learning rate survives them in float32."""

_OUTER = np.abs(NODES) > 7.0
_CONSTANT = 1e-9
_TAIL = 1e-3
_CLOSE = 1e-7
_HIGH = 1e3
_PROJECTION = (
    np.linspace(1.0, 2.0, 32) / 48
)  # sums to 1: a difference of at most the tolerance moves it by no more
_NOT_A_NUMBER, _INFINITE = 1e300, 1e301


def problem(graph: Graph, max_variance: float = MAX_VARIANCE) -> str | None:
    """Return why ``graph`` (with its parameters at 1) is of no use as an activation function, or None.

    The checks, cheapest first: finite on a grid of step 0.05 over [-5, 5], which holds 0; not constant there; no
    inner value that float32 cannot hold on more than one grid point, such as 1/relu(x); variance under N(0, 1) finite
    and at most ``max_variance``; no pole between the grid points.
    """
    part = whole(graph)
    if part.verdict is None or part.verdict[0] != max_variance:
        part.verdict = (max_variance, *_examined(part, max_variance))
    _, reason, second = part.verdict
    return _pole(graph, second) if reason is None and part.partial else reason


def _examined(part: Part, max_variance: float) -> tuple[str | None, float]:
    """Return why the values of ``part`` are of no use, poles apart; if they are of use, None and the second moment."""
    grid, nodes = part.grid, part.nodes
    low, high = float(grid.min()), float(grid.max())  # not a number if one of the values is none
    if not (math.isfinite(low) and math.isfinite(high)):
        bad = GRID[~np.isfinite(grid)]
        return f"not finite at x = {bad[np.abs(bad).argmin()]:.4g}", np.nan
    if high - low <= _CONSTANT * max(high, -low, 1e-3):
        return f"constant on [-5, 5] (value {grid[0]:.4g})", np.nan
    if part.infinite:
        return "an inner value is infinite on part of [-5, 5], where the gradient is not a number", np.nan
    if not np.isfinite(nodes).all():
        return "no Gaussian moments: it overflows in the tails of N(0, 1)", np.nan
    with np.errstate(over="ignore", invalid="ignore"):
        shares = WEIGHTS * nodes**2
        second = shares.sum()
        variance = WEIGHTS @ np.square(nodes - WEIGHTS @ nodes)
        outer = shares[_OUTER].sum() / second
    if variance > max_variance and outer <= 0.5:
        return f"Gaussian variance {variance:.3g} exceeds {max_variance:.3g}", np.nan
    if not outer <= _TAIL:
        return "no usable Gaussian moments: it grows too fast in the tails of N(0, 1)", np.nan
    return None, float(second)


def _pole(graph: Graph, second: float) -> str | None:
    """Return the reason if a pole between the grid points makes the second moment infinite."""
    places = np.array(breakpoints(graph))
    near = np.abs(graph(np.concatenate([places - _CLOSE, places, places + _CLOSE])))
    if not (near > _HIGH * (1 + np.sqrt(second))).any():  # NaN, from 0/0 at a single place, is harmless
        return None
    try:
        gaussian_moments(graph)
    except autoinit.NotIntegrableError:
        return f"no Gaussian moments: pole at x = {places[int(near.argmax()) % places.size]:.6g}"
    return None


class Distinct:
    """Functions that differ from one another, as functions.

    Two graphs are equal if their values at 32 Gaussian quadrature nodes agree within a tolerance, at initialization
    and with each parameter in turn set to 2. Parameters without effect do not count, nor does their order. Values are
    compared after arcsinh, so the tolerance is absolute for small values and relative for large ones. Functions are
    found again by a hash of a projection, looked up with its neighbours: no pair within the tolerance is torn apart.

    Args:
        tolerance: largest difference of arcsinh values of equal functions.
    """

    def __init__(self, tolerance: float = 1e-6) -> None:
        self.tolerance = tolerance
        self._values: list[Array] = []
        self._nodes: list[Nodes] = []
        self._buckets: dict[
            int, tuple[int, ...]
        ] = {}  # of places in the lists: these the collector need not visit

    def __len__(self) -> int:
        return len(self._nodes)

    def find(self, graph: Graph) -> str | None:
        """Return the text of the function added earlier that equals ``graph``; None if there is none."""
        found = self._find(fingerprint(graph, self.tolerance))
        return None if found is None else format_nodes(self._nodes[found])

    def find_or_add(self, graph: Graph) -> str | None:
        """Return the text of the function added earlier that equals ``graph``; if there is none, add it."""
        found = self._find_or_add(graph)
        return None if found is None else format_nodes(self._nodes[found])

    def add(self, graph: Graph) -> bool:
        """Add ``graph`` and return True, or return False if an equal function is there."""
        return self._find_or_add(graph) is None

    def _find_or_add(self, graph: Graph) -> int | None:
        values = fingerprint(graph, self.tolerance)
        found = self._find(values)
        if found is None:
            bucket = self._bucket(values)
            self._buckets[bucket] = (*self._buckets.get(bucket, ()), len(self._nodes))
            self._values.append(values)
            self._nodes.append(graph.nodes)
        return found

    def _bucket(self, values: Array) -> int:
        return int(np.floor(values[: _PROJECTION.size] @ _PROJECTION / (2 * self.tolerance)))

    def _find(self, values: Array) -> int | None:
        """Return the place of the function with these values in the lists."""
        bucket = self._bucket(values)
        for key in (bucket - 1, bucket, bucket + 1):
            for place in self._buckets.get(key, ()):
                other = self._values[place]
                if other.size == values.size and np.abs(other - values).max() <= self.tolerance:
                    return place
        return None


def fingerprint(graph: Graph, tolerance: float = 1e-6) -> Array:
    """Return the values by which :class:`Distinct` tells functions apart, 32 per row, rows joined.

    The first row is the function at initialization; the others belong to the parameters that have an effect, sorted.
    """
    if not graph.parameters:
        return _compressed(whole(graph).signature)
    part, doubled = with_parameters_doubled(graph)
    first, rows = _compressed(part.signature), _compressed(doubled)
    effective = rows[np.abs(rows - first).max(axis=1, initial=0.0) > tolerance]
    if len(effective) > 1:
        effective = effective[np.argsort(effective @ _PROJECTION, kind="stable")]
    return np.concatenate([first, effective.ravel()])


def _compressed(values: Array) -> Array:
    if not np.isfinite(values).all():
        values = np.nan_to_num(values, nan=_NOT_A_NUMBER, posinf=_INFINITE, neginf=-_INFINITE)
    return np.asarray(np.arcsinh(values))
