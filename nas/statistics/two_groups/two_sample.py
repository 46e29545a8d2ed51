"""Tests and estimates for two independent groups; "larger" always means that ``second`` is larger than ``first``."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from scipy import stats

from gondwana.nas.statistics.result import SMALLEST, UNDEFINED, Test
from gondwana.nas.statistics.two_groups import rank_sum
from gondwana.nas.statistics.two_groups.smirnov import tied

Alternative = Literal["two-sided", "greater", "less"]

EXACT_PAIRS = 100_000
"""Number of pairs of values up to which SciPy's exact distribution of Mann-Whitney's U is asked for: its table has as
many entries."""
EXACT_TIES_BELOW = 20
"""Size of the smaller group below which Mann-Whitney's p-value is exact with ties, of which SciPy has none."""
EPPS_SINGLETON_MINIMUM = 5
"""Smallest group for which the statistic is defined."""


def kolmogorov_smirnov(first: np.ndarray, second: np.ndarray) -> Test:
    """Two-sample test of equal distributions; the statistic is ``D = sup |F1 - F2|`` of Appendix D.

    The p-value is SciPy's, or with ties that of :func:`.smirnov.tied_p_value`; the note says
    which.
    """
    name = "Kolmogorov-Smirnov"
    if _tied(first, second):
        return Test(name, *tied(first, second))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = stats.ks_2samp(first, second)
    note = "asymptotic p-value: the exact one could not be computed" if caught else ""
    return Test(name, float(result.statistic), max(float(result.pvalue), SMALLEST), note)


def _tied(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.unique(np.concatenate([first, second])).size < first.size + second.size)


def mann_whitney(first: np.ndarray, second: np.ndarray, alternative: Alternative = "two-sided") -> Test:
    """Mann-Whitney U test; the statistic is U of ``second``.

    Args:
        alternative: "greater" tests whether ``second`` is stochastically larger than ``first``, "less" smaller.
    """
    name = "Mann-Whitney U" + {"two-sided": "", "greater": " (larger)", "less": " (smaller)"}[alternative]
    if np.ptp(np.concatenate([first, second])) == 0:
        return Test(name, first.size * second.size / 2, 1.0, note="all values are equal")
    smaller = min(first.size, second.size)
    equal = _tied(first, second)
    exact = not equal and smaller <= 8 and first.size * second.size <= EXACT_PAIRS
    result = stats.mannwhitneyu(
        second, first, alternative=alternative, method="exact" if exact else "asymptotic"
    )
    p, note = float(result.pvalue), ""
    if equal and smaller < EXACT_TIES_BELOW and rank_sum.feasible(first.size, second.size):
        at_most, at_least = rank_sum.rank_sum_tails(first, second)
        two_sided = min(2 * min(at_most, at_least), 1.0)
        p = {"two-sided": two_sided, "greater": at_least, "less": at_most}[alternative]
        note = "exact p-value of the permutation test, given the ties"
    return Test(name, float(result.statistic), max(p, SMALLEST), note)


def epps_singleton(first: np.ndarray, second: np.ndarray) -> Test:
    """Epps-Singleton test of equal distributions, by empirical characteristic functions (Epps and Singleton 1986).

    The test does not exist for fewer than five values in a group, nor when the interquartile range of all values, by
    which it scales, is zero (three quarters of them at chance, for instance); the note then says so.
    """
    name = "Epps-Singleton"
    if min(first.size, second.size) < EPPS_SINGLETON_MINIMUM:
        return Test(
            name,
            UNDEFINED,
            UNDEFINED,
            note=f"needs at least {EPPS_SINGLETON_MINIMUM} values in each group, "
            f"there are {first.size} and {second.size}",
        )
    if stats.iqr(np.concatenate([first, second])) == 0:
        return Test(
            name,
            UNDEFINED,
            UNDEFINED,
            note="half of all values or more are equal, so the interquartile range, the scale of this test, is 0",
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = stats.epps_singleton_2samp(first, second)
        except (np.linalg.LinAlgError, ValueError) as error:
            return Test(name, UNDEFINED, UNDEFINED, note=f"could not be computed: {error}")
    if not np.isfinite(result.pvalue):
        return Test(name, UNDEFINED, UNDEFINED, note="could not be computed: the statistic is not finite")
    note = "too few distinct values for its covariance matrix: read with caution" if caught else ""
    return Test(name, float(result.statistic), max(float(result.pvalue), SMALLEST), note)
