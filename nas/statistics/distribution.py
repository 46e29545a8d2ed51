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
    """Return median(second) - median(first) with its percentile bootstrap interval.

    Args:
        rng: source of the resamples.
        paired: resample pairs (the groups have equal lengths) instead of each group by itself.
        resamples: number of bootstrap samples.
    """
    estimate = float(np.median(second) - np.median(first))
    if min(first.size, second.size) < 2:
        return Interval(estimate, UNDEFINED, UNDEFINED)
    picks = rng.integers(first.size, size=(resamples, first.size))
    other = picks if paired else rng.integers(second.size, size=(resamples, second.size))
    differences = np.median(second[other], axis=1) - np.median(first[picks], axis=1)
    low, high = np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(estimate, float(low), float(high))
