"""Tests for two groups whose values belong together pair by pair, such as one function under two strategies."""

from __future__ import annotations

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import proportion_confint

from gondwana.nas.statistics.result import UNDEFINED, Interval, Test

MCNEMAR_EXACT_BELOW = 25
"""Below this number of discordant pairs the exact binomial form is used."""


def wilcoxon(first: np.ndarray, second: np.ndarray) -> Test:
    """Wilcoxon signed-rank test of ``second - first``; zero differences take part in the ranking (Pratt 1959).

    The statistic is the smaller of the two rank sums.
    """
    name = "Wilcoxon signed-rank"
    difference = second - first
    if difference.size == 0:
        return Test(name, UNDEFINED, UNDEFINED, note="there are no pairs")
    if not difference.any():
        return Test(name, 0.0, 1.0, note="the values of every pair are equal")
    result = stats.wilcoxon(difference, zero_method="pratt")
    return Test(name, float(result.statistic), float(result.pvalue))


def signed_rank_direction(first: np.ndarray, second: np.ndarray) -> int:
    """Return 1, 0 or -1: the sign of the sum of the signed ranks of ``second - first``, what Wilcoxon's test tests."""
    difference = second - first
    return int(np.sign(np.sum(np.sign(difference) * stats.rankdata(np.abs(difference)))))


def win_rate(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> Interval:
    """Share of pairs in which ``second`` is larger, equal pairs counted half, with its t interval cut to [0, 1].

    When every pair has the same winner the interval is the exact (Clopper-Pearson) one.
    """
    scores = (np.sign(second - first) + 1) / 2
    estimate, size = float(scores.mean()), scores.size
    if size < 2:
        return Interval(estimate, UNDEFINED, UNDEFINED)
    if np.ptp(scores) == 0:
        if estimate == 0.5:
            return Interval(0.5, 0.5, 0.5)
        low, high = proportion_confint(size * estimate, size, alpha=1 - confidence, method="beta")
        return Interval(estimate, float(low), float(high))
    half = float(stats.t.ppf((1 + confidence) / 2, size - 1)) * win_rate_error(first, second)
    return Interval(estimate, max(estimate - half, 0.0), min(estimate + half, 1.0))


def win_rate_error(first: np.ndarray, second: np.ndarray) -> float:
    """Standard error of :func:`win_rate`; 0 if every pair has the same winner or there are fewer than two pairs."""
    scores = (np.sign(second - first) + 1) / 2
    return float(scores.std(ddof=1) / np.sqrt(scores.size)) if scores.size > 1 else 0.0


def mcnemar(first: np.ndarray, second: np.ndarray, subject: str = "failures") -> Test:
    """McNemar's test of two booleans per pair, for instance "failed with the first strategy" and "with the second".

    Exact for fewer than 25 discordant pairs, chi-squared without continuity correction otherwise. The note gives the
    two discordant counts.
    """
    only_first = int(np.sum(first & ~second))
    only_second = int(np.sum(~first & second))
    table = [[int(np.sum(first & second)), only_first], [only_second, int(np.sum(~first & ~second))]]
    exact = only_first + only_second < MCNEMAR_EXACT_BELOW
    result = statsmodels_mcnemar(table, exact=exact, correction=False)
    note = f"{only_first} only in the first group, {only_second} only in the second"
    return Test(f"McNemar ({subject})", float(result.statistic), min(float(result.pvalue), 1.0), note)
