"""Order statistics: moments of the largest of several Gaussians, without sampling.

The paper draws 10 million samples per pooling layer for this (equations 9 and 10); one-dimensional integrals do.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy import special

from gondwana.autoinit.moments.gaussian import Array, gaussian_moments
from gondwana.autoinit.signals.signal import Signal


@functools.lru_cache(maxsize=4)
def panel_nodes(
    low: float = -10.0, high: float = 14.0, panels: int = 96, order: int = 16
) -> tuple[Array, Array]:
    """Return nodes and weights of a composite Gauss-Legendre rule on ``[low, high]``."""
    points, weights = leggauss(order)
    edges = np.linspace(low, high, panels + 1)
    half = np.diff(edges)[:, None] / 2
    middle = (edges[:-1, None] + edges[1:, None]) / 2
    return (middle + half * points).ravel(), (half * weights).ravel()


@functools.lru_cache(maxsize=4096)
def standard_maximum(count: float) -> tuple[float, float]:
    """Return mean and variance of the largest of ``count`` independent standard Gaussians.

    ``count`` need not be whole: windows at a border see fewer entries, and their mean number is used.
    """
    if count <= 1:
        return 0.0, 1.0
    z, weights = panel_nodes()
    log_density = np.log(count) - z**2 / 2 - np.log(2 * np.pi) / 2 + (count - 1) * special.log_ndtr(z)
    weights = weights * np.exp(log_density)
    mean = float(weights @ z)
    return mean, float(weights @ (z - mean) ** 2)


def largest(signals: Sequence[Signal], sign: float = 1.0) -> Signal:
    """Return the signal of the elementwise maximum of independent Gaussian tensors (minimum for ``sign=-1``)."""
    means = np.array([sign * signal.mean for signal in signals])
    deviations = np.sqrt([signal.variance for signal in signals])
    if (deviations == 0).any():
        return _with_constants(means, deviations, sign)
    low, high = float((means - 10 * deviations).min()), float((means + 10 * deviations).max())
    # Panels narrower than the narrowest of the Gaussians, wherever it lies.
    edges = np.unique(
        np.concatenate([m + d * np.linspace(-10, 10, 41) for m, d in zip(means, deviations, strict=True)])
    )
    edges = edges[(edges >= low) & (edges <= high)]
    points, weights = leggauss(16)
    half = np.diff(edges)[:, None] / 2
    x = ((edges[:-1, None] + edges[1:, None]) / 2 + half * points).ravel()
    z = (x - means[:, None]) / deviations[:, None]
    log_below = special.log_ndtr(z)
    log_density = -(z**2) / 2 - np.log(np.sqrt(2 * np.pi) * deviations)[:, None]
    density = np.exp(log_density + log_below.sum(axis=0) - log_below).sum(axis=0)
    mass = (half * weights).ravel() * density
    mean = float(mass @ x)
    return Signal(sign * mean, float(mass @ (x - mean) ** 2))


def _with_constants(means: Array, deviations: Array, sign: float) -> Signal:
    """Maximum when some tensors are constant: the largest constant, and the Gaussians above it."""
    floor = float(means[deviations == 0].max())
    random = [Signal(m, d**2) for m, d in zip(means, deviations, strict=True) if d > 0]
    if not random:
        return Signal(sign * floor, 0.0)
    top = random[0] if len(random) == 1 else largest(random)
    moments = gaussian_moments(lambda x: np.maximum(x, floor), top.mean, top.variance, (floor,))
    return Signal(sign * moments.mean, moments.variance)
