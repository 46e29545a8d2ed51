"""Which functions are of use before any training: finite, not constant, with Gaussian moments, and not seen before."""

from __future__ import annotations

import numpy as np

from gondwana import autoinit
from gondwana.activations.graph.graph import Graph
from gondwana.activations.operators.record import REALS, Array
from gondwana.activations.operators.registry import operator
from gondwana.activations.study.breakpoints import breakpoints
from gondwana.activations.study.moments import gaussian_moments

MAX_VARIANCE = 1e6
"""Functions with a larger Gaussian variance are refused: no learning rate survives them in float32."""

_GRID = np.linspace(-5, 5, 201)
_PANELS = np.array([-9.0, -7.0, -5.5, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.5, 7.0, 9.0])
_LEGENDRE, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(8)
_NODES = ((_PANELS[1:] + _PANELS[:-1]) / 2)[:, None] + np.diff(_PANELS)[:, None] / 2 * _LEGENDRE
_WEIGHTS = (
    np.diff(_PANELS)[:, None] / 2 * _LEGENDRE_WEIGHTS * np.exp(-(_NODES**2) / 2) / np.sqrt(2 * np.pi)
).ravel()
_POINTS = np.concatenate([_GRID, _NODES.ravel()])
_OUTER = np.abs(_NODES.ravel()) > 7.0
_CONSTANT = 1e-9
_LARGEST = float(np.finfo(np.float32).max)
_TAIL = 1e-3
_CLOSE = 1e-7
_HIGH = 1e3
_SIGNATURE_NODES = np.polynomial.hermite_e.hermegauss(32)[0]
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
    inner = graph.inner_values(_POINTS)
    grid, nodes = inner[-1][: _GRID.size], inner[-1][_GRID.size :]
    bad = ~np.isfinite(grid)
    if bad.any():
        at = _GRID[bad][np.abs(_GRID[bad]).argmin()]
        return f"not finite at x = {at:.4g}"
    size = float(np.abs(grid).max())
    if np.ptp(grid) <= _CONSTANT * max(size, 1e-3):
        return f"constant on [-5, 5] (value {grid[0]:.4g})"
    if any(np.count_nonzero(~(np.abs(value[: _GRID.size]) < _LARGEST)) > 1 for value in inner):
        return "an inner value is infinite on part of [-5, 5], where the gradient is not a number"
    if not np.isfinite(nodes).all():
        return "no Gaussian moments: it overflows in the tails of N(0, 1)"
    with np.errstate(over="ignore", invalid="ignore"):
        shares = _WEIGHTS * nodes**2
        second = shares.sum()
        variance = _WEIGHTS @ np.square(nodes - _WEIGHTS @ nodes)
        outer = shares[_OUTER].sum() / second
    if variance > max_variance and outer <= 0.5:
        return f"Gaussian variance {variance:.3g} exceeds {max_variance:.3g}"
    if not outer <= _TAIL:
        return "no usable Gaussian moments: it grows too fast in the tails of N(0, 1)"
    if any(
        not step.constant and step.operator and operator(step.operator).domain is not REALS
        for step in graph.program.steps
    ):
        return _pole(graph, float(second))
    return None


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
        self._buckets: dict[int, list[tuple[Array, str]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def find_or_add(self, graph: Graph) -> str | None:
        """Return the text of the function added earlier that equals ``graph``; if there is none, add it."""
        values = fingerprint(graph, self.tolerance)
        found = self._find(values)
        if found is None:
            self._buckets.setdefault(self._bucket(values), []).append((values, graph.text))
            self._count += 1
        return found

    def add(self, graph: Graph) -> bool:
        """Add ``graph`` and return True, or return False if an equal function is there."""
        return self.find_or_add(graph) is None

    def _bucket(self, values: Array) -> int:
        return int(np.floor(values[: _PROJECTION.size] @ _PROJECTION / (2 * self.tolerance)))

    def _find(self, values: Array) -> str | None:
        bucket = self._bucket(values)
        for key in (bucket - 1, bucket, bucket + 1):
            for other, text in self._buckets.get(key, ()):
                if other.size == values.size and np.abs(other - values).max() <= self.tolerance:
                    return text
        return None


def fingerprint(graph: Graph, tolerance: float = 1e-6) -> Array:
    """Return the values by which :class:`Distinct` tells functions apart, 32 per row, rows joined.

    The first row is the function at initialization; the others belong to the parameters that have an effect, sorted.
    """
    count = graph.parameters
    factors = [np.ones((count + 1, 1)) for _ in range(count)]
    for k, factor in enumerate(factors):
        factor[k + 1] = 2.0
    rows = graph(np.broadcast_to(_SIGNATURE_NODES, (count + 1, _SIGNATURE_NODES.size)), factors)
    rows = np.arcsinh(np.nan_to_num(rows, nan=_NOT_A_NUMBER, posinf=_INFINITE, neginf=-_INFINITE))
    effective = rows[1:][np.abs(rows[1:] - rows[0]).max(axis=1, initial=0.0) > tolerance]
    order = np.argsort(effective @ _PROJECTION, kind="stable")
    return np.concatenate([rows[0], *effective[order]])
