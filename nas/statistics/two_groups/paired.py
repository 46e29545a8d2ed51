"""Tests for two groups whose values belong together pair by pair, such as one function under two strategies."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from gondwana.nas.statistics.result import SMALLEST, UNDEFINED, Interval, Test
from gondwana.nas.statistics.two_groups.proportions import wilson
from gondwana.nas.statistics.two_groups.rank_sum import signed_rank_tails

SIGNED_RANK_EXACT_UP_TO = 100
"""Number of pairs up to which the p-value of the signed-rank test is exact, with ties and zeros too."""

MCNEMAR_EXACT_BELOW = 25
"""Below this number of discordant pairs the exact binomial form is used."""


def wilcoxon(first: np.ndarray, second: np.ndarray) -> Test:
    """Wilcoxon signed-rank test of ``second - first``; zero differences take part in the ranking (Pratt 1959).

    The statistic is the smaller of the two rank sums. For up to ``SIGNED_RANK_EXACT_UP_TO`` pairs the p-value is exact
    given the sizes of the differences, otherwise that of the normal approximation.
    """
    name = "Wilcoxon signed-rank"
    difference = differences(first, second)
    if difference.size == 0:
        return Test(name, UNDEFINED, UNDEFINED, note="there are no pairs")
    if not difference.any():
        return Test(name, 0.0, 1.0, note="the values of every pair are equal")
    result = stats.wilcoxon(difference, zero_method="pratt", method="asymptotic")
    p = float(result.pvalue)
    if difference.size <= SIGNED_RANK_EXACT_UP_TO:
        p = min(2 * min(signed_rank_tails(difference)), 1.0)
    return Test(name, float(result.statistic), max(p, SMALLEST))


def differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return ``second - first``, with those made equal in size that differ by rounding errors only.

    Otherwise 0.86 - 0.85 and 0.85 - 0.84, which are not the same floating-point number, would have different ranks.
    """
    found = second - first
    size = np.abs(found)
    rounding = 4 * np.finfo(float).eps * np.maximum(np.abs(first), np.abs(second))
    size[size <= rounding] = 0.0
    order = np.argsort(size, kind="stable")
    ordered, slack = size[order], rounding[order]
    starts = np.concatenate([[True], np.diff(ordered) > np.maximum(slack[1:], slack[:-1])])[: size.size]
    size[order] = ordered[np.maximum.accumulate(np.where(starts, np.arange(size.size), 0))]
    return np.asarray(np.sign(found) * size)


def signed_rank_direction(first: np.ndarray, second: np.ndarray) -> int:
    """Return 1, 0 or -1: the sign of the sum of the signed ranks of ``second - first``, what Wilcoxon's test tests."""
    difference = differences(first, second)
    return int(np.sign(np.sum(np.sign(difference) * stats.rankdata(np.abs(difference)))))


def win_rate(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> Interval:
    """Share of pairs in which ``second`` is larger, equal pairs counted half, with its score interval.

    Wilson's interval if no pair is equal. A share ``t`` of equal pairs takes ``t / 4`` from the variance of a score of
    a pair, ``w (1 - w)``. That share is estimated itself and therefore taken at its lower Wilson bound, so that the
    interval of pairs which are all equal has a width. For few pairs the score interval is somewhat too narrow: it is
    extended to 1/2 unless the exact sign test rejects that.
    """
    scores = (np.sign(differences(first, second)) + 1) / 2
    size = scores.size
    if size == 0:
        return Interval(UNDEFINED, UNDEFINED, UNDEFINED)
    estimate = float(scores.mean())
    equal = wilson(int((scores == 0.5).sum()), size, confidence).low
    z2 = float(stats.norm.ppf((1 + confidence) / 2)) ** 2
    # (estimate - w)^2 = z^2 (w (1 - w) - equal / 4) / size, solved for w
    centre = (size * estimate + z2 / 2) / (size + z2)
    constant = (size * estimate**2 + z2 * equal / 4) / (size + z2)
    half = math.sqrt(max(centre**2 - constant, 0.0))
    low, high = max(min(centre - half, estimate), 0.0), min(max(centre + half, estimate), 1.0)
    wins, decided = int((scores == 1).sum()), int((scores != 0.5).sum())
    if decided == 0 or stats.binomtest(wins, decided).pvalue >= 1 - confidence:
        low, high = min(low, 0.5), max(high, 0.5)
    return Interval(estimate, low, high)


def win_rate_error(first: np.ndarray, second: np.ndarray) -> float:
    """Standard error of :func:`win_rate`; 0 if every pair has the same winner or there are fewer than two pairs."""
    scores = (np.sign(differences(first, second)) + 1) / 2
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
    return Test(
        f"McNemar ({subject})", float(result.statistic), min(max(float(result.pvalue), SMALLEST), 1.0), note
    )


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation of the two values of a pair; NaN if one of the groups does not vary.

    Tests for independent groups on pairs are conservative only if it is positive; if it is negative they reject true
    hypotheses too often.
    """
    if first.size < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return UNDEFINED
    return float(stats.spearmanr(first, second).statistic)
