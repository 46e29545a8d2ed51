"""Class weights, label smoothing and early stopping: values by hand, and what they do to a training."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.schema import parse_config
from gondwana.tasks.base import Head, SearchData, Split, TaskInfo
from gondwana.tasks.training.fit import score, train
from gondwana.tasks.training.objective import Objective
from gondwana.tasks.training.recipe import Recipe
from gondwana.tasks.training.weighting import class_weights

CLASSES = Head("class", 3, "softmax", "sparse_categorical_crossentropy", "sparse_categorical_accuracy", 1 / 3)
BINARY = Head("yes", 1, "sigmoid", "binary_crossentropy", "balanced_accuracy", 0.5)
NUMBER = Head("price", 1, "linear", "mean_squared_error", "r2", 0.0)


def model_of(head: Head) -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((2,))
    return keras.Model(
        inputs, keras.layers.Dense(head.units, activation=head.activation, name=head.name)(inputs)
    )


def info_of(head: Head) -> TaskInfo:
    return TaskInfo("own", (2,), (head,))


def test_balanced_weights_have_mean_one_over_the_examples():
    y = np.array([0] * 8 + [1] * 2)
    weights = class_weights("balanced", CLASSES, y)
    assert weights == pytest.approx([10 / 16, 10 / 4, 1.0])  # class 2 does not occur
    assert weights[y].mean() == pytest.approx(1.0)
    assert class_weights({"1": 5}, BINARY, y) == pytest.approx([1.0, 5.0])
    assert class_weights(None, CLASSES, y) is None


@pytest.mark.parametrize("head", [CLASSES, BINARY])
def test_the_loss_is_weighted_by_class(head):
    y = np.array([[0], [1], [1]])
    p = np.array([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.2, 0.1, 0.7]], np.float32)[:, : head.units]
    weights = np.array([1.0, 3.0, 1.0], np.float32)[: 2 if head.units == 1 else 3]
    chosen = p[np.arange(3), y[:, 0]] if head.units > 1 else np.where(y[:, 0] == 1, p[:, 0], 1 - p[:, 0])
    objective = Objective(model_of(head), info_of(head), weights={head.name: weights})
    expected = np.mean(weights[y[:, 0]] * -np.log(chosen))
    assert float(objective.loss(0, y, p)) == pytest.approx(expected, rel=1e-4)
    assert objective.score(y[:, 0], [p])["loss"] == pytest.approx(np.mean(-np.log(chosen)), rel=1e-4)


def test_smoothed_targets_are_spread_over_the_classes():
    y, p = np.array([[0], [2]]), np.array([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1]], np.float32)
    objective = Objective(model_of(CLASSES), info_of(CLASSES), label_smoothing=0.3)
    target = np.eye(3)[y[:, 0]] * 0.7 + 0.1
    assert float(objective.loss(0, y, p)) == pytest.approx(-np.mean((target * np.log(p)).sum(1)), rel=1e-4)
    with pytest.raises(ValueError, match=r"label_smoothing.*'price'"):
        Objective(model_of(NUMBER), info_of(NUMBER), label_smoothing=0.1)


def rare(count: int, seed: int) -> Split:
    rng = np.random.default_rng(seed)
    y = (rng.uniform(size=count) < 0.06).astype(np.int32)
    x = rng.normal(size=(count, 2)) + 1.2 * y[:, None]
    return Split(np.ascontiguousarray(x, np.float32), y)


def test_balanced_weights_find_the_rare_class():
    data, found = SearchData(rare(2000, 0), rare(1000, 1)), {}
    for weight in (None, "balanced"):
        model = model_of(BINARY)
        train(
            model, data, info_of(BINARY), Recipe(epochs=15, learning_rate=0.05, class_weight=weight), seed=0
        )
        found[weight] = score(model, data.validation, info_of(BINARY))["fitness"]
    assert found["balanced"] > 0.72
    assert found[None] < 0.6


def test_a_training_ends_early_with_its_best_weights():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 2)).astype(np.float32), rng.integers(0, 3, 64).astype(np.int32)
    data = SearchData(
        Split(x, y), Split(x[::-1].copy(), y)
    )  # nothing to learn: the loss on other labels grows
    model, losses = model_of(CLASSES), []

    def look(epoch):
        losses.append(score(model, data.validation, info_of(CLASSES))["loss"])

    recipe = Recipe(epochs=200, learning_rate=0.3, batch_size=16, early_stopping=4)
    history = train(model, data, info_of(CLASSES), recipe, seed=0, on_epoch=look)
    assert len(history.epochs) < 200
    assert history.steps == 4 * len(history.epochs)
    assert int(np.argmin(losses)) == len(losses) - 5
    assert score(model, data.validation, info_of(CLASSES))["loss"] == pytest.approx(min(losses), rel=1e-5)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"class_weight": "rare"}, "'balanced' or a mapping"),
        ({"class_weight": {"cat": 2}}, "class numbers"),
        ({"class_weight": {1: -2}}, "greater than 0"),
        ({"label_smoothing": 1.5}, "label_smoothing"),
        ({"early_stopping": 0}, "early_stopping"),
    ],
)
def test_wrong_values_are_refused(recipe, message):
    with pytest.raises(ValueError, match=message):
        Recipe.from_json(recipe)


def test_class_weights_of_no_class_are_refused():
    with pytest.raises(ValueError, match="names class 3"):
        class_weights({3: 2.0}, CLASSES, np.zeros(3))
    with pytest.raises(ValueError, match="'price' is not"):
        class_weights("balanced", NUMBER, np.zeros(3))


def test_recipes_of_before_are_written_as_before():
    assert not {"class_weight", "label_smoothing", "early_stopping"} & set(Recipe().to_json())
    recipe = Recipe(class_weight={1: 2.0}, early_stopping=3)
    assert Recipe.from_json(recipe.to_json()).to_json() == recipe.to_json()


def test_two_ways_to_end_a_training_are_refused():
    search = {
        "kind": "codeepneat",
        "population": {"blueprints": 2, "modules": 2},
        "species": {"blueprints": 1, "modules": 1},
        "fidelity": {"rungs": [1, 2]},
        "space": {"layers": ["Dense"], "genes": {"units": [8]}},
    }
    data = {
        "name": "x",
        "task": {"name": "digits"},
        "search": search,
        "training": {"epochs": 2, "early_stopping": 1},
    }
    with pytest.raises(ConfigError, match="leave one out"):
        parse_config(data, source="x")
