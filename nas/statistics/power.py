"""How large an experiment would have to be, and what this one could have seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.nonparametric import rank_compare_2indep

from gondwana.nas.statistics.paired import win_rate, win_rate_error
from gondwana.nas.statistics.result import UNDEFINED


@dataclass(frozen=True, slots=True)
class Power:
    """Planning figures of one comparison, for the two-sided test of "probability of superiority = 1/2".

    Attributes:
        power: probability to be aimed at.
        detectable: smallest probability of superiority above 1/2 that groups of these sizes show with that power.
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

    The standard error of the probability of superiority (paired: of the win rate) is estimated from the groups, so
    ties and unequal spreads are taken into account, and taken to shrink with the square root of the size.
    """
    if min(first.size, second.size) < 2:
        return Power(power, UNDEFINED, UNDEFINED)
    effect, error = _win_rate(first, second) if paired else _superiority(first, second)
    if error == 0:
        return Power(power, UNDEFINED, UNDEFINED)
    quantiles = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))
    detectable = min(0.5 + quantiles * error, 1.0)
    distance = abs(effect - 0.5)
    if distance == 0:
        return Power(power, detectable, UNDEFINED)
    needed = math.ceil(max(first.size, second.size) * (quantiles * error / distance) ** 2)
    return Power(power, detectable, float(max(needed, 2)))


def _superiority(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    with np.errstate(divide="ignore", invalid="ignore"):  # of the test statistic, which is not used here
        result = rank_compare_2indep(second, first)
    return float(result.prob1), math.sqrt(float(result.var_prob))


def _win_rate(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    return win_rate(first, second).estimate, win_rate_error(first, second)


def proportions_needed(first: float, second: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the values per group needed to tell two proportions apart (two-sided); NaN if they are equal.

    Normal approximation with Cohen's effect size ``2 asin(sqrt(p))``.
    """
    effect = 2 * (math.asin(math.sqrt(second)) - math.asin(math.sqrt(first)))
    if effect == 0:
        return UNDEFINED
    quantiles = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))
    return float(math.ceil(2 * (quantiles / effect) ** 2))
