"""What there is to say about a function, as JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gondwana import autoinit
from gondwana.activations.graph.graph import Graph, parse
from gondwana.activations.space.validity import problem
from gondwana.activations.study.moments import gaussian_moments
from gondwana.activations.study.symbolic import latex


def describe(graph: Graph | str) -> dict[str, Any]:
    """Return text, LaTeX, number of parameters, Gaussian moments and validity of a function.

    Keys: ``text``; ``latex``; ``parameters`` (number of learnable factors); ``mean`` and ``second_moment`` of f(X),
    X ~ N(0, 1), with the parameters at 1, None if they are not finite; ``valid``; ``reason`` (None if valid, else why
    not, see :func:`activations.problem`).

    Raises:
        GraphError: if a text is not a function.
    """
    graph = parse(graph) if isinstance(graph, str) else graph
    reason = problem(graph)
    mean: float | None = None
    second: float | None = None
    try:
        moments = gaussian_moments(graph)
        mean, second = moments.mean, moments.second_moment
    except autoinit.NotIntegrableError as error:
        reason = reason or f"no Gaussian moments: {error}"
    if second is not None and not math.isfinite(second):
        mean = second = None
    return {
        "text": graph.text,
        "latex": latex(graph),
        "parameters": graph.parameters,
        "mean": mean,
        "second_moment": second,
        "valid": reason is None,
        "reason": reason,
    }


PLACES = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)


def reachable(
    graph: Graph, rng: np.random.Generator, draws: int = 1000
) -> dict[str, tuple[float | None, float | None, float | None]]:
    """Return which values training can give a function: the range over parameters drawn from U(0.5, 2).

    Args:
        graph: the function.
        rng: source of the parameters.
        draws: number of parameter settings.

    Returns:
        By place on the x axis, -3 to 3: the value at initialization, the smallest and the largest value; None for one
        that is not finite.
    """
    x = np.array(PLACES)
    start = graph(x)
    low = high = start
    if graph.parameters:
        factors = list(rng.uniform(0.5, 2.0, size=(graph.parameters, draws, 1)))
        reached = np.vstack([graph(np.broadcast_to(x, (draws, x.size)), factors), start])
        low, high = reached.min(axis=0), reached.max(axis=0)

    def known(value: float) -> float | None:
        return float(value) if math.isfinite(value) else None

    return {f"{x[i]:g}": (known(start[i]), known(low[i]), known(high[i])) for i in range(x.size)}
