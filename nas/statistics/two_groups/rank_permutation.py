"""The studentized rank statistic of two independent groups and its distribution over all divisions of the values.

For groups ``x`` (first) and ``y`` (second) the statistic of Brunner and Munzel (2000) is ``(p - 1/2) / s``, where ``p``
estimates P(y > x) + P(y = x) / 2 and ``s`` its standard error. Its t approximation rejects far too often where a group
is small. Neubert and Brunner (2007) compare it instead with its values for all divisions of the pooled values into
groups of these sizes: exact where the groups have one distribution, and still right for large groups if they have not,
because the statistic is studentized.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

ENUMERATE_UP_TO = 200_000
"""Number of divisions up to which all of them are looked at; otherwise a sample."""
PERMUTE_BELOW = 40
"""Size of the smaller group from which on Student's t is used instead."""
SAMPLED = 19_999
"""Divisions drawn at random where there are too many; with the one observed they make 20,000."""
_CELLS = 4_000_000
_EQUAL = 1e-9
"""Relative difference up to which two statistics count as equal: they are ratios of integers with rounding errors."""


@dataclass(frozen=True, slots=True)
class Studentized:
    """The statistic of two groups.

    Attributes:
        estimate: share of pairs in which ``second`` is larger, equal ones counted half.
        error: its standard error.
        statistic: ``(estimate - 1/2) / error``; infinite if the groups do not overlap, 0 if all values are equal.
        freedom: degrees of freedom of the t approximation (Satterthwaite); NaN where ``error`` is 0.
    """

    estimate: float
    error: float
    statistic: float
    freedom: float


@dataclass(frozen=True, slots=True)
class Reference:
    """Statistics of divisions of the pooled values, oriented so that large means that ``second`` is larger.

    Attributes:
        statistics: ascending, shape (k,).
        exact: True if these are all divisions, False if they are a random sample of them.
    """

    statistics: np.ndarray
    exact: bool

    def p_value(self, statistic: float) -> float:
        """Return twice the smaller tail from ``statistic`` on, at most 1; never 0, for what was observed counts."""
        return min(2 * min(self._tail(statistic), self._tail(-statistic, lower=True)), 1.0)

    def critical(self, alpha: float) -> tuple[float, float]:
        """Return (low, high): the outermost statistics whose two-sided p-value is still ``alpha`` or more.

        They are infinite if every statistic has such a p-value.
        """
        size = self.statistics.size
        known = self.statistics[np.append(self.statistics[1:] > self.statistics[:-1], True)]
        least = alpha / 2 * (size if self.exact else size + 1) - (0 if self.exact else 1)
        above = size - np.searchsorted(self.statistics, known - _slack(known), side="left")
        below = np.searchsorted(self.statistics, known + _slack(known), side="right")
        tolerance = 1e-9 * size
        high = known[above >= least - tolerance]
        low = known[below >= least - tolerance]
        return float(low[0]), float(high[-1])

    def _tail(self, statistic: float, *, lower: bool = False) -> float:
        """Return the share of statistics of at least ``statistic``; with ``lower``, of at most minus ``statistic``."""
        size = self.statistics.size
        if lower:
            count = int(np.searchsorted(self.statistics, -statistic + _slack(-statistic), side="right"))
        else:
            count = size - int(np.searchsorted(self.statistics, statistic - _slack(statistic), side="left"))
        return count / size if self.exact else (count + 1) / (size + 1)


def _slack(statistic: np.ndarray | float) -> np.ndarray | float:
    """Return how far below a statistic another one still counts as equal to it; 0 for infinite ones."""
    size = np.abs(statistic)
    return np.where(np.isfinite(size), _EQUAL * (1 + np.where(np.isfinite(size), size, 0)), 0)


def studentized(first: np.ndarray, second: np.ndarray) -> Studentized:
    """Return the statistic of two groups of at least two values each, in O(N log N).

    Args:
        first, second: finite values, shapes (n,) and (m,).
    """
    x, y = np.sort(first), np.sort(second)
    below_y = (np.searchsorted(x, y, side="left") + np.searchsorted(x, y, side="right")) / 2
    above_x = y.size - (np.searchsorted(y, x, side="left") + np.searchsorted(y, x, side="right")) / 2
    estimate = float(below_y.sum() / (x.size * y.size))
    of_x, of_y = np.var(above_x / y.size, ddof=1) / x.size, np.var(below_y / x.size, ddof=1) / y.size
    variance = float(of_x + of_y)
    if variance < 1e-24:
        outside = math.copysign(math.inf, estimate - 0.5) if abs(estimate - 0.5) > 1e-9 else 0.0
        return Studentized(estimate, 0.0, outside, math.nan)
    freedom = variance**2 / float(of_x**2 / (x.size - 1) + of_y**2 / (y.size - 1))
    error = math.sqrt(variance)
    return Studentized(estimate, error, (estimate - 0.5) / error, freedom)


def reference(first: np.ndarray, second: np.ndarray) -> Reference:
    """Return the statistics of all divisions of the pooled values, or of a sample of them.

    The sample depends on the sizes of the groups alone, so that the same data always have the same p-value, in either
    order of the groups, and that groups of the same sizes are held against the same divisions.
    """
    _, blocks = np.unique(np.concatenate([first, second]), return_counts=True)
    smaller = min(first.size, second.size)
    found = _reference(smaller, blocks.astype(np.int64).tobytes())
    if first.size <= second.size:
        return found
    return Reference(-found.statistics[::-1], found.exact)


@lru_cache(maxsize=32)
def _reference(smaller: int, blocks: bytes) -> Reference:
    """Return the statistics of divisions, ``first`` being the smaller group.

    Args:
        smaller: size of the smaller group, n.
        blocks: how often each distinct value stands among all values, ascending, as bytes of int64.
    """
    counts = np.frombuffer(blocks, np.int64)
    total = int(counts.sum())
    number = math.comb(total, smaller)
    exact = number <= ENUMERATE_UP_TO
    if exact:
        chosen = np.fromiter(
            (i for c in combinations(range(total), smaller) for i in c), np.int32, number * smaller
        ).reshape(number, smaller)
    else:
        chosen = _subsets(total, smaller)
    rows = max(1, _CELLS // (4 * smaller))
    parts = [
        _statistics(chosen[at : at + rows], counts, total - smaller) for at in range(0, len(chosen), rows)
    ]
    found = np.concatenate(parts)
    if not exact and 2 * smaller == total:
        found = np.concatenate(
            [found, -found]
        )  # the divisions with the groups swapped, so that order is no matter
    found.sort()
    found.setflags(write=False)
    return Reference(found, exact)


def _subsets(total: int, size: int) -> np.ndarray:
    """Return ``SAMPLED`` random subsets of ``range(total)``, ascending, shape (SAMPLED, size)."""
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(size, total - size)))
    return np.concatenate(list(_drawn(rng, total, size)))[:SAMPLED]


def _drawn(rng: np.random.Generator, total: int, size: int) -> Iterator[np.ndarray]:
    missing = SAMPLED
    while missing > 0:
        if total <= 500:
            rows = rng.random((min(missing, 1 + _CELLS // total), total)).argpartition(size - 1, axis=1)
            found = np.sort(rows[:, :size], axis=1)
        else:
            found = np.sort(rng.integers(total, size=(missing, size)), axis=1)
            found = found[
                (np.diff(found, axis=1) > 0).all(axis=1)
            ]  # without those that drew an element twice
        missing -= len(found)
        yield found


def _statistics(chosen: np.ndarray, counts: np.ndarray, others: int) -> np.ndarray:
    """Return the statistic of each division, in time independent of the size of the larger group.

    With ``a_i`` the number of ``y`` above ``x_i`` (equal ones half), the counts ``b_j`` of ``x`` below ``y_j`` have the
    sum of the ``a_i``, and the sum of their squares is, over ordered pairs of ``x``, that of the ``a`` of the larger of
    the two, less a quarter of the ``y`` that equal both.

    Args:
        chosen: positions of ``x`` among the sorted values, ascending, shape (k, n).
        counts: how often each distinct value stands among all values.
        others: size of the larger group.
    """
    n, m = chosen.shape[1], others
    block = np.repeat(np.arange(counts.size, dtype=np.int32), counts)[chosen]
    until = np.cumsum(counts)
    new = np.diff(block, axis=1) > 0
    place = np.arange(n)
    start = np.maximum.accumulate(np.where(np.pad(new, ((0, 0), (1, 0))), place, 0), axis=1)
    after = np.where(np.pad(new, ((0, 0), (0, 1)), constant_values=True), place + 1, n)
    end = np.minimum.accumulate(after[:, ::-1], axis=1)[:, ::-1]
    equal, larger = end - start, n - end  # x in the same block, itself included, and in higher ones
    tied = counts[block] - equal
    above = (until[-1] - until[block] - larger) + tied / 2
    total = above.sum(axis=1)
    squares = (above * (2 * np.arange(1, n + 1) - 1)).sum(axis=1) - (tied * equal).sum(axis=1) / 4
    of_x = ((above**2).sum(axis=1) - total**2 / n) / (m * m * n * (n - 1))
    of_y = (squares - total**2 / m) / (n * n * m * (m - 1))
    estimate, variance = total / (n * m), of_x + of_y
    apart = np.where(np.abs(estimate - 0.5) > 1e-9, np.copysign(np.inf, estimate - 0.5), 0.0)
    flat = variance < 1e-13
    return np.where(flat, apart, (estimate - 0.5) / np.sqrt(np.where(flat, 1.0, variance)))
