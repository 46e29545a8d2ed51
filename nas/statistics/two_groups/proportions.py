"""Counts out of n: intervals, and the test of two proportions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    test_proportions_2indep,
)

from gondwana.nas.statistics.result import SMALLEST, Interval, Test

SCORE_FROM = 20
"""Size of the smaller group from which on the p-value of the score test is that of its normal approximation."""
BOSCHLOO_TABLES = 2_500
"""Number of tables up to which Boschloo's exact test, more powerful than Fisher's, is made."""


def wilson(count: int, total: int, confidence: float = 0.95) -> Interval:
    """Return ``count / total`` with its Wilson score interval; (0, 0, 1) when ``total`` is 0."""
    if total == 0:
        return Interval(0.0, 0.0, 1.0)
    low, high = proportion_confint(count, total, alpha=1 - confidence, method="wilson")
    return Interval(count / total, float(low), float(high))


def two_proportions(
    first_count: int, first_total: int, second_count: int, second_total: int, *, subject: str = "failures"
) -> Test:
    """Test of equal proportions in two independent groups; the statistic is the score of Miettinen and Nurminen (1985).

    So is the p-value, by its normal approximation, if the smaller group has ``SCORE_FROM`` results. For smaller groups
    it is that of an exact test, Boschloo's or, where the other group is large, Fisher's; the note says which.
    """
    name = f"two proportions ({subject})"
    both = first_count + second_count
    if both in (0, first_total + second_total):
        return Test(name, 0.0, 1.0, note="none in either group" if both == 0 else "all in both groups")
    with np.errstate(divide="ignore"):  # of the ratio, which it computes beside the difference
        result = test_proportions_2indep(
            second_count, second_total, first_count, first_total, compare="diff", method="score"
        )
    p, note = float(result.pvalue), ""
    if min(first_total, second_total) < SCORE_FROM:
        p, note = _exact(first_count, first_total, second_count, second_total)
    return Test(name, float(result.statistic), max(p, SMALLEST), note)


@lru_cache(maxsize=1024)
def _exact(first_count: int, first_total: int, second_count: int, second_total: int) -> tuple[float, str]:
    table = [[first_count, second_count], [first_total - first_count, second_total - second_count]]
    if (first_total + 1) * (second_total + 1) <= BOSCHLOO_TABLES:
        return min(float(stats.boschloo_exact(table).pvalue), 1.0), "Boschloo's exact test"
    return min(float(stats.fisher_exact(table).pvalue), 1.0), "Fisher's exact test"


def difference(
    first_count: int, first_total: int, second_count: int, second_total: int, confidence: float = 0.95
) -> Interval:
    """Return second minus first proportion of independent groups with Newcombe's interval."""
    low, high = confint_proportions_2indep(
        second_count,
        second_total,
        first_count,
        first_total,
        compare="diff",
        method="newcomb",
        alpha=1 - confidence,
    )
    return Interval(second_count / second_total - first_count / first_total, float(low), float(high))
