"""Planning figures are checked by simulating experiments with the effect that they name, with the test in force."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from gondwana.nas.statistics import adjust
from gondwana.nas.statistics.planning.power import least_size, rank_power
from gondwana.nas.statistics.result import Test
from gondwana.nas.statistics.two_groups import paired as paired_tests
from gondwana.nas.statistics.two_groups import superiority

EXPERIMENTS = 500


def gaussian(rng: np.random.Generator, size: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return independent Gaussian groups with this P(second > first)."""
    return rng.normal(size=size), rng.normal(math.sqrt(2) * stats.norm.ppf(share), 1, size)


def shown(test: Callable[..., Test], experiments: Iterable[Sequence[np.ndarray]]) -> float:
    """Return the share of experiments in which the first two groups differ after Holm's correction over all pairs."""
    found = [adjust([test(a, b).p for a, b in combinations(groups, 2)], "holm")[0] for groups in experiments]
    return float(np.mean(np.array(found) < 0.05))


@pytest.mark.parametrize(("size", "groups"), [(8, 2), (25, 2), (12, 3)])
def test_independent_groups_show_what_they_are_said_to_show(size: int, groups: int) -> None:
    """With three groups of which two are equal, after Holm's correction, whose later steps are easier."""
    rng = np.random.default_rng(size)
    alpha = 0.05 / math.comb(groups, 2)
    share = rank_power(rng.normal(size=size), rng.normal(size=size), alpha=alpha).detectable
    experiments = (
        [*gaussian(rng, size, share), *rng.normal(size=(groups - 2, size))] for _ in range(EXPERIMENTS)
    )
    assert 0.74 < shown(superiority.brunner_munzel, experiments) < (0.86 if groups == 2 else 0.90)


@pytest.mark.parametrize(("size", "groups"), [(10, 2), (30, 2), (16, 3)])
def test_pairs_show_what_they_are_said_to_show(size: int, groups: int) -> None:
    rng = np.random.default_rng(size)
    alpha = 0.05 / math.comb(groups, 2)
    share = rank_power(rng.normal(size=size), rng.normal(size=size), alpha=alpha, paired=True).detectable
    shift = np.array([0.0, math.sqrt(2) * stats.norm.ppf(share), *[0.0] * (groups - 2)])[:, None]
    experiments = (rng.normal(size=(groups, size)) + shift for _ in range(EXPERIMENTS))
    assert 0.70 < shown(paired_tests.wilcoxon, experiments) < (0.86 if groups == 2 else 0.90)


@pytest.mark.parametrize("paired", [False, True])
def test_groups_too_small_to_show_anything_have_no_detectable_effect(paired: bool) -> None:
    found = rank_power(np.array([0.1, 0.2, 0.3]), np.array([0.11, 0.35, 0.29]), alpha=0.01, paired=paired)
    assert math.isnan(found.detectable)
    assert found.needed >= least_size(0.01, paired=paired)


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("size", [5, 8, 40, 300])
def test_no_effect_is_said_to_be_beyond_certainty(size: int, paired: bool) -> None:
    rng = np.random.default_rng(size)
    found = rank_power(rng.normal(size=size), rng.normal(size=size), alpha=0.05 / 6, paired=paired)
    assert math.isnan(found.detectable) or 0.5 < found.detectable < 0.9999


@pytest.mark.parametrize("paired", [False, True])
def test_larger_groups_show_smaller_effects(paired: bool) -> None:
    rng = np.random.default_rng(0)
    sizes = (10, 30, 100, 1000)
    found = [rank_power(rng.normal(size=n), rng.normal(size=n), paired=paired).detectable for n in sizes]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.56


def test_failures_at_chance_stay_tied() -> None:
    """Where both groups are at chance nearly always, nothing much can be shown."""
    rng = np.random.default_rng(0)
    tied = np.where(np.arange(40) < 30, 0.1, rng.normal(0.8, 0.02, 40))
    free = rank_power(rng.normal(size=40), rng.normal(size=40))
    half = rank_power(tied, rng.permutation(tied))
    assert 0.5 < half.detectable < free.detectable  # ties count half, so a share of 1/2 holds for most pairs
    alike = rank_power(tied, tied + np.where(np.arange(40) < 39, 0, 0.01), paired=True)
    assert math.isnan(alike.detectable)


@pytest.mark.parametrize(
    ("alpha", "paired", "size"), [(0.05, True, 6), (0.05, False, 4), (0.05 / 3, False, 5)]
)
def test_the_least_size_is_the_first_with_a_small_enough_p_value(
    alpha: float, paired: bool, size: int
) -> None:
    assert least_size(alpha, paired=paired) == size
