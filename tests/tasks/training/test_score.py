"""Scoring, against Keras' own evaluate and against counting by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from gondwana.tasks.base import Head, SearchData, Split, TaskInfo
from gondwana.tasks.training.fit import score, train
from gondwana.tasks.training.loops import predict
from gondwana.tasks.training.recipe import Recipe
from tests.helpers.networks import dense_network


def test_score_equals_keras_evaluate(digits, digits_data):
    model = dense_network(digits.info, dropout=0.5)
    result = score(model, digits_data.validation, digits.info)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
    theirs = model.evaluate(digits_data.validation.x, digits_data.validation.y, verbose=0, return_dict=True)
    assert result["fitness"] == pytest.approx(theirs["sparse_categorical_accuracy"], abs=1e-6)
    assert result["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
    assert set(result) >= {"fitness", "loss", "output_loss", "output_sparse_categorical_accuracy"}
    assert result["output_accuracy"] == pytest.approx(result["fitness"])


def test_fitness_is_a_count_over_a_count_in_double_precision(digits, digits_data):
    model = dense_network(digits.info)
    y = digits_data.validation.y
    right = int((model.predict(digits_data.validation.x, verbose=0).argmax(1) == y).sum())
    assert score(model, digits_data.validation, digits.info)["fitness"] == right / len(y)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 20])
def test_predictions_do_not_depend_on_the_batches(n, digits, digits_data):
    model = dense_network(digits.info)
    x = digits_data.validation.x[:n]
    (ours,) = predict(model, x, 8)
    assert ours.shape == (n, 10)
    np.testing.assert_allclose(ours, model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


BINARY = TaskInfo(
    "binary", (3,), (Head("output", 1, "sigmoid", "binary_crossentropy", "binary_accuracy", 0.5),)
)


def linearly_separable(n: int = 200) -> Split:
    x = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    return Split(x, (x @ [1, -2, 0.5] > 0).astype(np.int32))


def test_a_binary_head_of_one_unit_learns_from_flat_targets():
    split = linearly_separable()
    inputs = keras.Input((3,))
    init = keras.initializers.GlorotUniform(seed=0)
    model = keras.Model(inputs, keras.layers.Dense(1, "sigmoid", kernel_initializer=init)(inputs))
    train(model, SearchData(split, split), BINARY, Recipe(epochs=30, learning_rate=0.05), 0)
    assert score(model, split, BINARY)["fitness"] > 0.95


def two_heads() -> TaskInfo:
    return TaskInfo(
        "two",
        (3,),
        tuple(
            Head(
                name,
                units,
                "softmax",
                "sparse_categorical_crossentropy",
                "sparse_categorical_accuracy",
                1 / units,
            )
            for name, units in (("a", 2), ("b", 3))
        ),
    )


def labelled_by_one_head_each(n: int = 60) -> Split:
    rng = np.random.default_rng(1)
    first = np.arange(n) < n // 2
    return Split(
        rng.normal(size=(n, 3)).astype(np.float32),
        {"a": np.where(first, rng.integers(0, 2, n), -1), "b": np.where(first, -1, rng.integers(0, 3, n))},
    )


def test_examples_without_a_label_do_not_count_for_a_head():
    info, split = two_heads(), labelled_by_one_head_each()
    model = dense_network(info)
    result = score(model, split, info)
    a, b = model.predict(split.x, verbose=0)
    for name, predicted in (("a", a), ("b", b)):
        known = split.y[name] >= 0
        right = predicted[known].argmax(1) == split.y[name][known]
        assert result[f"{name}_sparse_categorical_accuracy"] == right.mean()
        chosen = predicted[known][np.arange(known.sum()), split.y[name][known]]
        assert result[f"{name}_loss"] == pytest.approx(-np.log(chosen).mean(), rel=1e-5)
    assert result["fitness"] == pytest.approx(
        (result["a_sparse_categorical_accuracy"] + result["b_sparse_categorical_accuracy"]) / 2
    )


def test_examples_without_a_label_move_only_the_other_head():
    info, split = two_heads(), labelled_by_one_head_each()
    only_a = Split(split.x[:30], {name: y[:30] for name, y in split.y.items()})
    model = dense_network(info)
    before = {name: model.get_layer(name).get_weights() for name in "ab"}
    train(model, SearchData(only_a, only_a), info, Recipe(epochs=2), 0)
    assert not np.array_equal(before["a"][0], model.get_layer("a").get_weights()[0])
    assert np.array_equal(before["b"][0], model.get_layer("b").get_weights()[0])


def test_a_head_that_no_example_has_a_label_for_is_refused():
    info, split = two_heads(), labelled_by_one_head_each()
    only_a = Split(split.x[:30], {name: y[:30] for name, y in split.y.items()})
    with pytest.raises(ValueError, match="no example with a label for head 'b'"):
        score(dense_network(info), only_a, info)


def test_targets_that_lack_a_head_are_refused():
    info, split = two_heads(), labelled_by_one_head_each()
    with pytest.raises(ValueError, match=r"the targets lack b. Received: a"):
        score(dense_network(info), Split(split.x, {"a": split.y["a"]}), info)
