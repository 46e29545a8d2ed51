"""Baselines: what a constant and a linear model reach, for every kind of head."""

from __future__ import annotations

import numpy as np
import pytest

from gondwana.tasks import baselines
from gondwana.tasks.base import Head, Split, TaskInfo
from gondwana.tasks.baselines import CONSTANT, LINEAR, fit_baselines


def info(*heads: Head, shape: tuple[int, ...] = (3,), vocabulary: int | None = None) -> TaskInfo:
    return TaskInfo("made", shape, heads, vocabulary=vocabulary)


CLASSES = Head("c", 3, "softmax", "sparse_categorical_crossentropy", "accuracy", 1 / 3)
BINARY = Head("b", 1, "sigmoid", "binary_crossentropy", "accuracy", 0.5)
NUMBER = Head("n", 1, "linear", "mean_squared_error", "r2", 0.0)
LABELS = Head("l", 2, "sigmoid", "binary_crossentropy", "accuracy", 0.5)


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)


def test_classes_that_a_plane_divides_are_told_apart(x: np.ndarray) -> None:
    y = x.argmax(axis=1)
    constant, linear = fit_baselines(info(CLASSES), Split(x[:200], y[:200]), x[200:])
    assert (constant.name, linear.name) == (CONSTANT, LINEAR)
    shares = np.bincount(y[:200], minlength=3) / 200
    assert constant.outputs[0] == pytest.approx(np.tile(shares, (100, 1)))
    assert linear.outputs[0].shape == (100, 3)
    assert (linear.outputs[0].argmax(axis=1) == y[200:]).mean() > 0.9
    assert "200 of 200 training rows" in linear.note


def test_two_classes_labels_and_numbers_have_the_outputs_of_a_network(x: np.ndarray) -> None:
    y = {
        "b": (x[:, 0] > 0).astype(int),
        "n": 2 * x[:, 1] + 1,
        "l": (x[:, :2] > 0).astype(int),
    }
    train = Split(x[:200], {name: values[:200] for name, values in y.items()})
    _, linear = fit_baselines(info(BINARY, NUMBER, LABELS), train, x[200:])
    binary, number, labels = linear.outputs
    assert [found.shape for found in linear.outputs] == [(100, 1), (100, 1), (100, 2)]
    assert ((binary[:, 0] > 0.5) == y["b"][200:]).mean() > 0.95
    assert np.abs(number[:, 0] - y["n"][200:]).max() < 0.1
    assert ((labels > 0.5) == y["l"][200:]).mean() > 0.95


def test_a_class_without_training_rows_and_rows_without_a_label_do_no_harm(x: np.ndarray) -> None:
    y = np.where(x[:, 0] > 0, 2, 0)
    y[:50] = -1
    constant, linear = fit_baselines(info(CLASSES), Split(x, y), x)
    assert constant.outputs[0][0, 1] == 0
    assert constant.outputs[0][0].sum() == pytest.approx(1)
    assert (linear.outputs[0][50:].argmax(axis=1) == y[50:]).mean() > 0.9


def test_tokens_are_counted() -> None:
    x = np.random.default_rng(0).integers(0, 20, (200, 8)).astype(np.int32)
    y = (x == 7).any(axis=1).astype(int)
    _, linear = fit_baselines(info(BINARY, shape=(8,), vocabulary=20), Split(x, y), x)
    assert ((linear.outputs[0][:, 0] > 0.5) == y).mean() > 0.95


def test_a_large_task_is_fitted_on_a_part_of_its_rows(x: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    y = x.argmax(axis=1)
    monkeypatch.setattr(baselines, "EFFORT", 9 * 150)
    assert "150 of 300 training rows" in fit_baselines(info(CLASSES), Split(x, y), x)[1].note
    monkeypatch.setattr(baselines, "EFFORT", 9 * 50)
    assert [found.name for found in fit_baselines(info(CLASSES), Split(x, y), x)] == [CONSTANT]
