"""What a function looks like, in figures: for models that predict how well a network trains with it.

A network that AutoInit initializes sees a function up to shift and scale, so values are taken relative to mean and
standard deviation of the function under N(0, 1). Everything is computed at places where the validity of functions is
judged anyway, so a function that was drawn costs next to nothing more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gondwana.activations.graph.graph import Graph
from gondwana.activations.operators.pangaea import PANGAEA
from gondwana.activations.operators.record import Array
from gondwana.activations.space.values import GRID, NODES, WEIGHTS, whole

_STEP = 10
"""Grid points between two values that are features: 0.5 on the input's axis."""
_OPERATORS = (*PANGAEA.unary, *PANGAEA.binary)
_DENSITY = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()
_HERMITE = np.stack(
    [
        np.polynomial.hermite_e.hermeval(NODES, np.eye(6)[n]) / math.sqrt(math.factorial(n))
        for n in range(1, 6)
    ]
)
_LIMIT = 1e6

FEATURES = (
    *(f"value at {x:g}" for x in GRID[::_STEP]),
    *("mean", "log deviation", "skewness", "kurtosis", "lowest", "highest"),
    *("slope at the left end", "slope at 0", "slope at the right end"),
    *(
        "mean slope",
        "mean square slope",
        "largest slope",
        "curvature",
        "sharpest bend",
        "turns",
        "share flat",
    ),
    *(f"Hermite coefficient {n}" for n in range(1, len(_HERMITE) + 1)),
    *("operators", "depth", "factors"),
    *(f"number of {name}" for name in _OPERATORS),
)
"""Names of the columns of :func:`features`."""


def features(graphs: Sequence[Graph]) -> Array:
    """Return figures that describe functions, their factors at 1: shape (functions, len(:data:`FEATURES`)), all finite.

    Values are squashed by arcsinh where they may be large.
    """
    parts = [whole(graph) for graph in graphs]
    with np.errstate(all="ignore"):
        figures = _shapes(np.stack([p.grid for p in parts]), np.stack([p.nodes for p in parts]))
    structure = np.array([_structure(graph) for graph in graphs])
    return np.concatenate([np.nan_to_num(figures, nan=0.0, posinf=20.0, neginf=-20.0), structure], axis=1)


def _shapes(grid: Array, nodes: Array) -> Array:
    """Return the figures of values at :data:`GRID` and :data:`NODES`, one function a row."""
    grid, nodes = (np.clip(np.nan_to_num(values), -_LIMIT, _LIMIT) for values in (grid, nodes))
    mean = nodes @ WEIGHTS
    centred = nodes - mean[:, None]
    deviation = np.sqrt(np.square(centred) @ WEIGHTS) + 1e-12
    z = centred / deviation[:, None]
    shape = (grid - mean[:, None]) / deviation[:, None]
    slope = np.gradient(shape, GRID, axis=1)
    bend = np.diff(slope, axis=1)
    columns = [
        *shape.T[::_STEP],
        mean / deviation,
        np.log(deviation),
        z**3 @ WEIGHTS,
        z**4 @ WEIGHTS,
        shape.min(axis=1),
        shape.max(axis=1),
        slope[:, 0],
        slope[:, GRID.size // 2],
        slope[:, -1],
        slope @ _DENSITY,
        slope**2 @ _DENSITY,
        np.abs(slope).max(axis=1),
        np.abs(bend) @ (_DENSITY[1:]),
        np.abs(bend).max(axis=1),
        (np.diff(np.sign(slope), axis=1) != 0).sum(axis=1),
        (np.abs(slope) < 0.05) @ _DENSITY,
        *(z * WEIGHTS @ _HERMITE.T).T,
    ]
    return np.asarray(np.arcsinh(np.stack(columns, axis=1)), dtype=np.float64)


def _structure(graph: Graph) -> list[float]:
    names = [node.operator for node in graph.nodes]
    return [graph.size, graph.depth, graph.parameters, *(names.count(name) for name in _OPERATORS)]
