"""The layers that make the outputs may be scaled to a variance of their own."""

import keras
import numpy as np
import pytest
from keras import layers

from gondwana import autoinit
from gondwana.autoinit import AutoInitError


def scaled(model: keras.Model) -> set[str]:
    """Return the layers whose weights differ when the variance of the outputs is another."""
    before, after = (autoinit.plan(model, output_variance=value).weights for value in (None, 0.01))
    pairs = zip(before, after, strict=True)
    changed = [
        (old.path.rsplit("/", 2)[-2], new.deviation / old.deviation)
        for old, new in pairs
        if old.deviation != new.deviation
    ]
    assert all(factor == pytest.approx(0.1) for _, factor in changed)
    return {name for name, _ in changed}


def body() -> tuple:
    inputs = keras.Input((12, 12, 3))
    return inputs, layers.GlobalAveragePooling2D()(
        layers.Conv2D(8, 3, activation="relu", name="body")(inputs)
    )


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_head_alone(activation):
    inputs, x = body()
    assert scaled(keras.Model(inputs, layers.Dense(10, activation=activation, name="head")(x))) == {"head"}


def test_through_softmax_and_reshape_but_not_beyond():
    inputs, x = body()
    x = layers.Dense(6, name="head")(layers.Dense(9, activation="relu", name="hidden")(x))
    model = keras.Model(inputs, layers.Softmax()(layers.Reshape((2, 3))(x)))
    assert scaled(model) == {"head"}


def test_each_output_has_its_own():
    inputs, x = body()
    heads = [layers.Dense(n, name=f"head{n}")(x) for n in (3, 5)]
    assert scaled(keras.Model(inputs, heads)) == {"head3", "head5"}


def test_an_output_that_something_else_reads_stays():
    inputs, x = body()
    code = layers.Dense(4, name="code")(x)
    assert scaled(keras.Model(inputs, [code, layers.Dense(7, name="decoder")(code)])) == {"decoder"}


def test_a_sum_of_branches_stays():
    inputs, x = body()
    assert scaled(keras.Model(inputs, layers.add([layers.Dense(8, name="a")(x), x]))) == set()


def test_weights_that_are_used_elsewhere_too_stay():
    inputs, x = body()
    shared = layers.Dense(8, name="shared")
    assert scaled(keras.Model(inputs, shared(shared(x)))) == set()


def test_a_classifier_starts_at_the_loss_of_a_guess():
    inputs, x = body()
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(x))
    autoinit.initialize(model, "autoinit", seed=0, options={"output_variance": 0.01})
    rng = np.random.default_rng(0)
    found = model(rng.normal(size=(400, 12, 12, 3)))
    losses = keras.losses.sparse_categorical_crossentropy(rng.integers(0, 10, 400), found)
    assert float(keras.ops.mean(losses)) == pytest.approx(np.log(10), rel=0.02)


def test_calibration_keeps_to_it():
    inputs, x = body()
    model = keras.Model(inputs, layers.Dense(10, name="head")(x))
    rows = autoinit.calibrate(model, seed=0, output_variance=0.01).layers
    assert rows[-1].corrected == pytest.approx(0.01, rel=0.06)


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), "small", True])
def test_no_variance(value):
    inputs, x = body()
    with pytest.raises(AutoInitError, match="output_variance must be positive and finite"):
        autoinit.plan(keras.Model(inputs, x), output_variance=value)
