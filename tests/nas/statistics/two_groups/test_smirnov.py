"""Kolmogorov-Smirnov with ties: exact for small groups, the limiting process for large ones."""

import numpy as np
import pytest
from scipy import stats

from gondwana.nas.statistics.two_groups import smirnov, two_sample


def largest_distance(first: np.ndarray, second: np.ndarray) -> float:
    grid = np.union1d(first, second)
    return max(abs(np.mean(first <= x) - np.mean(second <= x)) for x in grid)


@pytest.mark.parametrize("sizes", [(2, 2), (4, 5), (6, 3), (5, 5)])
@pytest.mark.parametrize("seed", range(4))
def test_small_groups_have_the_p_value_of_all_divisions(sizes: tuple[int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 4, sizes[0]).astype(float), rng.integers(1, 5, sizes[1]).astype(float)
    expected = stats.permutation_test(
        (first, second),
        lambda a, b: round(largest_distance(a, b), 12),
        vectorized=False,
        alternative="greater",
        n_resamples=np.inf,
    )
    distance, p, _ = smirnov.tied(first, second)
    assert distance == pytest.approx(expected.statistic)
    assert p == pytest.approx(expected.pvalue, rel=1e-9)


def test_without_ties_the_walk_gives_scipys_exact_p_value() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, 40), rng.normal(0.5, 1, 25)
    expected = stats.ks_2samp(first, second, method="exact")
    assert smirnov.tied(first, second)[:2] == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


@pytest.mark.parametrize("at_chance", [0.0, 0.6])
def test_large_groups_agree_with_the_exact_p_value(at_chance: float, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    first, second = (
        np.where(rng.random(3_000) < at_chance, 0.1, np.round(rng.normal(0.8 + shift, 0.05, 3_000), 3))
        for shift in (0, 0.0015)
    )
    exact = smirnov.tied(first, second)
    monkeypatch.setattr(smirnov, "EXACT_STEPS", 0)
    simulated = smirnov.tied(first, second)
    assert "simulation" in simulated[2]
    assert simulated[0] == exact[0]
    assert simulated[1] == pytest.approx(exact[1], abs=0.02)


def test_thinning_many_places_keeps_the_p_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ties the limiting distribution is Kolmogorov's."""
    rng = np.random.default_rng(2)
    first, second = rng.random(20_000), rng.random(20_000) + 0.005
    monkeypatch.setattr(smirnov, "EXACT_STEPS", 0)
    distance, p, _ = smirnov.tied(first, second)
    assert p == pytest.approx(stats.kstwobign.sf(distance * 100), abs=0.02)


def test_ties_no_longer_make_the_test_too_careful() -> None:
    """60% of 60 results at chance: the usual p-value rejects about 2% of true hypotheses at 5%."""
    rng = np.random.default_rng(3)
    hits = scipys = 0
    for _ in range(600):
        first, second = (np.where(rng.random(60) < 0.6, 0.1, rng.normal(0.8, 0.05, 60)) for _ in range(2))
        hits += two_sample.kolmogorov_smirnov(first, second).p <= 0.05
        scipys += stats.ks_2samp(first, second, method="asymp").pvalue <= 0.05
    assert 0.025 < hits / 600 < 0.075
    assert scipys < hits
