"""Intervals hold the truth about as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from gondwana.tasks.base import Head
from gondwana.tasks.training.intervals import difference, fitness_of, interval

CLASSES = Head("c", 2, "softmax", "sparse_categorical_crossentropy", "sparse_categorical_accuracy", 0.5)
NUMBER = Head("n", 1, "linear", "mean_squared_error", "rmse", 1.0)


def answers(rng: np.random.Generator, rows: int, accuracy: float) -> tuple[np.ndarray, np.ndarray]:
    y = rng.integers(0, 2, rows)
    said = np.where(rng.random(rows) < accuracy, y, 1 - y)
    return y, np.eye(2)[said]


def test_the_interval_of_an_accuracy_is_wilsons() -> None:
    y, outputs = answers(np.random.default_rng(0), 360, 0.9)
    p, z, n = fitness_of([CLASSES], [y], [outputs]), 1.959964, 360
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    expected = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
    assert interval([CLASSES], [y], [outputs]) == pytest.approx(expected, abs=1e-6)


def test_an_error_is_a_negative_fitness_and_its_interval_holds_the_truth() -> None:
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=(100, 1))
        outputs = y + rng.normal(size=(100, 1))
        low, high = interval([NUMBER], [y], [outputs], seed) or (0.0, 0.0)
        held += low <= -1.0 <= high
    assert held >= 50  # of 57 expected


def test_the_difference_of_equal_answers_is_nothing_and_of_better_ones_more() -> None:
    rng = np.random.default_rng(0)
    y, good = answers(rng, 300, 0.95)
    bad = np.eye(2)[rng.integers(0, 2, 300)]
    assert difference([CLASSES], [y], [good], [good]) == (0.0, 0.0)
    low, high = difference([CLASSES], [y], [good], [bad]) or (0.0, 0.0)
    assert 0.3 < low < high < 0.6


def test_a_handful_of_rows_says_nothing() -> None:
    y = np.zeros((5, 1))
    assert interval([NUMBER], [y], [y]) is None
