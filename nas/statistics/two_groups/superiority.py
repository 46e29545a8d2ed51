"""Is one of two independent groups larger? The test on which verdicts rest, and the interval that belongs to it."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy import optimize, special, stats

from gondwana.nas.statistics.result import SMALLEST, UNDEFINED, Interval, Test
from gondwana.nas.statistics.two_groups.rank_permutation import (
    PERMUTE_BELOW,
    Studentized,
    reference,
    studentized,
)

NAME = "Brunner-Munzel"
_TRUSTED_FROM = 1e-4
"""The t approximation says nothing about smaller p-values, see :func:`_large`."""


def brunner_munzel(first: np.ndarray, second: np.ndarray) -> Test:
    """Test of ``P(second > first) + P(equal) / 2 = 1/2``, valid for unequal variances and with ties.

    The p-value is that of the studentized permutation test (Neubert and Brunner 2007) where the smaller group has
    fewer than ``PERMUTE_BELOW`` values: over all divisions into groups of these sizes if they are few, otherwise over
    random ones, the same for the same sizes; the note says which. From there on it is the one of the t approximation.
    """
    if min(first.size, second.size) < 2:
        return Test(NAME, UNDEFINED, UNDEFINED, note="needs at least 2 values in each group")
    found = studentized(first, second)
    if math.isinf(found.statistic):
        note = "the groups do not overlap: p-value of the permutation test"
        return Test(NAME, UNDEFINED, p_apart(first.size, second.size), note=note)
    if found.error == 0:
        return Test(NAME, 0.0, 1.0, note="all values are equal")
    if min(first.size, second.size) >= PERMUTE_BELOW:
        return Test(NAME, found.statistic, _large(first, second, found))
    divisions = reference(first, second)
    kind = "all" if divisions.exact else "a random sample"
    note = f"permutation test, {kind} of the divisions ({divisions.statistics.size:,})"
    return Test(NAME, found.statistic, divisions.p_value(found.statistic), note=note)


def _large(first: np.ndarray, second: np.ndarray, found: Studentized) -> float:
    """Return the p-value for large groups.

    For groups that hardly overlap the t approximation gives p-values many orders of magnitude below those of any
    permutation test, since the estimated standard error then nearly vanishes. Below ``_TRUSTED_FROM`` the p-value is
    therefore not smaller than that of the Mann-Whitney test, whose standard error does not.
    """
    p = 2 * float(stats.t.sf(abs(found.statistic), found.freedom))
    if p < _TRUSTED_FROM:
        ranks = float(stats.mannwhitneyu(first, second, method="asymptotic").pvalue)
        p = max(p, min(ranks, _TRUSTED_FROM))
    return max(p, SMALLEST)


def p_apart(first: int, second: int) -> float:
    """Return the p-value of groups of these sizes that do not overlap, the smallest there is.

    One of all divisions separates the values like this, and one the other way round.
    """
    if first + second <= 1000:
        return min(2 / math.comb(first + second, first), 1.0)
    divisions = math.lgamma(first + second + 1) - math.lgamma(first + 1) - math.lgamma(second + 1)
    return max(2 * math.exp(-divisions), SMALLEST)


def superiority(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> Interval:
    """Probability that a value of ``second`` exceeds one of ``first``, ties counted half, with its interval.

    The interval is that of the studentized statistic with the quantiles of the distribution that gives the p-value
    (permutation t, Pauly, Asendorf and Konietschke 2016), so that it holds 1/2 if and only if the p-value is not below
    ``1 - confidence``. Near certainty the estimated standard error is too small, and nearly vanishes where the groups
    hardly overlap. A bound between 1/2 and the estimate is therefore that of the arcsine scale if that one is further
    away, and never closer to certainty than for groups that do not overlap (see :func:`certainty_bound`). For values
    that are all equal see :func:`_all_equal`.
    """
    n, m, alpha = first.size, second.size, 1 - confidence
    if min(n, m) < 2:
        greater = np.sign(np.atleast_2d(second).T - first).mean() if n * m else 0.0
        return Interval(float(greater + 1) / 2, UNDEFINED, UNDEFINED)
    found = studentized(first, second)
    if found.error == 0 and found.statistic == 0:
        return _all_equal(min(n, m), alpha)
    if min(n, m) >= PERMUTE_BELOW or math.isinf(found.statistic):
        high = float(stats.t.ppf(1 - alpha / 2, found.freedom)) if found.error > 0 else 0.0
        low = -high
    else:
        low, high = reference(first, second).critical(alpha)
    bound = certainty_bound(n, m, alpha)
    lower = min(_lower(found.estimate, found.error, high), bound)
    upper = max(1 - _lower(1 - found.estimate, found.error, -low), 1 - bound)
    return Interval(found.estimate, max(lower, 0.0), min(upper, 1.0))


def _lower(estimate: float, error: float, quantile: float) -> float:
    """Return ``estimate - quantile * error``, or that of the arcsine scale if it is further away but above 1/2."""
    plain = estimate - quantile * error
    if abs(plain - 0.5) < 1e-9:  # the p-value is exactly that of the confidence
        plain = 0.5
    if plain <= 0.5 or estimate >= 1:
        return plain
    spread = error / (2 * math.sqrt(estimate * (1 - estimate)))
    angle = max(math.asin(math.sqrt(estimate)) - quantile * spread, math.pi / 4)
    return min(plain, max(math.sin(angle) ** 2, math.nextafter(0.5, 1.0)))


@lru_cache(maxsize=1024)
def certainty_bound(first: int, second: int, alpha: float) -> float:
    """Return the smallest P(second > first) under which groups that do not overlap have probability ``alpha / 2``.

    For alternatives with proportional hazards (Lehmann 1953), the odds ``r`` of P(second > first), the values of
    ``first`` all come first with probability ``prod_i i r / (i r + m)``, i from 1 to n. At r = 1 this is one over the
    number of divisions, so that the bound exceeds 1/2 exactly where the permutation test rejects. The family is not
    symmetric in the two groups; the smaller of its two bounds is returned.
    """
    return min(_lehmann(first, second, alpha), _lehmann(second, first, alpha))


def _lehmann(n: int, m: int, alpha: float) -> float:
    steps = np.arange(1, n + 1, dtype=float)

    def excess(log_odds: float) -> float:
        return float(-np.log1p(m * math.exp(-log_odds) / steps).sum() - math.log(alpha / 2))

    return float(special.expit(optimize.brentq(excess, -60.0, 60.0, xtol=1e-10)))


def _all_equal(size: int, alpha: float) -> Interval:
    """Return 1/2 with the interval for values that are all equal.

    If a value of the smaller group differs from all others with probability ``q``, none of ``size`` does with
    probability ``(1 - q) ** size``; the probability of superiority then is at most ``q / 2`` away from 1/2.
    """
    half = (1 - (alpha / 2) ** (1 / size)) / 2
    return Interval(0.5, 0.5 - half, 0.5 + half)
