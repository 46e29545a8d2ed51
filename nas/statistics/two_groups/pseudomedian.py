"""The estimate that belongs to Wilcoxon's signed-rank test: the Hodges-Lehmann pseudomedian of the differences.

The pseudomedian is the median of the Walsh averages, the means of any two differences (a difference with itself
included). The signed-rank sum counts how many of them are positive, so both point the same way (Hodges and Lehmann
1963); the k-th smallest and largest Walsh averages bound it with the confidence of the test (Hollander, Wolfe and
Chicken 2014, section 3.3).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from gondwana.nas.statistics.result import UNDEFINED, Interval

LISTED_UP_TO = 2_000
"""Differences up to which all Walsh averages are listed; beyond, the ones sought are found by bisection."""
_EXACT_UP_TO = 50
"""Differences up to which the distribution of the signed-rank sum is exact in the choice of k."""


def pseudomedian(difference: np.ndarray, confidence: float = 0.95) -> Interval:
    """Return the pseudomedian with its distribution-free interval.

    The interval is infinite where there are too few differences for a bounded one (5 at a confidence of 0.95).

    Args:
        difference: finite values, shape (n,); none gives NaN.
        confidence: of the interval.
    """
    size = difference.size
    if size == 0:
        return Interval(UNDEFINED, UNDEFINED, UNDEFINED)
    total = size * (size + 1) // 2
    middle = {(total - 1) // 2, total // 2}
    outer = _outermost(size, 1 - confidence)
    wanted = sorted({*middle, *(() if outer is None else (outer, total - 1 - outer))})
    found = dict(zip(wanted, _walsh(np.sort(difference), wanted), strict=True))
    estimate = float(np.mean([found[index] for index in sorted(middle)]))
    if outer is None:
        return Interval(estimate, -math.inf, math.inf)
    return Interval(estimate, found[outer], found[total - 1 - outer])


def _outermost(size: int, alpha: float) -> int | None:
    """Return the index, from 0, of the ordered Walsh average that is the lower bound; None if there is none."""
    if size <= _EXACT_UP_TO:
        # The largest t with P(T+ <= t) of at most alpha / 2; the Walsh average number t + 1 from below is the bound.
        chances = np.cumsum(_signed_rank_masses(size))
        index = int(np.searchsorted(chances, alpha / 2 * (1 + 1e-12), side="right")) - 1
    else:
        mean, deviation = size * (size + 1) / 4, math.sqrt(size * (size + 1) * (2 * size + 1) / 24)
        index = math.floor(mean + float(stats.norm.ppf(alpha / 2)) * deviation - 0.5)
    return index if index >= 0 else None


def _signed_rank_masses(size: int) -> np.ndarray:
    """Return P(T+ = t) for t from 0, without ties, by adding one rank after the other."""
    masses = np.ones(1)
    for rank in range(1, size + 1):
        longer = np.zeros(masses.size + rank)
        longer[: masses.size] += masses / 2
        longer[rank:] += masses / 2
        masses = longer
    return masses


def _walsh(ordered: np.ndarray, indices: list[int]) -> list[float]:
    """Return the Walsh averages of these indices, from 0, among all of them in ascending order."""
    if ordered.size <= LISTED_UP_TO:
        rows, columns = np.triu_indices(ordered.size)
        averages = np.partition((ordered[rows] + ordered[columns]) / 2, indices)
        return [float(averages[index]) for index in indices]
    return [_selected(ordered, index) for index in indices]


def _selected(ordered: np.ndarray, index: int) -> float:
    """Return one Walsh average by bisection over the values, in O(n log n) time for each of some 60 steps."""
    low, high = float(ordered[0]), float(ordered[-1])
    positions = np.arange(ordered.size)
    while True:
        middle = low + (high - low) / 2
        if not low < middle < high:
            return high if _count(ordered, positions, low) <= index else low
        if _count(ordered, positions, middle) > index:
            high = middle
        else:
            low = middle


def _count(ordered: np.ndarray, positions: np.ndarray, bound: float) -> int:
    """Return how many Walsh averages are at most ``bound``."""
    partners = np.searchsorted(ordered, 2 * bound - ordered, side="right")
    return int(np.maximum(partners - positions, 0).sum())
