"""The tests of two groups beside the primary one agree with SciPy and worked examples, and explain bad input."""

import math

import numpy as np
import pytest
from scipy import stats

from gondwana.nas.statistics.two_groups import two_sample
from gondwana.nas.statistics.two_groups.proportions import difference, two_proportions, wilson

FIRST = np.array([0.1, 0.1, 0.1, 0.72, 0.8, 0.81, 0.85, 0.9])
SECOND = np.array([0.1, 0.1, 0.74, 0.83, 0.86, 0.88, 0.91, 0.92, 0.93])

# The example of Epps and Singleton (1986) as Goerg and Kaiser (2009) reproduce it: W2 = 15.14, p = 0.00442. They take
# quartiles by another convention than SciPy, hence the tolerance.
EPPS_A = np.array([-0.35, 2.55, 1.73, 0.73, 0.35, 2.69, 0.46, -0.94, -0.37, 12.07])
EPPS_B = np.array([-1.15, -0.15, 2.48, 3.25, 3.71, 4.29, 5.00, 7.74, 8.38, 8.60])


def test_kolmogorov_smirnov_is_the_largest_vertical_distance() -> None:
    grid = np.union1d(FIRST, SECOND)
    distance = max(abs(np.mean(x >= FIRST) - np.mean(x >= SECOND)) for x in grid)
    result = two_sample.kolmogorov_smirnov(FIRST, SECOND)
    assert result.statistic == pytest.approx(distance, abs=1e-15)
    first, second = np.unique(FIRST), np.unique(SECOND) + 1e-3
    assert two_sample.kolmogorov_smirnov(first, second).p == stats.ks_2samp(first, second).pvalue


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_mann_whitney_agrees_with_scipy_and_greater_means_the_second_is_larger(alternative: str) -> None:
    first, second = np.unique(FIRST), np.unique(SECOND) + 1e-3
    untied = two_sample.mann_whitney(first, second, alternative)
    assert untied.p == stats.mannwhitneyu(second, first, alternative=alternative, method="exact").pvalue
    large = two_sample.mann_whitney(np.tile(FIRST, 3), np.tile(SECOND, 3), alternative)
    assert (
        large.p == stats.mannwhitneyu(np.tile(SECOND, 3), np.tile(FIRST, 3), alternative=alternative).pvalue
    )
    result = two_sample.mann_whitney(FIRST, SECOND, alternative)
    expected = stats.permutation_test(
        (SECOND, FIRST),
        lambda a, b, axis: stats.rankdata(np.concatenate([a, b], axis), axis=axis)[..., : a.shape[axis]].sum(
            axis
        ),
        alternative=alternative,
        n_resamples=np.inf,
    )
    assert result.p == pytest.approx(expected.pvalue, rel=1e-12)
    assert "given the ties" in result.note
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


@pytest.mark.parametrize("test", [two_sample.mann_whitney, two_sample.kolmogorov_smirnov])
def test_equal_values_give_no_evidence(test: object) -> None:
    assert test(np.full(6, 0.1), np.full(9, 0.1)).p == 1.0  # type: ignore[operator]


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


@pytest.mark.parametrize(("sizes", "test"), [((5, 6), stats.boschloo_exact), ((8, 500), stats.fisher_exact)])
def test_two_proportions_of_small_groups_are_exact(sizes: tuple[int, int], test: object) -> None:
    result = two_proportions(4, sizes[0], 1, sizes[1])
    assert result.p == test([[4, 1], [sizes[0] - 4, sizes[1] - 1]]).pvalue  # type: ignore[operator]
    assert "exact test" in result.note
    assert two_proportions(4, sizes[0], 1, sizes[1]).statistic < 0


@pytest.mark.parametrize(("count", "note"), [(0, "none in either group"), (9, "all in both groups")])
def test_two_proportions_without_contrast(count: int, note: str) -> None:
    result = two_proportions(count, 9, count, 9)
    assert (result.p, result.note) == (1.0, note)


@pytest.mark.parametrize("sizes", [(8, 100_000), (3_000, 3_000)])
def test_no_table_of_all_pairs_is_made_for_large_groups(sizes: tuple[int, int]) -> None:
    """The approximation is SciPy's own; the exact distribution of U would have as many entries as there are pairs."""
    rng = np.random.default_rng(0)
    first, second = rng.random(sizes[0]), rng.random(sizes[1])
    expected = stats.mannwhitneyu(second, first, method="asymptotic").pvalue
    assert two_sample.mann_whitney(first, second).p == expected


def test_no_p_value_is_zero() -> None:
    first, second = np.arange(3_000.0), np.arange(3_000.0) + 5_000
    for test in (two_sample.mann_whitney, two_sample.kolmogorov_smirnov, two_sample.epps_singleton):
        assert 0 < test(first, second).p < 1e-200
        assert 0 < test(np.floor(first / 10), np.floor(second / 10)).p < 1e-100
