"""Functions whose entries depend on one another: softmax, and means of values under softmax weights (attention).

Of one query over T positions, with attention weights a and values v of second moment q and covariance c between
positions: E[y^2] = q f + c (1 - f), with f = T E[a^2]. In the ``paper`` propagation, which has no attention,
c = mean^2.

Where keys and values come from the same D numbers (self-attention), the weights lean to the values that agree with the
query: with scores of standard deviation s, the mean of the D numbers moves by s (1 - f) along one direction (Gaussian
integration by parts), which adds (q - c) s^2 (1 - f)^2 / D.
"""

from __future__ import annotations

import functools

import numpy as np

from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.signals.signal import Signal


def attended(
    score: Signal, keys_alike: float, queries_alike: float, value: Signal, count: int, lean: float = 0.0
) -> Signal:
    """Return the signal of the mean of ``value`` under softmax weights.

    Args:
        score: of the products that go into the softmax.
        keys_alike: share of the score that all positions of a query have in common, which softmax cancels.
        queries_alike: correlation between the scores of two queries.
        value: what is averaged.
        count: positions T.
        lean: 1 / D where keys and values come from the same D numbers, else 0.
    """
    varying = max(score.variance * (1 - keys_alike), 0.0)
    weights = softmax(Signal(0.0, varying), count)
    focus = count * weights.second_moment
    together = 1 / count + max(queries_alike, 0.0) * (focus - 1 / count)
    alone, shared = value.second_moment, value.shared_moment
    leaning = lean * varying * (1 - focus) ** 2
    second = alone * focus + shared * (1 - focus) + (alone - shared) * leaning
    pairs = (alone - shared) * (together + max(queries_alike, 0.0) * leaning) + shared
    return Signal.from_moments(value.mean, second, pairs)


def alike(x: Signal) -> float:
    """Return E[x x'] / E[x^2] between positions."""
    return x.shared_moment / x.second_moment if x.second_moment else 0.0


def softmax(x: Signal, count: int) -> Signal:
    """Return the signal of softmax over ``count`` independent Gaussian entries.

    With 1/S^2 as the integral of t exp(-tS) over t, the second moment is a one-dimensional integral of products of
    one-dimensional ones: E[s^2] = int t E[e^{2x} exp(-t e^x)] E[exp(-t e^x)]^(count-1) dt.
    """
    if count <= 1 or x.variance == 0:
        return Signal(1.0 / max(count, 1), 0.0)
    return Signal(1.0 / count, _softmax_variance(x.variance**0.5, count))  # the mean shifts all and drops out


@functools.lru_cache(maxsize=256)
def _softmax_variance(deviation: float, count: int) -> float:
    points, weights = _hermite_nodes()
    entries = np.exp(deviation * points)
    log_t = np.linspace(
        -40.0 - 6 * deviation, 20.0 + 6 * deviation, 2400
    )  # the trapezoidal rule converges fast here
    t = np.exp(log_t)
    kernel = np.exp(-np.outer(t, entries))
    with np.errstate(divide="ignore"):
        others = np.exp((count - 1) * np.log(kernel @ weights))
    second = float(np.trapezoid(t**2 * (kernel @ (weights * entries**2)) * others, log_t))
    return float(max(second - count**-2.0, 0.0))


@functools.lru_cache(maxsize=1)
def _hermite_nodes() -> tuple[Array, Array]:
    points, weights = np.polynomial.hermite_e.hermegauss(120)
    return points, weights / weights.sum()
