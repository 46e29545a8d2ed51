"""The bootstrap of medians, which draws no samples, against one that does."""

from __future__ import annotations

import numpy as np
import pytest

from gondwana.nas.statistics import median_difference


def values(kind: str, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return paired columns: alike, unrelated, opposed, or with many results at chance."""
    first = rng.normal(size=size)
    if kind == "alike":
        return first, first + rng.normal(0.2, 0.5, size)
    if kind == "unrelated":
        return first, rng.normal(0.1, 1, size)
    if kind == "opposed":
        return first, -first
    failed = rng.random((2, size)) < [[0.67], [0.42]]
    return np.where(failed[0], -3.0, first), np.where(failed[1], -3.0, first + 0.1)


@pytest.mark.parametrize("kind", ["alike", "unrelated", "opposed", "failed"])
@pytest.mark.parametrize("size", [30, 401])
@pytest.mark.parametrize("paired", [True, False])
def test_the_interval_is_that_of_drawn_samples(kind: str, size: int, paired: bool) -> None:
    rng = np.random.default_rng(3)
    first, second = values(kind, rng, size)
    found = median_difference(first, second, rng=np.random.default_rng(0), paired=paired)
    rows = rng.integers(size, size=(2, 6_000, size))
    samples = np.median(second[rows[0]], axis=1) - np.median(first[rows[0 if paired else 1]], axis=1)
    # Bounds are compared by the share of drawn samples beyond them, since medians of such data jump.
    assert np.mean(samples < found.low) <= 0.025 + 0.012
    assert np.mean(samples <= found.low) >= 0.025 - 0.012
    assert np.mean(samples > found.high) <= 0.025 + 0.012
    assert np.mean(samples >= found.high) >= 0.025 - 0.012
    assert found.low <= found.estimate <= found.high
