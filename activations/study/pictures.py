"""Plots of functions, like the paper's Figure 7b: red at initialization, blue the shapes that parameters can reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from gondwana.activations.errors import ActivationError
from gondwana.activations.graph.graph import Graph

_X = np.linspace(-5, 5, 501)
_LOW, _HIGH = 0.5, 2.0
_SHOWN = 4.0
"""The vertical axis shows at least the values for |x| <= 2 and at most this many times their range."""


def draw(axes: Axes, graph: Graph, rng: np.random.Generator, shapes: int = 20) -> None:
    """Draw ``graph`` on [-5, 5], and ``shapes`` shapes with its parameters drawn from U(0.5, 2)."""
    if graph.parameters:
        factors = rng.uniform(_LOW, _HIGH, size=(graph.parameters, shapes, 1))
        curves = _finite(graph(np.broadcast_to(_X, (shapes, _X.size)), list(factors)))
        segments = [np.column_stack([_X, curve]) for curve in curves]
        axes.add_collection(LineCollection(segments, colors="tab:blue", alpha=0.3, linewidths=0.7))
    y = _finite(graph(_X))
    axes.plot(_X, y, color="tab:red", linewidth=1.5)
    axes.set_xlim(_X[0], _X[-1])
    _limit_height(axes, y)
    axes.grid(alpha=0.3)


def _finite(y: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(y), y, np.nan)


def _limit_height(axes: Axes, y: np.ndarray) -> None:
    """Keep exponential growth and poles from flattening the middle of the plot."""
    middle = y[np.abs(_X) <= 2]
    middle = middle[np.isfinite(middle)]
    if not middle.size:
        return
    low, high = np.quantile(middle, (0.02, 0.98))
    reach = _SHOWN * max(float(high - low), 1e-3)
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(bottom, low - reach), min(top, high + reach))


def figure(graph: Graph, seed: int = 0) -> Figure:
    """Return a figure of one function."""
    return contact_sheet([graph], columns=1, seed=seed, size=4.0)


def contact_sheet(graphs: Sequence[Graph], columns: int = 5, seed: int = 0, size: float = 2.2) -> Figure:
    """Return a figure with a plot per function, titled with its text.

    Args:
        graphs: at least one.
        columns: plots per row.
        seed: of the parameters of the blue shapes.
        size: of a plot, in inches.

    Raises:
        ActivationError: if there is nothing to draw.
    """
    if not graphs or columns < 1:
        raise ActivationError(
            f"a sheet needs a function and a column. Received: {len(graphs)} functions, columns={columns}"
        )
    columns = min(columns, len(graphs))
    rows = math.ceil(len(graphs) / columns)
    sheet = Figure(figsize=(size * columns, size * rows))
    margin = 0.25 / size  # fixed margins: matplotlib's layout engines take minutes on large sheets
    sheet.subplots_adjust(
        left=margin / columns,
        right=1 - margin / columns / 4,
        bottom=margin / rows,
        top=1 - margin / rows,
        wspace=0.25,
        hspace=0.3,
    )
    rng = np.random.default_rng(seed)
    for axes, graph in zip(sheet.subplots(rows, columns, squeeze=False).flat, graphs, strict=False):
        draw(axes, graph, rng)
        axes.set_title(
            graph.text if len(graph.text) <= 34 else f"{graph.text[:31]}...", fontsize=6, parse_math=False
        )
        axes.tick_params(labelsize=6)
    for axes in sheet.axes[len(graphs) :]:
        axes.set_visible(False)
    return sheet


def save(sheet: Figure, path: Path) -> None:
    """Write a figure as PNG or SVG, by the ending of ``path``; equal figures give equal files.

    Raises:
        ActivationError: if the ending is another one.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "svg"):
        raise ActivationError(f"pictures are written as .png or .svg. Received: {path.name!r}")
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    with matplotlib.rc_context({"svg.hashsalt": "gondwana"}):
        sheet.savefig(path, format=kind, dpi=150, metadata=metadata)
