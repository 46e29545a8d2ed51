"""The paired tests agree with SciPy, statsmodels and worked examples."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gondwana.nas.statistics.two_groups import paired
from gondwana.nas.statistics.two_groups.proportions import wilson

# Heights of cross- and self-fertilized corn (Darwin), the example of SciPy's documentation: p = 0.041259765625.
CORN = np.array([6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75], dtype=float)


def test_wilcoxon_worked_example() -> None:
    result = paired.wilcoxon(np.zeros(15), CORN)
    assert result.p == pytest.approx(0.041259765625)
    assert result.statistic == 24


@pytest.mark.parametrize("seed", range(6))
def test_wilcoxon_with_ties_and_zeros_is_exact(seed: int) -> None:
    difference = np.random.default_rng(seed).integers(-2, 5, 10).astype(float)
    ranks = stats.rankdata(np.abs(difference))
    expected = stats.permutation_test(
        (difference,),
        lambda d, axis: (ranks * (d > 0)).sum(axis),
        permutation_type="samples",
        n_resamples=np.inf,
    )
    assert paired.wilcoxon(np.zeros(10), difference).p == pytest.approx(expected.pvalue, rel=1e-12)


@pytest.mark.parametrize("size", [4, 8, 30, 50])
def test_wilcoxon_without_ties_is_that_of_scipy(size: int) -> None:
    difference = np.random.default_rng(size).normal(0.3, 1, size)
    assert paired.wilcoxon(np.zeros(size), difference).p == pytest.approx(
        stats.wilcoxon(difference, method="exact").pvalue
    )


def test_wilcoxon_of_many_pairs_is_scipys_approximation() -> None:
    difference = np.concatenate([np.zeros(50), np.random.default_rng(0).normal(0.1, 1, 200)])
    expected = stats.wilcoxon(difference, zero_method="pratt").pvalue
    assert paired.wilcoxon(np.zeros(250), difference).p == pytest.approx(expected, rel=1e-9)


def test_differences_that_differ_by_rounding_errors_are_tied() -> None:
    """0.86 - 0.85 and 0.85 - 0.84 are not the same floating-point number."""
    first, second = np.array([0.85, 0.84, 0.3, 0.15]), np.array([0.86, 0.85, 0.29, (0.1 + 0.2) / 2])
    found = paired.differences(first, second)
    assert np.unique(np.abs(found)).size == 2
    assert list(np.sign(found)) == [1, 1, -1, 0]
    apart = paired.differences(np.array([0.3, 0.3, 1e9]), np.array([0.31, 0.32, 0.0]))
    assert np.unique(np.abs(apart)).size == 3


@given(
    pairs=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12),
    shift=st.integers(1, 4),
)
def test_wilcoxon_is_symmetric_and_grows_with_the_effect(pairs: list[tuple[int, int]], shift: int) -> None:
    first, second = np.array(pairs, dtype=float).T
    result = paired.wilcoxon(first, second)
    assert 2.0 ** (1 - len(pairs)) <= result.p <= 1
    assert paired.wilcoxon(second, first).p == pytest.approx(result.p, rel=1e-12)
    interval = paired.win_rate(first, second)
    assert 0 <= interval.low <= interval.estimate <= interval.high <= 1
    assert interval.low < interval.high
    higher = paired.win_rate(first, second + shift)
    assert higher.estimate >= interval.estimate


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
    assert paired.win_rate(first, second).estimate == (0.5 + 1 + 1 + 0) / 4


@pytest.mark.parametrize("wins", [0, 1, 7, 10])
def test_win_rate_without_equal_pairs_has_the_wilson_interval(wins: int) -> None:
    second = np.repeat([1.0, -1.0], [wins, 10 - wins])
    result, expected = paired.win_rate(np.zeros(10), second), wilson(wins, 10)
    assert (result.low, result.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_equal_pairs_narrow_the_interval_of_the_win_rate_but_never_to_a_point() -> None:
    half = np.repeat([1.0, -1.0], 10)
    some = np.concatenate([half[5:15], np.zeros(10)])
    wide, narrow, all_equal = (paired.win_rate(np.zeros(20), second) for second in (half, some, np.zeros(20)))
    assert wide.estimate == narrow.estimate == all_equal.estimate == 0.5
    assert wide.high - wide.low > narrow.high - narrow.low > all_equal.high - all_equal.low > 0.05


@pytest.mark.parametrize("equal", [0.0, 0.5])
def test_win_rate_interval_covers(equal: float) -> None:
    rng = np.random.default_rng(1)
    truth = equal / 2 + (1 - equal) * 0.8
    signs = rng.choice([0.0, 1.0, -1.0], p=[equal, 0.8 * (1 - equal), 0.2 * (1 - equal)], size=(2000, 12))
    found = [paired.win_rate(np.zeros(12), row) for row in signs]
    assert np.mean([i.low <= truth <= i.high for i in found]) > 0.93


def test_correlation_of_pairs() -> None:
    values = np.arange(6.0)
    assert paired.correlation(values, values**2) == pytest.approx(1)
    assert paired.correlation(values, -values) == pytest.approx(-1)
    assert math.isnan(paired.correlation(values, np.ones(6)))
