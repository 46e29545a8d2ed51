"""Metrics by name: values, directions, what they are defined for, and tasks that are scored by them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from gondwana import tasks
from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.schema import parse_config
from gondwana.nas.report.data.metric import metric_of
from gondwana.tasks import metrics
from gondwana.tasks.base import Head, TaskInfo

RNG = np.random.default_rng(0)
BINARY = Head("yes", 1, "sigmoid", "binary_crossentropy", "binary_accuracy", 0.5)
CLASSES = Head("class", 4, "softmax", "sparse_categorical_crossentropy", "sparse_categorical_accuracy", 0.25)
LABELS = Head("tags", 3, "sigmoid", "binary_crossentropy", "binary_accuracy", 0.5)
NUMBER = Head("price", 1, "linear", "mean_squared_error", "r2_score", 0.0, scale=(100.0, 20.0))


def softmax(x):
    e = np.exp(x)
    return e / e.sum(axis=1, keepdims=True)


def test_kinds_of_heads():
    kinds = [head.kind for head in (BINARY, CLASSES, LABELS, NUMBER)]
    assert kinds == [metrics.BINARY, metrics.CLASSES, metrics.LABELS, metrics.NUMBER]


def test_classes_are_scored_as_by_scikit_learn():
    y, p = RNG.integers(0, 4, 200), softmax(RNG.normal(size=(200, 4)))
    found, best = metrics.figures(CLASSES.kind, y[:, None], p), p.argmax(axis=1)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(y, best))
    assert found["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(y, best))
    assert found["f1_macro"] == pytest.approx(reference.f1_score(y, best, average="macro"))
    assert found["mcc"] == pytest.approx(reference.matthews_corrcoef(y, best))
    assert found["log_loss"] == pytest.approx(reference.log_loss(y, p, labels=range(4)))
    assert found["roc_auc"] == pytest.approx(reference.roc_auc_score(y, p, multi_class="ovr"))


def test_two_classes_are_scored_as_by_scikit_learn():
    y, p = RNG.integers(0, 2, 300), RNG.uniform(size=(300, 1))
    found = metrics.figures(BINARY.kind, y, p)
    assert found["f1"] == pytest.approx(reference.f1_score(y, p[:, 0] > 0.5))
    assert found["roc_auc"] == pytest.approx(reference.roc_auc_score(y, p[:, 0]))
    assert found["average_precision"] == pytest.approx(reference.average_precision_score(y, p[:, 0]))
    assert found["log_loss"] == pytest.approx(reference.log_loss(y, p[:, 0]))


def test_several_labels_are_scored_as_by_scikit_learn():
    y, p = RNG.integers(0, 2, (150, 3)), RNG.uniform(size=(150, 3))
    found = metrics.figures(LABELS.kind, y, p)
    assert found["f1_micro"] == pytest.approx(reference.f1_score(y, p > 0.5, average="micro"))
    assert found["roc_auc"] == pytest.approx(reference.roc_auc_score(y, p))
    assert "mcc" not in found


def test_errors_of_numbers_are_in_the_units_from_before():
    y, p = RNG.normal(size=100), RNG.normal(size=(100, 1))
    found = metrics.figures(NUMBER.kind, y, p, NUMBER.scale)
    assert found["mae"] == pytest.approx(20 * reference.mean_absolute_error(y, p))
    assert found["rmse"] == pytest.approx(20 * reference.root_mean_squared_error(y, p))
    assert found["r2"] == pytest.approx(reference.r2_score(y, p))
    expected = reference.mean_absolute_percentage_error(y * 20 + 100, p * 20 + 100)
    assert found["mape"] == pytest.approx(expected)
    assert found["quantile_loss_0.9"] == pytest.approx(20 * reference.mean_pinball_loss(y, p, alpha=0.9))


def test_what_is_not_defined_is_left_out():
    found = metrics.figures(BINARY.kind, np.ones(5), np.full((5, 1), 0.7))
    assert "roc_auc" not in found
    assert found["accuracy"] == 1.0
    assert math.isnan(metrics.value_of("roc_auc", BINARY.kind, np.ones(5), np.full((5, 1), 0.7)))


@pytest.mark.parametrize(
    ("name", "larger"),
    [
        ("roc_auc", True),
        ("log_loss", False),
        ("mae", False),
        ("mean_absolute_error", False),
        ("binary_crossentropy", False),
        ("sparse_categorical_accuracy", True),
        ("r2_score", True),
    ],
)
def test_every_metric_has_a_direction(name, larger):
    assert metrics.larger_is_better(name) is larger
    assert metrics.fitness(name, 0.3) == (0.3 if larger else -0.3)


def test_the_fitness_of_an_own_task_with_an_error_is_its_negative():
    """Regression: an error was maximized without a word."""
    import keras

    from gondwana.tasks.training.objective import Objective

    head = Head("price", 1, "linear", "mean_squared_error", "mean_absolute_error", 0.8)
    info = TaskInfo("own", (2,), (head,))
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1, name="price")(inputs))
    found = Objective(model, info).score(np.array([0.0, 1.0]), [np.array([[1.0], [1.0]])], every_metric=True)
    assert found["fitness"] == -0.5
    assert found["price_mean_absolute_error"] == found["price_mae"] == 0.5
    assert info.chance == -0.8


@pytest.mark.parametrize("name", ["f1_macro", "log_loss"])
def test_a_task_is_scored_by_another_metric(name):
    plain, other = tasks.get("digits"), tasks.get("digits", metric=name)
    assert other.info.heads[0].metric == name
    assert other.info.options == {**plain.info.options, "metric": name}
    assert other.info.chance == (0.0 if name == "f1_macro" else -math.log(10))
    np.testing.assert_array_equal(other.test_data().y, plain.test_data().y)


def test_accuracy_keeps_the_chance_level_that_the_task_knows():
    head = Head("income", 1, "sigmoid", "binary_crossentropy", "binary_accuracy", 0.75)
    assert head.scored_by("accuracy").chance == 0.75


@pytest.mark.parametrize(
    ("metric", "message"),
    [("f1_makro", "Did you mean 'f1_macro'"), ("mae", "predicts one of several classes"), (3, "Received: 3")],
)
def test_a_metric_that_does_not_fit_is_refused(metric, message):
    with pytest.raises(ValueError, match=message):
        _ = tasks.get("digits", metric=metric).info


def test_a_config_names_the_metric_beside_the_task():
    section = {"kind": "compare", "architecture": {"name": "small_cnn"}, "functions": 2}
    data = {"name": "x", "task": {"name": "digits", "metric": "balanced_accuracy"}, "search": section}
    config = parse_config(data, source="x")
    assert config.task.options == {"metric": "balanced_accuracy"}
    assert metric_of(config.to_json()) == "balanced accuracy"
    assert metric_of({"task": {"name": "digits", "options": {"metric": "log_loss"}}}) == "negative log loss"
    with pytest.raises(ConfigError, match="metrc"):
        parse_config({**data, "task": {"name": "digits", "metrc": "f1"}}, source="x")


def test_a_metric_of_ones_own_is_registered_by_name():
    def worst_class(kind, y, p):
        hits = p.argmax(axis=1) == y
        return float(min(hits[y == label].mean() for label in np.unique(y)))

    own = metrics.Metric("worst_class", frozenset({metrics.CLASSES}), worst_class, lambda k: 0.0)
    metrics.register_metric(own)
    try:
        assert tasks.get("digits", metric="worst_class").info.chance == 0.0
        y = np.array([0, 0, 1, 1])
        p = np.eye(10)[[0, 1, 1, 1]]
        assert metrics.value_of("worst_class", metrics.CLASSES, y, p) == 0.5
        with pytest.raises(ValueError, match="already"):
            metrics.register_metric(metrics.Metric("mcc", own.kinds, worst_class, own.chance))
    finally:
        del metrics.METRICS["worst_class"]


def test_the_errors_of_a_table_are_in_the_units_of_its_target(tmp_path):
    rows = RNG.normal(size=(60, 2))
    prices = 1000 + 200 * rows[:, 0]
    lines = [f"{a},{b},{price}" for (a, b), price in zip(rows, prices, strict=True)]
    (tmp_path / "houses.csv").write_text("\n".join(["a,b,price", *lines]), encoding="utf-8")
    task = tasks.get("table", path=str(tmp_path / "houses.csv"), target="price", metric="mae").resolved()
    head = task.info.heads[0]
    assert head.scale == pytest.approx((prices.mean(), prices.std()), rel=0.2)
    assert task.info.chance == pytest.approx(-0.798 * head.scale[1], rel=0.01)
    again = tasks.get("table", **task.info.options)  # as a worker is told of it
    assert again.info.heads == task.info.heads
