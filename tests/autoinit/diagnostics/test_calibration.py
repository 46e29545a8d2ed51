"""One forward pass that corrects what the plan missed."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from gondwana import autoinit
from gondwana.autoinit import AutoInitError


def convnet() -> keras.Model:
    inputs = keras.Input((12, 12, 1))
    x = layers.MaxPooling2D()(layers.Conv2D(8, 3, activation="relu", name="first")(inputs))
    x = layers.BatchNormalization()(layers.Conv2D(12, 3, activation="tanh", name="second")(x))
    return keras.Model(inputs, layers.Dense(5, activation="softmax", name="head")(layers.Flatten()(x)))


def attention() -> keras.Model:
    inputs = keras.Input((10,), dtype="int32")
    x = layers.Embedding(30, 16)(inputs)
    x = x + layers.MultiHeadAttention(2, 8)(x, x)
    x = layers.Bidirectional(layers.LSTM(8, return_sequences=True))(x)
    return keras.Model(inputs, layers.TimeDistributed(layers.Dense(4))(x))


def shared() -> keras.Model:
    layer = layers.Dense(16, activation="relu")
    first, second = keras.Input((16,)), keras.Input((16,))
    return keras.Model([first, second], layers.Dense(3)(ops.abs(layer(first) - layer(second))))


@pytest.mark.parametrize("make", [convnet, attention, shared])
def test_every_drawn_layer_is_within_the_tolerance_afterwards(make):
    model = make()
    found = autoinit.calibrate(model, seed=3)
    assert {row.name for row in found.layers} == {call.name for call in found.plan.calls if call.weighted}
    for row in found.layers:
        assert abs(np.log(row.corrected / row.predicted)) <= np.log1p(0.05) + 1e-3, row
    assert any(row.corrected != row.measured for row in found.layers)


def test_a_later_layer_sees_what_was_corrected_before_it():
    model = convnet()
    found = autoinit.calibrate(model, seed=3)
    again = autoinit.calibrate(model.__class__.from_config(model.get_config()), seed=3, tolerance=1e9)
    assert again.layers[0].measured == pytest.approx(found.layers[0].measured, rel=1e-4)
    assert again.layers[1].measured != pytest.approx(found.layers[1].measured, rel=1e-3)


def test_weights_of_a_calibrated_model_are_those_of_the_table():
    model = convnet()
    found = autoinit.calibrate(model, seed=3)
    planned = model.get_layer("first").get_weights()[0]
    autoinit.apply(found.plan, model, seed=3)
    ratio = planned / model.get_layer("first").get_weights()[0]
    np.testing.assert_allclose(ratio**2, found.layers[0].predicted / found.layers[0].measured, rtol=1e-4)


def test_the_data_of_the_caller_count():
    model = convnet()
    data = np.random.default_rng(0).normal(50.0, 5.0, (200, 12, 12, 1))
    found = autoinit.calibrate(model, data, seed=1)
    first = found.layers[0]
    assert first.corrected == pytest.approx(1.0, rel=0.051)
    kernel = model.get_layer("first").kernel
    output = ops.mean(ops.square(ops.conv(data[:128].astype("float32"), kernel)))
    assert float(output) == pytest.approx(1.0, rel=0.1)


def test_the_strategy_calibrates_and_repeats_itself():
    first, second = convnet(), convnet()
    for model in (first, second):
        autoinit.initialize(model, "autoinit-calibrated", seed=5)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    plain = convnet()
    autoinit.initialize(plain, "autoinit", seed=5, options={"propagation": "exact"})
    assert not np.array_equal(plain.get_weights()[0], first.get_weights()[0])


def test_statistics_and_frozen_layers_stay():
    model = convnet()
    norm = next(layer for layer in model.layers if isinstance(layer, layers.BatchNormalization))
    model.get_layer("first").trainable = False
    before = [w.tobytes() for w in (*norm.get_weights(), *model.get_layer("first").get_weights())]
    found = autoinit.calibrate(model, seed=3)
    after = [w.tobytes() for w in (*norm.get_weights(), *model.get_layer("first").get_weights())]
    assert before == after
    assert [row.name for row in found.layers] == ["second", "head"]


class Failing(keras.Layer):
    """Fails once it is given numbers."""

    armed = False

    def call(self, x):
        if Failing.armed and not isinstance(x, keras.KerasTensor):
            raise RuntimeError("no")
        return x


def test_an_error_in_the_pass_leaves_the_weights_as_they_were():
    inputs = keras.Input((6,))
    model = keras.Model(inputs, layers.Dense(3)(Failing()(layers.Dense(4)(inputs))))
    before = [w.tobytes() for w in model.get_weights()]
    Failing.armed = True
    try:
        with (
            pytest.warns(UserWarning, match="could not be simulated"),
            pytest.raises(RuntimeError, match="no"),
        ):
            autoinit.calibrate(model, seed=0)
    finally:
        Failing.armed = False
    assert [w.tobytes() for w in model.get_weights()] == before


@pytest.mark.parametrize("tolerance", [-0.1, float("nan"), "5%"])
def test_a_tolerance_that_is_none_is_refused(tolerance):
    with pytest.raises(AutoInitError, match="tolerance"):
        autoinit.calibrate(convnet(), tolerance=tolerance)


def test_a_calibration_prints_a_table():
    text = str(autoinit.calibrate(convnet(), seed=3))
    assert text.splitlines()[0].split() == ["layer", "class", "predicted", "measured", "corrected"]
    assert len(text.splitlines()) == 4
