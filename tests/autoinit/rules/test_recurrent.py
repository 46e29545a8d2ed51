"""Recurrent layers: the seeded simulation against one with many more sequences."""

import keras
import numpy as np
import pytest

from gondwana import autoinit
from tests.helpers.simulation import model_of

layers = keras.layers
SERIES = (7, 5)


@pytest.mark.parametrize(
    "make, shape",
    [
        (lambda: layers.SimpleRNN(6, return_sequences=True), SERIES),
        (lambda: layers.GRU(6), SERIES),
        (lambda: layers.LSTM(6, return_sequences=True), SERIES),
        (lambda: layers.RNN(layers.GRUCell(6)), SERIES),
        (lambda: layers.Bidirectional(layers.LSTM(6)), SERIES),
        (lambda: layers.ConvLSTM1D(4, 3), (4, 6, 3)),
        (lambda: layers.ConvLSTM2D(4, 3), (4, 6, 6, 3)),
        (lambda: layers.ConvLSTM3D(3, 2), (3, 4, 4, 4, 2)),
    ],
)
def test_simulated_signal_is_that_of_the_layer(make, shape):
    model = model_of(make(), shape)
    signal = autoinit.plan(model, input_mean=0.3, input_variance=1.5, samples=60_000).calls[-1].outputs[0]
    x = np.random.default_rng(9).normal(0.3, 1.5**0.5, (512, *shape)).astype("float32")
    y = np.asarray(keras.ops.convert_to_numpy(model(x, training=False)), np.float64)
    assert signal.mean == pytest.approx(y.mean(), abs=0.15 * y.std())
    assert signal.variance == pytest.approx(y.var(), rel=0.2)


def test_stateful_layer_keeps_its_state():
    layer = layers.GRU(4, stateful=True)
    inputs = keras.Input(batch_shape=(8, 5, 3))
    model = keras.Model(inputs, layer(inputs))
    before = [np.asarray(keras.ops.convert_to_numpy(v)) for v in layer.non_trainable_variables]
    autoinit.plan(model)
    for a, b in zip(before, layer.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(a, np.asarray(keras.ops.convert_to_numpy(b)))


def test_unknown_length_is_assumed():
    model = model_of(layers.LSTM(4), (None, 3))
    assert autoinit.plan(model).calls[-1].outputs[0].variance > 0
