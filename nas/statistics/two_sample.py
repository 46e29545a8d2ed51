"""Tests and estimates for two independent groups; "larger" always means that ``second`` is larger than ``first``."""

from __future__ import annotations

import math
import warnings
from typing import Literal

import numpy as np
from scipy import stats
from statsmodels.stats.nonparametric import rank_compare_2indep
from statsmodels.stats.proportion import proportion_confint

from gondwana.nas.statistics.result import UNDEFINED, Interval, Test

Alternative = Literal["two-sided", "greater", "less"]

EXACT_UP_TO = 8
"""Size of the smaller group up to which SciPy's p-value of Mann-Whitney's test is exact, if there are no ties."""
EPPS_SINGLETON_MINIMUM = 5
"""Smallest group for which the statistic is defined."""


def kolmogorov_smirnov(first: np.ndarray, second: np.ndarray) -> Test:
    """Two-sample test of equal distributions; the statistic is ``D = sup |F1 - F2|`` of Appendix D.

    The p-value is exact where SciPy can compute it, else asymptotic, which the note then says.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = stats.ks_2samp(first, second)
    note = "asymptotic p-value: the exact one could not be computed" if caught else ""
    return Test("Kolmogorov-Smirnov", float(result.statistic), float(result.pvalue), note)


def mann_whitney(first: np.ndarray, second: np.ndarray, alternative: Alternative = "two-sided") -> Test:
    """Mann-Whitney U test; the statistic is U of ``second``.

    Args:
        alternative: "greater" tests whether ``second`` is stochastically larger than ``first``, "less" smaller.
    """
    name = "Mann-Whitney U" + {"two-sided": "", "greater": " (larger)", "less": " (smaller)"}[alternative]
    if np.ptp(np.concatenate([first, second])) == 0:
        return Test(name, first.size * second.size / 2, 1.0, note="all values are equal")
    result = stats.mannwhitneyu(second, first, alternative=alternative)
    small = min(first.size, second.size) <= EXACT_UP_TO
    tied = np.unique(np.concatenate([first, second])).size < first.size + second.size
    note = "asymptotic p-value, because of ties: rough for groups this small" if small and tied else ""
    return Test(name, float(result.statistic), float(result.pvalue), note)


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
    return Test(name, float(result.statistic), float(result.pvalue), note)


def brunner_munzel(first: np.ndarray, second: np.ndarray) -> Test:
    """Test of ``P(second > first) + P(equal) / 2 = 1/2``, valid for unequal variances and with ties.

    For groups that do not overlap its variance is zero; the p-value is then that of the permutation test, which is
    exact: one of all divisions into groups of these sizes separates the values like this, and one the other way round.
    """
    name = "Brunner-Munzel"
    if min(first.size, second.size) < 2:
        return Test(name, UNDEFINED, UNDEFINED, note="needs at least 2 values in each group")
    if _no_overlap(first, second):
        p = 2 / math.comb(first.size + second.size, first.size)
        return Test(name, UNDEFINED, p, note="the groups do not overlap: p-value of the permutation test")
    if np.ptp(np.concatenate([first, second])) == 0:
        return Test(name, 0.0, 1.0, note="all values are equal")
    result = stats.brunnermunzel(first, second)
    return Test(name, float(result.statistic), float(result.pvalue))


def superiority(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> Interval:
    """Probability that a value of ``second`` exceeds one of ``first``, ties counted half, with its interval.

    The interval is the one of the Brunner-Munzel test, cut to [0, 1]. For groups that do not overlap it is the exact
    (Clopper-Pearson) interval of the independent pairs that can be formed, which is wider.
    """
    if min(first.size, second.size) < 2:
        estimate = float((np.sign(second[:, None] - first[None, :]).mean() + 1) / 2)
        return Interval(estimate, UNDEFINED, UNDEFINED)
    if np.ptp(np.concatenate([first, second])) == 0:
        return Interval(0.5, 0.5, 0.5)
    if _no_overlap(first, second):
        pairs = min(first.size, second.size)
        wins = pairs if second.min() > first.max() else 0
        low, high = proportion_confint(wins, pairs, alpha=1 - confidence, method="beta")
        return Interval(wins / pairs, float(low), float(high))
    result = rank_compare_2indep(second, first)
    low, high = result.conf_int(alpha=1 - confidence)
    return Interval(float(result.prob1), float(max(low, 0.0)), float(min(high, 1.0)))


def _no_overlap(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(first.max() < second.min() or second.max() < first.min())
