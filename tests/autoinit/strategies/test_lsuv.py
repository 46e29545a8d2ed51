"""LSUV: unit variance on the data that it is given."""

import keras
import numpy as np
import pytest

from gondwana import autoinit
from gondwana.autoinit.diagnostics.measure import measure
from gondwana.autoinit.errors import ModelError
from gondwana.autoinit.strategies.lsuv import lsuv

layers = keras.layers


def network():
    x = inputs = keras.Input((8, 8, 3))
    for n in range(4):
        x = layers.Conv2D(16, 3, padding="same", name=f"conv_{n}")(x)
        x = layers.Activation("relu")(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax", name="head")(layers.Flatten()(x)))


def test_every_layer_has_unit_variance_on_the_batch():
    data = 3.0 + 2.0 * np.random.default_rng(0).normal(size=(64, 8, 8, 3)).astype("float32")
    model = lsuv(network(), [data], seed=0)
    for row in measure(model, inputs=[data], training=False):
        if row.name.startswith("conv"):
            assert row.variances[0] == pytest.approx(1.0, abs=0.1)
    assert model.get_layer("head").activation is keras.activations.softmax


def test_constant_data_is_refused():
    with pytest.raises(ModelError, match="LSUV needs a varying output"):
        lsuv(network(), [np.zeros((4, 8, 8, 3), "float32")], seed=0)


def test_strategy_is_a_function_of_the_seed():
    a, b = (autoinit.initialize(network(), "lsuv", seed=3).get_weights() for _ in range(2))
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)
