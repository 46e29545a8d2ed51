"""The Hodges-Lehmann estimate, its interval, and verdicts that cannot contradict it."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gondwana.nas.statistics import compare
from gondwana.nas.statistics.two_groups import pseudomedian
from gondwana.nas.statistics.two_groups.pseudomedian import pseudomedian as estimate

WORKED = np.array([1.1, -0.4, 2.3, 0.7, 1.9, -0.2, 0.9, 1.4, 3.0, 0.3])


def walsh(values: np.ndarray) -> np.ndarray:
    return np.sort([(a + b) / 2 for i, a in enumerate(values) for b in values[i:]])


def test_a_small_sample_has_the_interval_of_the_tables() -> None:
    """For 10 pairs the ninth Walsh average from either end bounds a 95% interval (R: ``qsignrank(0.025, 10)`` = 9)."""
    averages = walsh(WORKED)
    found = estimate(WORKED)
    assert (found.estimate, found.low, found.high) == pytest.approx((averages[27], averages[8], averages[-9]))


def test_too_few_pairs_have_no_bounds() -> None:
    found = estimate(np.arange(1.0, 6.0))
    assert (found.estimate, found.low, found.high) == (3.0, -math.inf, math.inf)
    assert math.isnan(estimate(np.array([])).estimate)


def test_bisection_finds_what_a_list_would(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=401)
    listed = estimate(values)
    monkeypatch.setattr(pseudomedian, "LISTED_UP_TO", 0)
    assert tuple(map(float, (estimate(values).estimate, estimate(values).low))) == pytest.approx(
        (listed.estimate, listed.low), rel=1e-12
    )


@pytest.mark.parametrize("size", [8, 25, 70])
def test_the_interval_covers(size: int) -> None:
    rng = np.random.default_rng(size)
    found = [estimate(rng.standard_t(3, size) + 0.3) for _ in range(600)]
    assert np.mean([item.low <= 0.3 <= item.high for item in found]) > 0.93


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-5, 9), min_size=6, max_size=40))
def test_a_verdict_names_one_winner(differences: list[int]) -> None:
    """Test, direction and estimate point the same way, and a minority that decides is said to be one."""
    change = np.array(differences) / 100
    base = np.linspace(0.5, 0.9, change.size)
    pair_comparison = compare({"old": base, "new": np.round(base + change, 12)}, paired=True, resamples=9)
    pair, text = pair_comparison.pairs[0], pair_comparison.verdicts()[0]
    if " is better than " not in text:
        return
    winner = 1 if text.startswith("new is better") else -1
    assert winner == pair.direction
    assert pair.shift is not None
    assert winner * pair.shift.estimate >= -1e-12
    wins = int(re.search(r"ahead in (?:only )?(\d+)%", text)[1])  # type: ignore[index]
    assert ("a minority gains much" in text) == (winner * (pair.superiority.estimate - 0.5) < 0)
    assert wins >= 50 or "a minority gains much" in text
