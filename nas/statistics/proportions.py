"""Counts out of n: intervals, and the test of two proportions."""

from __future__ import annotations

import numpy as np
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    test_proportions_2indep,
)

from gondwana.nas.statistics.result import Interval, Test


def wilson(count: int, total: int, confidence: float = 0.95) -> Interval:
    """Return ``count / total`` with its Wilson score interval; (0, 0, 1) when ``total`` is 0."""
    if total == 0:
        return Interval(0.0, 0.0, 1.0)
    low, high = proportion_confint(count, total, alpha=1 - confidence, method="wilson")
    return Interval(count / total, float(low), float(high))


def two_proportions(
    first_count: int, first_total: int, second_count: int, second_total: int, *, subject: str = "failures"
) -> Test:
    """Score test of equal proportions in two independent groups (Miettinen and Nurminen 1985)."""
    name = f"two proportions ({subject})"
    both = first_count + second_count
    if both in (0, first_total + second_total):
        return Test(name, 0.0, 1.0, note="none in either group" if both == 0 else "all in both groups")
    with np.errstate(divide="ignore"):  # of the ratio, which it computes beside the difference
        result = test_proportions_2indep(
            second_count, second_total, first_count, first_total, compare="diff", method="score"
        )
    return Test(name, float(result.statistic), float(result.pvalue))


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
