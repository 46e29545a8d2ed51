"""The primary test of independent groups: exact for small ones, monotone, symmetric, and its interval belongs to it."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gondwana.nas.statistics.two_groups.rank_permutation import (
    PERMUTE_BELOW,
    Reference,
    reference,
    studentized,
)
from gondwana.nas.statistics.two_groups.superiority import (
    brunner_munzel,
    certainty_bound,
    p_apart,
    superiority,
)

# Pain scores of Brunner and Munzel (2000), the example of SciPy's and R's documentation: two-sided p = 0.005786.
BRUNNER_A = np.array([1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1], dtype=float)
BRUNNER_B = np.array([3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4], dtype=float)

small = st.lists(st.integers(0, 8), min_size=2, max_size=7)


def statistic(first: np.ndarray, second: np.ndarray) -> float:
    """Return the statistic, finite and without rounding errors, as SciPy's permutation test needs it."""
    return round(float(np.clip(studentized(first, second).statistic, -1e6, 1e6)), 9)


def groups(*lists: list[int]) -> list[np.ndarray]:
    return [np.array(values, dtype=float) for values in lists]


def test_statistic_of_the_published_example() -> None:
    found = studentized(BRUNNER_A, BRUNNER_B)
    assert found.estimate == pytest.approx(0.788961, abs=1e-6)
    assert found.statistic == pytest.approx(3.1374674823, abs=1e-8)
    assert 2 * stats.t.sf(found.statistic, found.freedom) == pytest.approx(0.005786208666, abs=1e-10)


def test_permutation_p_value_of_the_published_example() -> None:
    """Of the 4,457,400 divisions the share with statistics as large, here over 20,000 of them."""
    result = brunner_munzel(BRUNNER_A, BRUNNER_B)
    assert "random sample" in result.note
    simulated = stats.permutation_test(
        (BRUNNER_A, BRUNNER_B),
        statistic,
        vectorized=False,
        n_resamples=4000,
        rng=np.random.default_rng(0),
    )
    assert result.p == pytest.approx(simulated.pvalue, abs=5 * math.sqrt(0.008 / 4000))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("sizes", [(2, 3), (4, 4), (5, 5), (3, 8), (7, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_small_groups_have_the_p_value_of_all_divisions(
    sizes: tuple[int, int], ties: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    first, second = (rng.normal(shift, 1, size) for shift, size in zip((0, 1), sizes, strict=True))
    if ties:
        first, second = np.round(first), np.round(second)
    expected = stats.permutation_test((first, second), statistic, vectorized=False, n_resamples=np.inf)
    assert brunner_munzel(first, second).p == pytest.approx(expected.pvalue, rel=1e-12)


@given(first=small, second=small)
def test_statistics_of_divisions_are_those_of_the_groups_they_make(
    first: list[int], second: list[int]
) -> None:
    """The fast formula against the statistic itself, division by division."""
    x, y = groups(first, second)
    pooled = np.sort(np.concatenate([x, y]))
    chosen = itertools.islice(itertools.combinations(range(pooled.size), x.size), 300)
    slow = [statistic(pooled[list(c)], np.delete(pooled, list(c))) for c in chosen]
    fast = reference(x, y)
    assert fast.exact
    assert fast.statistics.size == math.comb(pooled.size, x.size)
    distances = np.abs(np.clip(fast.statistics, -1e6, 1e6)[:, None] - np.array(slow))
    assert distances.min(axis=0).max() < 1e-8


@given(first=small, second=small)
def test_order_of_the_groups_and_monotone_transformations_change_nothing(
    first: list[int], second: list[int]
) -> None:
    x, y = groups(first, second)
    test, share = brunner_munzel(x, y), superiority(x, y)
    swapped, other = brunner_munzel(y, x), superiority(y, x)
    assert swapped.p == pytest.approx(test.p, rel=1e-9)
    assert (1 - other.estimate, 1 - other.high, 1 - other.low) == pytest.approx(
        (share.estimate, share.low, share.high), abs=1e-9
    )
    assert brunner_munzel(np.exp(x), np.exp(y)) == test
    assert brunner_munzel(-y, -x).p == pytest.approx(test.p, rel=1e-9)


@given(first=small, second=small, confidence=st.sampled_from([0.9, 0.95, 0.99]))
def test_interval_and_p_value_agree(first: list[int], second: list[int], confidence: float) -> None:
    x, y = groups(first, second)
    p, share = brunner_munzel(x, y).p, superiority(x, y, confidence)
    assert p_apart(x.size, y.size) * (1 - 1e-9) <= p <= 1
    assert 0 <= share.low <= share.estimate <= share.high <= 1
    assert share.high - share.low > 0.05
    assert (share.low <= 0.5 <= share.high) == (p >= 1 - confidence - 1e-12)


def steps(low: np.ndarray, high: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Swap neighbours one at a time, from groups that do not overlap until half of the pairs are reversed."""
    pooled = np.sort(np.concatenate([low, high]))
    owner = np.arange(pooled.size) >= low.size
    found = []
    rng = np.random.default_rng(low.size * 1000 + high.size)
    for _ in range(low.size * high.size // 2):
        found.append((pooled[~owner], pooled[owner]))
        at = rng.choice(np.flatnonzero(~owner[:-1] & owner[1:]))
        owner[[at, at + 1]] = owner[[at + 1, at]]
    return found


@pytest.mark.parametrize(
    "sizes",
    [(4, 4), (5, 5), (4, 20), (20, 4), (5, 30), (10, 12), (19, 19), (25, 25), (20, 60), (45, 45), (41, 90)],
)
def test_less_separated_groups_never_have_a_smaller_p_value(sizes: tuple[int, int]) -> None:
    path = steps(np.arange(float(sizes[0])), np.arange(float(sizes[1])) + 100)
    p = np.array([brunner_munzel(low, high).p for low, high in path])
    assert (np.diff(p) >= -1e-12).all()
    assert (p >= p_apart(*sizes) * (1 - 1e-9)).all()
    shares = [superiority(low, high) for low, high in path]
    assert (np.diff([share.estimate for share in shares]) < 0).all()


@given(first=small, second=small, at=st.integers(0, 6), by=st.integers(1, 3))
def test_with_ties_no_significant_p_value_becomes_smaller_by_moving_a_value_towards_the_other_group(
    first: list[int], second: list[int], at: int, by: int
) -> None:
    x, y = groups(first, second)
    moved = x.copy()
    moved[at % x.size] += by
    if studentized(moved, y).estimate <= 0.5:
        return
    p, q = brunner_munzel(x, y).p, brunner_munzel(moved, y).p
    assert q >= p - 1e-12 or p > 0.05


def test_the_case_that_was_wrong() -> None:
    """Two neighbours of two separated groups of five swapped: p = 0.00004 by Student's t, 0.0159 exactly."""
    apart = brunner_munzel(np.array([0.80, 0.81, 0.82, 0.84, 0.85]), np.array([0.86, 0.87, 0.88, 0.89, 0.90]))
    swapped = brunner_munzel(
        np.array([0.80, 0.81, 0.82, 0.84, 0.86]), np.array([0.85, 0.87, 0.88, 0.89, 0.90])
    )
    assert apart.p == pytest.approx(2 / 252)
    assert swapped.p == pytest.approx(4 / 252)


def test_large_groups_have_scipys_p_value() -> None:
    rng = np.random.default_rng(3)
    first, second = np.round(rng.normal(0, 1, 60), 1), np.round(rng.normal(0.4, 2, 80), 1)
    expected = stats.brunnermunzel(first, second)
    result = brunner_munzel(first, second)
    assert result.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert abs(result.statistic) == pytest.approx(abs(expected.statistic), rel=1e-9)
    assert min(first.size, second.size) >= PERMUTE_BELOW


def test_groups_that_do_not_overlap_have_a_p_value_and_an_interval_below_certainty() -> None:
    low, high = np.linspace(0, 1, 6), np.linspace(2, 3, 8)
    test = brunner_munzel(low, high)
    assert test.p == pytest.approx(stats.mannwhitneyu(low, high, method="exact").pvalue, rel=1e-12)
    assert "do not overlap" in test.note
    interval = superiority(low, high)
    assert interval.estimate == interval.high == 1.0
    assert interval.low == certainty_bound(6, 8, 0.05)
    assert superiority(high, low).estimate == 0.0
    assert superiority(high, low).high == pytest.approx(1 - interval.low)


def test_certainty_bound_is_where_the_probability_of_no_overlap_is_small() -> None:
    """Exponential lifetimes with rates r and 1 have proportional hazards; then P(second > first) = r / (1 + r)."""
    bound = certainty_bound(4, 6, 0.05)
    rate = bound / (1 - bound)
    rng = np.random.default_rng(0)
    early, late = rng.exponential(1 / rate, (40_000, 4)), rng.exponential(1.0, (40_000, 6))
    forward = np.mean(early.max(axis=1) < late.min(axis=1))
    early, late = -rng.exponential(1.0, (40_000, 4)), -rng.exponential(1 / rate, (40_000, 6))
    backward = np.mean(early.max(axis=1) < late.min(axis=1))
    assert max(forward, backward) == pytest.approx(0.025, abs=5 * math.sqrt(0.025 / 40_000))


def test_ties_within_groups_that_do_not_overlap_make_no_p_value_smaller_than_possible() -> None:
    assert brunner_munzel(np.full(5, 0.1), np.full(5, 0.9)).p == pytest.approx(2 / 252)


def test_equal_values_give_no_evidence_and_an_interval_with_a_width() -> None:
    first, second = np.full(6, 0.1), np.full(9, 0.1)
    assert brunner_munzel(first, second).p == 1.0
    share = superiority(first, second)
    assert (share.estimate, share.low + share.high) == (0.5, pytest.approx(1))
    assert share.high - share.low == pytest.approx(1 - 0.025 ** (1 / 6))


def test_single_values_have_no_test_and_no_interval() -> None:
    result = superiority(np.array([0.1]), np.array([0.2, 0.3]))
    assert result.estimate == 1.0
    assert math.isnan(result.low)
    assert math.isnan(brunner_munzel(np.array([0.1]), np.array([0.2, 0.3])).p)


@pytest.mark.parametrize("sizes", [(60, 60), (3_000, 3_000), (100_000, 100_000), (8, 100_000), (2, 100_000)])
def test_p_values_of_separated_groups_are_never_zero(sizes: tuple[int, int]) -> None:
    first, second = np.arange(float(sizes[0])), np.arange(float(sizes[1])) + 1e6
    nearly = second.copy()
    nearly[0] = first[-1] - 0.5
    apart, almost = brunner_munzel(first, second).p, brunner_munzel(first, nearly).p
    assert 0 < apart <= almost
    assert superiority(first, nearly).high == 1.0


def test_sampled_p_value_counts_what_was_observed() -> None:
    sampled = Reference(np.arange(-9.0, 10.0), exact=False)
    assert sampled.p_value(20.0) == pytest.approx(2 / 20)
    assert sampled.p_value(0.0) == 1.0
    assert Reference(np.arange(-9.0, 10.0), exact=True).p_value(9.0) == pytest.approx(2 / 19)
    low, high = sampled.critical(0.3)
    assert sampled.p_value(high) >= 0.3 > sampled.p_value(high + 1)
    assert low == -high


def test_same_sizes_are_held_against_the_same_divisions_whatever_the_global_state() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, 12), rng.normal(0.5, 1, 15)
    one = brunner_munzel(first, second)
    np.random.seed(1)  # noqa: NPY002 - the point: nobody's global state matters
    assert brunner_munzel(first[::-1], second) == one
