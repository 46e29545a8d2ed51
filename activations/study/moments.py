"""Mean and variance of a function of a Gaussian variable: what AutoInit needs to know of an activation function."""

from __future__ import annotations

import numpy as np

from gondwana import autoinit
from gondwana.activations.graph.graph import Graph
from gondwana.activations.study.breakpoints import breakpoints


def scalar_function(graph: Graph) -> autoinit.ScalarFunction:
    """Return ``graph``, its parameters at 1, as the function that autoinit integrates, kinks declared."""
    text = graph.text if len(graph.text) <= 60 else f"{graph.text[:57]}..."
    return autoinit.ScalarFunction(graph, breakpoints(graph), name=text)


def gaussian_moments(graph: Graph, mean: float = 0.0, variance: float = 1.0) -> autoinit.GaussianMoments:
    """Return the moments of ``graph(X)``, X ~ N(mean, variance), the parameters at 1.

    Equations 5 and 6 of the paper, by kink-split adaptive quadrature, to a relative error of about 1e-9.

    Raises:
        autoinit.NotIntegrableError: if the mean or the second moment is not finite.
    """
    function = scalar_function(graph)
    with np.errstate(over="ignore"):
        return autoinit.gaussian_moments(function, mean, variance, function.kinks)
