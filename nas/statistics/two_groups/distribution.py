"""Empirical distribution functions and the bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gondwana.nas.statistics.result import UNDEFINED, Interval


@dataclass(frozen=True, slots=True)
class Edf:
    """Empirical distribution function of one group with a simultaneous confidence band.

    Attributes:
        x: distinct values, ascending, shape (k,).
        fraction: share of values less than or equal to ``x``, shape (k,).
        half_width: half width of the band; the true distribution function lies in ``fraction +- half_width``
            everywhere at once with the confidence asked for.
    """

    x: np.ndarray
    fraction: np.ndarray
    half_width: float

    @property
    def low(self) -> np.ndarray:
        """Lower edge of the band, shape (k,)."""
        return np.clip(self.fraction - self.half_width, 0.0, 1.0)

    @property
    def high(self) -> np.ndarray:
        """Upper edge of the band, shape (k,)."""
        return np.clip(self.fraction + self.half_width, 0.0, 1.0)


def edf(values: np.ndarray, confidence: float = 0.95) -> Edf:
    """Return the EDF of ``values`` with the band of Dvoretzky, Kiefer and Wolfowitz (constant by Massart 1990).

    Raises:
        ValueError: if there are no values.
    """
    if values.size == 0:
        raise ValueError("an empirical distribution function needs at least one value")
    x, counts = np.unique(values, return_counts=True)
    half_width = math.sqrt(math.log(2 / (1 - confidence)) / (2 * values.size))
    return Edf(x, np.cumsum(counts) / values.size, half_width)


def median_difference(
    first: np.ndarray,
    second: np.ndarray,
    *,
    rng: np.random.Generator,
    paired: bool = False,
    confidence: float = 0.95,
    resamples: int = 9999,
) -> Interval:
    """Return median(second) - median(first) with its percentile bootstrap interval, in O(N log N + resamples sqrt(N)).

    Args:
        rng: source of the resamples.
        paired: resample pairs (the groups have equal lengths) instead of each group by itself.
        resamples: number of bootstrap samples.
    """
    estimate = float(np.median(second) - np.median(first))
    if min(first.size, second.size) < 2:
        return Interval(estimate, UNDEFINED, UNDEFINED)
    if paired:
        differences = _paired_medians(first, second, rng, resamples)
    else:
        differences = _medians(second, rng, resamples) - _medians(first, rng, resamples)
    low, high = np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(estimate, float(low), float(high))


def _medians(values: np.ndarray, rng: np.random.Generator, resamples: int) -> np.ndarray:
    """Return the medians of bootstrap samples, shape (resamples,), without drawing the samples.

    A sample is ``Q(u)`` of n uniform numbers, where ``Q`` is the quantile function of the values. Its k-th smallest
    value is ``Q`` of the k-th smallest uniform number, which has a beta distribution; so has the next one, in what is
    left above.
    """
    ordered, n = np.sort(values), values.size
    k = (n + 1) // 2
    lower = rng.beta(k, n + 1 - k, resamples)
    upper = lower + (1 - lower) * rng.beta(1, n - k, resamples) if n % 2 == 0 else lower
    found = [ordered[np.minimum((n * u).astype(np.int64), n - 1)] for u in (lower, upper)]
    return np.asarray((found[0] + found[1]) / 2)


_CHUNK = 4_000_000
"""Numbers held at once while pairs are resampled."""


def _paired_medians(
    first: np.ndarray, second: np.ndarray, rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """Return the differences of the medians of samples of pairs, shape (resamples,).

    The rank of a sample's median among the n values has a standard deviation of ``sqrt(n) / 2``. Only pairs with a rank
    within eight of these of the middle, in either group, are counted one by one; of the others only how many lie below
    or above in each group.
    """
    n = first.size
    reach = 4 * math.isqrt(n) + 8
    low, high = max(n // 2 - reach, 0), min(n // 2 + reach, n)
    orders = [np.argsort(column, kind="stable") for column in (first, second)]
    near = np.union1d(orders[0][low:high], orders[1][low:high])
    windows = [np.searchsorted(near, order[low:high]) for order in orders]
    under = [np.isin(np.arange(n), order[:low]) for order in orders]
    quadrant = np.delete(2 * under[0] + under[1], near)
    shares = np.bincount(quadrant, minlength=4) / max(n - near.size, 1)
    found, rows = [], max(1, _CHUNK // near.size)
    for at in range(0, resamples, rows):
        size = min(rows, resamples - at)
        hits = rng.binomial(n, near.size / n, size) if near.size < n else np.full(size, n)
        picked = rng.integers(near.size, size=hits.sum()) + np.repeat(np.arange(size) * near.size, hits)
        times = np.bincount(picked, minlength=size * near.size).reshape(size, near.size)
        others = rng.multinomial(n - hits, shares) if near.size < n else np.zeros((size, 4), np.int64)
        below = (others[:, 2] + others[:, 3], others[:, 1] + others[:, 3])
        medians = [
            # A pair that is near the middle in the other group alone may lie below it in this one.
            _weighted_medians(
                column[order[low:high]], times[:, window], start + times[:, lower[near]].sum(axis=1), n
            )
            for column, order, window, lower, start in zip(
                (first, second), orders, windows, under, below, strict=True
            )
        ]
        found.append(medians[1] - medians[0])
    return np.concatenate(found)


def _weighted_medians(ordered: np.ndarray, times: np.ndarray, below: np.ndarray, size: int) -> np.ndarray:
    """Return the medians of samples of ``size`` values, ``below`` of which are smaller than all of ``ordered``.

    Args:
        ordered: ascending, shape (k,).
        times: how often each of them is in each sample, shape (samples, k).
        below: shape (samples,).
    """
    until = np.cumsum(times, axis=1) + below[:, None]
    ranks = ((size + 1) // 2, size // 2 + 1)
    places = [np.minimum((until < rank).sum(axis=1), ordered.size - 1) for rank in ranks]
    return np.asarray((ordered[places[0]] + ordered[places[1]]) / 2)
