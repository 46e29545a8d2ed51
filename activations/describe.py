"""What there is to say about a function, as JSON."""

from __future__ import annotations

import math
from typing import Any

import autoinit
from activations.graph import Graph, parse
from activations.moments import gaussian_moments
from activations.symbolic import latex
from activations.validity import problem


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
