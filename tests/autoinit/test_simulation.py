"""Operations without a rule or an integral are simulated, close to what the model does."""

import random

import keras
import numpy as np
import pytest

from gondwana import autoinit

ops, layers = keras.ops, keras.layers

POSITIVE = {
    "rms norm": lambda x: x * ops.rsqrt(ops.mean(x * x, -1, keepdims=True) + 1e-6),
    "softsign": lambda x: x / (1 + ops.abs(x)),
    "softplus": lambda x: ops.log(1 + ops.exp(x)),
    "distance": lambda x: ops.sqrt(ops.sum(ops.square(x - 0.1), -1, keepdims=True) + 1e-7),
    "log softmax": lambda x: x - ops.log(ops.sum(ops.exp(x), -1, keepdims=True)),
    "logsumexp": lambda x: ops.logsumexp(x, -1, keepdims=True),
    "std": lambda x: ops.std(x, -1, keepdims=True),
    "cumsum": lambda x: ops.cumsum(x, -1),
}


@pytest.mark.parametrize("mode", ["paper", "exact"])
@pytest.mark.parametrize("name", POSITIVE)
def test_positive_by_construction_is_predicted(name, mode):
    x = keras.Input((64,))
    model = keras.Model(x, POSITIVE[name](x))
    planned = autoinit.plan(model, propagation=mode).calls[-1]
    values = np.random.default_rng(1).normal(size=(4000, 64)).astype("float32")
    measured = float(np.mean(ops.convert_to_numpy(model(values)) ** 2))
    assert planned.simulated
    assert planned.outputs[0].second_moment == pytest.approx(measured, rel=0.06)


class Tokens(layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 32), initializer="random_normal")

    def call(self, x):
        return x[..., None] * self.w


def test_unknown_layer_is_simulated_and_left_alone():
    x = keras.Input((8,))
    model = keras.Model(x, Tokens(name="tokens")(x))
    before, stream = [w.numpy() for w in model.weights], random.getstate()
    planned = autoinit.plan(model, propagation="exact")
    assert planned.calls[0].outputs[0].second_moment == pytest.approx(0.0025, rel=0.2)
    assert "simulated" in str(planned)
    assert autoinit.plan(model, propagation="exact").calls == planned.calls
    assert random.getstate() == stream
    np.testing.assert_array_equal(before[0], model.weights[0].numpy())


def test_interpolation_is_measured():
    x = keras.Input((5, 6, 4))
    model = keras.Model(x, layers.UpSampling2D(2, interpolation="bilinear")(x))
    values = np.random.default_rng(1).normal(size=(1000, 5, 6, 4)).astype("float32")
    measured = float(np.mean(ops.convert_to_numpy(model(values)) ** 2))
    planned = autoinit.plan(model, propagation="exact").calls[-1]
    assert planned.outputs[0].second_moment == pytest.approx(measured, rel=0.05)
