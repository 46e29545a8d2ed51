"""The paired tests agree with SciPy, statsmodels and worked examples."""

import math

import numpy as np
import pytest
from scipy import stats

from gondwana.nas.statistics import paired

# Heights of cross- and self-fertilized corn (Darwin), the example of SciPy's documentation: p = 0.041259765625.
CORN = np.array([6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75], dtype=float)


def test_wilcoxon_worked_example() -> None:
    result = paired.wilcoxon(np.zeros(15), CORN)
    assert result.p == pytest.approx(0.041259765625)
    assert result.statistic == 24


def test_wilcoxon_ranks_zero_differences_too() -> None:
    difference = np.concatenate([np.zeros(10), CORN])
    expected = stats.wilcoxon(difference, zero_method="pratt").pvalue
    assert paired.wilcoxon(np.zeros(25), difference).p == expected


def test_wilcoxon_without_differences_or_pairs() -> None:
    assert paired.wilcoxon(CORN, CORN).p == 1.0
    assert math.isnan(paired.wilcoxon(CORN[:0], CORN[:0]).p)


def test_mcnemar_worked_example() -> None:
    """Agresti (1990), approval of the prime minister: 150 and 86 discordant, chi-squared 17.36 without correction."""
    first = np.repeat([True, True, False, False], [794, 150, 86, 570])
    second = np.repeat([True, False, True, False], [794, 150, 86, 570])
    result = paired.mcnemar(first, second)
    assert result.statistic == pytest.approx((150 - 86) ** 2 / (150 + 86))
    assert result.p == pytest.approx(stats.chi2.sf(17.3559322, 1), rel=1e-6)
    assert result.note == "150 only in the first group, 86 only in the second"


def test_mcnemar_is_exact_for_few_discordant_pairs() -> None:
    first = np.repeat([True, False, True], [9, 2, 30])
    second = np.repeat([False, True, True], [9, 2, 30])
    assert paired.mcnemar(first, second).p == pytest.approx(stats.binomtest(2, 11).pvalue)


def test_mcnemar_without_discordant_pairs() -> None:
    same = np.array([True, False, True])
    assert paired.mcnemar(same, same).p == 1.0


def test_direction_follows_the_ranks_and_not_the_number_of_wins() -> None:
    first = np.zeros(5)
    assert paired.signed_rank_direction(first, np.array([-1.0, -2, -3, 10, 11])) == 1
    assert paired.signed_rank_direction(first, np.array([1.0, 2, -3, -10, -11])) == -1
    assert paired.signed_rank_direction(first, first) == 0


def test_win_rate_counts_equal_pairs_half() -> None:
    first, second = np.array([0.1, 0.1, 0.5, 0.6]), np.array([0.1, 0.9, 0.6, 0.5])
    result = paired.win_rate(first, second)
    assert result.estimate == (0.5 + 1 + 1 + 0) / 4
    scores = np.array([0.5, 1, 1, 0])
    low, high = stats.t.interval(0.95, 3, loc=scores.mean(), scale=stats.sem(scores))
    assert (result.low, result.high) == (max(low, 0.0), min(high, 1.0))


def test_win_rate_of_a_clean_sweep_is_below_certainty() -> None:
    result = paired.win_rate(np.zeros(10), np.ones(10))
    assert result.low == pytest.approx(0.025 ** (1 / 10))
    assert result.high == 1.0
    tied = paired.win_rate(np.ones(10), np.ones(10))
    assert (tied.estimate, tied.low, tied.high) == (0.5, 0.5, 0.5)
