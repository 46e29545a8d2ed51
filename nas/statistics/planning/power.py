"""How large an experiment would have to be, and what this one could have seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from gondwana.nas.statistics.planning.independent import IndependentDesign
from gondwana.nas.statistics.planning.least_p import smallest_p
from gondwana.nas.statistics.planning.pairs import PairedDesign
from gondwana.nas.statistics.result import UNDEFINED


@dataclass(frozen=True, slots=True)
class Power:
    """Planning figures of one comparison, for the two-sided test on which its verdict rests.

    Attributes:
        power: probability to be aimed at.
        detectable: smallest probability of superiority (paired: share of pairs that win, equal ones counted half)
            above 1/2 that groups of these sizes show with that power; NaN if they show none with it.
        needed: values per group with which the effect seen here would be shown with that power, the sizes of the
            groups kept in proportion; NaN if no effect was seen.
    """

    power: float
    detectable: float
    needed: float


def rank_power(
    first: np.ndarray, second: np.ndarray, *, alpha: float = 0.05, power: float = 0.8, paired: bool = False
) -> Power:
    """Return what two groups like these can show.

    Independent groups are taken to differ by a shift on the scale on which they are Gaussian, ties kept; pairs keep the
    sizes of their differences, and large ones are more often in favour of the better group. With Gaussian values both
    are a shift of the mean.

    Args:
        first, second: finite values, shapes (n,) and (m,).
        alpha: level of this one test; after a correction for ``k`` tests by Holm, ``alpha / k`` is the level that
            counts when the other tests show nothing.
        power: probability to be aimed at, between 0 and 1.
        paired: position i of both belongs to one subject.
    """
    if min(first.size, second.size) < 2:
        return Power(power, UNDEFINED, UNDEFINED)
    design = PairedDesign.of(first, second, alpha) if paired else IndependentDesign.of(first, second, alpha)
    if design is None:  # nothing varies
        return Power(power, UNDEFINED, UNDEFINED)
    effect = _smallest(lambda effect: design.power(effect) >= power, design.largest, design.steps)
    detectable = UNDEFINED if effect is None else design.share(effect)
    factor = design.factor(power)
    if math.isnan(factor):
        return Power(power, detectable, UNDEFINED)
    needed = math.ceil(max(first.size, second.size) * factor)
    return Power(power, detectable, float(max(needed, least_size(alpha, paired=paired))))


def least_size(alpha: float, *, paired: bool) -> int:
    """Return the values per group (paired: the pairs) from which the test can reject at all."""
    size = 2
    while smallest_p(size, None if paired else size) >= alpha:
        size += 1
    return size


def _smallest(holds: Callable[[float], bool], largest: float, steps: int) -> float | None:
    """Return the smallest effect, up to the precision of the search, for which something holds; None without one."""
    if not holds(largest):
        return None
    low, high = 0.0, largest
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def proportions_needed(first: float, second: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the values per group needed to tell two proportions apart (two-sided); NaN if they are equal.

    Normal approximation with Cohen's effect size ``2 asin(sqrt(p))``.
    """
    effect = 2 * (math.asin(math.sqrt(second)) - math.asin(math.sqrt(first)))
    if effect == 0:
        return UNDEFINED
    quantiles = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))
    return float(math.ceil(2 * (quantiles / effect) ** 2))
