"""Recurrent layers in NumPy against Keras."""

import keras
import numpy as np
import pytest
from keras import layers

from gondwana.autoinit.frontends.keras.recurrence import run_recurrent

KINDS = [layers.LSTM, layers.GRU, layers.SimpleRNN]


def sequence(features: int = 5) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3, 7, features)).astype(np.float32)


def built(layer: keras.Layer, features: int = 5) -> keras.Layer:
    layer.build((None, 7, features))
    rng = np.random.default_rng(1)
    for variable in layer.trainable_variables:  # biases too, so that each of them is seen
        variable.assign(rng.normal(0.0, 0.5, variable.shape))
    return layer


def assert_same(layer: keras.Layer, x: np.ndarray) -> None:
    expected = keras.tree.flatten(layer(x))
    found = run_recurrent(layer, x)
    assert found is not None
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, keras.ops.convert_to_numpy(theirs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_sequences": True},
        {"return_sequences": True, "return_state": True},
        {"go_backwards": True, "return_sequences": True},
        {"use_bias": False},
        {"activation": "relu"},
        {"activation": None},
    ],
    ids=str,
)
def test_outputs_and_states_are_those_of_keras(kind, options):
    assert_same(built(kind(4, **options)), sequence())


@pytest.mark.parametrize("gate", ["hard_sigmoid", "softsign", "elu"])
def test_other_gates_are_those_of_keras(gate):
    assert_same(built(layers.LSTM(4, recurrent_activation=gate)), sequence())


@pytest.mark.parametrize("use_bias", [True, False])
def test_a_gru_that_resets_before_the_product(use_bias):
    layer = layers.GRU(4, reset_after=False, use_bias=use_bias, return_sequences=True)
    assert_same(built(layer), sequence())


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("sequences", [True, False])
def test_both_directions(merge, sequences):
    inner = layers.LSTM(4, return_sequences=sequences, return_state=True)
    assert_same(built(layers.Bidirectional(inner, merge_mode=merge)), sequence())


def test_both_directions_unmerged():
    inner = layers.GRU(4, return_sequences=True)
    assert_same(built(layers.Bidirectional(inner, merge_mode=None)), sequence())


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_sequences": True, "return_state": True},
        {"go_backwards": True, "return_sequences": True, "use_bias": False},
        {"padding": "same", "strides": 2, "return_sequences": True},
        {"dilation_rate": 2, "padding": "same"},
    ],
    ids=str,
)
def test_convolutional_lstms(dimensions, options):
    kind = (layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)[dimensions - 1]
    x = np.random.default_rng(0).normal(size=(2, 3, *[6] * dimensions, 2)).astype(np.float32)
    layer = kind(3, 3, **options)
    layer.build((None, *x.shape[1:]))
    for variable in layer.trainable_variables:
        variable.assign(np.random.default_rng(1).normal(0.0, 0.5, variable.shape))
    assert_same(layer, x)


def test_states_at_the_start_are_used():
    layer = built(layers.LSTM(4, return_sequences=True))
    rng = np.random.default_rng(2)
    states = [rng.normal(size=(3, 4)).astype(np.float32) for _ in range(2)]
    found = run_recurrent(layer, sequence(), states)
    expected = keras.ops.convert_to_numpy(layer(sequence(), initial_state=states))
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        layers.RNN(layers.LSTMCell(4)),
        layers.LSTM(4, activation=keras.ops.sin),
        layers.LSTM(4, dtype="mixed_float16"),
        layers.LSTM(4, stateful=True),
        layers.Bidirectional(layers.LSTM(4, activation="gelu")),
        type("Own", (layers.LSTM,), {})(4),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_what_is_not_known_is_left_to_keras(layer):
    if not getattr(layer, "stateful", False):
        layer.build((None, 7, 5))
    assert run_recurrent(layer, sequence()) is None
