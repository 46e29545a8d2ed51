"""The tests of two independent groups agree with SciPy and worked examples, and explain degenerate input."""

import math

import numpy as np
import pytest
from scipy import stats

from gondwana.nas.statistics import two_sample
from gondwana.nas.statistics.proportions import difference, two_proportions, wilson

FIRST = np.array([0.1, 0.1, 0.1, 0.72, 0.8, 0.81, 0.85, 0.9])
SECOND = np.array([0.1, 0.1, 0.74, 0.83, 0.86, 0.88, 0.91, 0.92, 0.93])

# Pain scores of Brunner and Munzel (2000), the example of SciPy's and R's documentation: two-sided p = 0.005786.
BRUNNER_A = np.array([1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1], dtype=float)
BRUNNER_B = np.array([3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4], dtype=float)

# The example of Epps and Singleton (1986) as Goerg and Kaiser (2009) reproduce it: W2 = 15.14, p = 0.00442. They take
# quartiles by another convention than SciPy, hence the tolerance.
EPPS_A = np.array([-0.35, 2.55, 1.73, 0.73, 0.35, 2.69, 0.46, -0.94, -0.37, 12.07])
EPPS_B = np.array([-1.15, -0.15, 2.48, 3.25, 3.71, 4.29, 5.00, 7.74, 8.38, 8.60])


def test_kolmogorov_smirnov_is_the_largest_vertical_distance() -> None:
    grid = np.union1d(FIRST, SECOND)
    distance = max(abs(np.mean(x >= FIRST) - np.mean(x >= SECOND)) for x in grid)
    result = two_sample.kolmogorov_smirnov(FIRST, SECOND)
    assert result.statistic == pytest.approx(distance, abs=1e-15)
    assert result.p == stats.ks_2samp(FIRST, SECOND).pvalue


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_mann_whitney_agrees_with_scipy_and_greater_means_the_second_is_larger(alternative: str) -> None:
    result = two_sample.mann_whitney(FIRST, SECOND, alternative)
    assert result.p == stats.mannwhitneyu(SECOND, FIRST, alternative=alternative).pvalue
    if alternative == "greater":
        assert result.p < 0.5


def test_mann_whitney_worked_example() -> None:
    """The tortoise and hare race of the usual textbook example: U = 11 for the tortoises, 25 for the hares."""
    tortoise, hare = np.array([1.0, 7, 8, 9, 10, 11]), np.array([2.0, 3, 4, 5, 6, 12])
    assert two_sample.mann_whitney(tortoise, hare).statistic == 11
    assert two_sample.mann_whitney(hare, tortoise).statistic == 25


def test_epps_singleton_worked_example() -> None:
    result = two_sample.epps_singleton(EPPS_A, EPPS_B)
    assert result.statistic == pytest.approx(15.14, abs=0.05)
    assert result.p == pytest.approx(0.00442, abs=1e-4)
    assert result.note == ""


def test_epps_singleton_explains_tiny_groups() -> None:
    result = two_sample.epps_singleton(FIRST[:4], SECOND)
    assert math.isnan(result.p)
    assert "at least 5 values" in result.note
    assert "4 and 9" in result.note


def test_epps_singleton_explains_groups_that_are_mostly_equal() -> None:
    mostly = np.concatenate([np.full(18, 0.1), [0.7, 0.8]])
    result = two_sample.epps_singleton(mostly, mostly)
    assert math.isnan(result.p)
    assert "interquartile range" in result.note


def test_epps_singleton_warns_about_too_few_distinct_values() -> None:
    binary = np.repeat([0.1, 0.9], 10)
    assert "distinct values" in two_sample.epps_singleton(binary, binary).note


def test_brunner_munzel_published_example() -> None:
    result = two_sample.brunner_munzel(BRUNNER_A, BRUNNER_B)
    assert result.p == pytest.approx(0.005786208666, abs=1e-10)
    assert abs(result.statistic) == pytest.approx(3.1374674823, abs=1e-8)


def test_superiority_counts_pairs_and_agrees_with_the_published_interval() -> None:
    """R's lawstat and the paper of Brunner and Munzel give P = 0.788961 with the interval 0.5952169 to 0.9827052."""
    result = two_sample.superiority(BRUNNER_A, BRUNNER_B)
    assert result.estimate == pytest.approx(0.788961, abs=1e-6)
    assert result.low == pytest.approx(0.5952169, abs=1e-6)
    assert result.high == pytest.approx(0.9827052, abs=1e-6)


def test_groups_that_do_not_overlap_have_a_p_value_and_an_interval_below_certainty() -> None:
    low, high = np.linspace(0, 1, 6), np.linspace(2, 3, 8)
    test = two_sample.brunner_munzel(low, high)
    assert test.p == pytest.approx(stats.mannwhitneyu(low, high, method="exact").pvalue, rel=1e-12)
    assert "do not overlap" in test.note
    interval = two_sample.superiority(low, high)
    assert interval.estimate == interval.high == 1.0
    assert interval.low == pytest.approx(0.025 ** (1 / 6))
    assert two_sample.superiority(high, low).estimate == 0.0


def test_ties_within_groups_that_do_not_overlap_make_no_p_value_smaller_than_possible() -> None:
    first, second = np.full(5, 0.1), np.full(5, 0.9)
    assert two_sample.brunner_munzel(first, second).p == pytest.approx(2 / 252)
    assert "rough" in two_sample.mann_whitney(first, second).note
    assert two_sample.mann_whitney(np.arange(5.0), np.arange(5.0) + 0.5).note == ""


@pytest.mark.parametrize(
    "test", [two_sample.mann_whitney, two_sample.brunner_munzel, two_sample.kolmogorov_smirnov]
)
def test_equal_values_give_no_evidence(test: object) -> None:
    assert test(np.full(6, 0.1), np.full(9, 0.1)).p == 1.0  # type: ignore[operator]


def test_superiority_of_single_values_has_no_interval() -> None:
    result = two_sample.superiority(np.array([0.1]), np.array([0.2, 0.3]))
    assert result.estimate == 1.0
    assert math.isnan(result.low)


def test_wilson_interval_worked_example() -> None:
    """Newcombe (1998), Table I: 81 of 263 gives 0.2553 to 0.3662, 0 of 20 gives 0 to 0.1611."""
    interval = wilson(81, 263)
    assert (interval.low, interval.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    none = wilson(0, 20)
    assert (none.low, none.high) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)


def test_difference_of_proportions_worked_example() -> None:
    """Newcombe (1998b), Table II (a): 56/70 - 48/80 = 0.2 with the interval 0.0524 to 0.3339 (method 10)."""
    result = difference(48, 80, 56, 70)
    assert result.estimate == pytest.approx(0.2)
    assert (result.low, result.high) == pytest.approx((0.0524, 0.3339), abs=2e-3)


def test_two_proportions_is_the_score_test() -> None:
    """149 and 117 failures of 200, the paper's default and AutoInit++: the pooled z statistic, up to n/(n-1)."""
    pooled = (149 + 117) / 400
    z = (117 - 149) / 200 / math.sqrt(pooled * (1 - pooled) * 2 / 200)
    result = two_proportions(149, 200, 117, 200)
    assert result.statistic == pytest.approx(z * math.sqrt(399 / 400), rel=1e-9)
    assert result.p == pytest.approx(2 * stats.norm.sf(abs(result.statistic)), rel=1e-9)


@pytest.mark.parametrize(("count", "note"), [(0, "none in either group"), (9, "all in both groups")])
def test_two_proportions_without_contrast(count: int, note: str) -> None:
    result = two_proportions(count, 9, count, 9)
    assert (result.p, result.note) == (1.0, note)
