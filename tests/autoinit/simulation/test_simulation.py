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


class Crash(layers.Layer):
    def call(self, x):
        raise RuntimeError("no such thing")

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape)


class Draws(layers.Layer):
    """Draws from every stream that there is, counts its calls and adds a loss."""

    def build(self, shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        self.calls.assign_add(1.0)
        self.add_loss(ops.mean(x))
        return x * keras.random.normal(ops.shape(x)) + random.random() + np.random.rand()  # noqa: NPY002


def test_a_layer_that_cannot_be_run_is_named_and_passed_through():
    x = keras.Input((8,))
    model = keras.Model(x, layers.Dense(4)(Crash(name="broken")(x)))
    with pytest.warns(
        UserWarning, match=r"Crash 'broken' could not be simulated \(RuntimeError: .*no such"
    ) as seen:
        planned = autoinit.plan(model)
    assert seen[0].filename == __file__
    assert planned.calls[0].outputs[0].second_moment == pytest.approx(1)
    assert not planned.calls[0].simulated


def test_nothing_that_a_layer_does_in_a_simulation_stays():
    x = keras.Input((16,))
    model = keras.Model(x, layers.Dense(4)(Draws()(layers.Dropout(0.5)(x))))
    model.layers[1].seed_generator.next()
    held = [ops.convert_to_numpy(variable).copy() for layer in model.layers for variable in layer.variables]

    def streams(planned):
        keras.utils.set_random_seed(5)
        keras.random.normal(())
        if planned:
            first, second = (autoinit.plan(model, propagation="exact") for _ in range(2))
            assert first.calls == second.calls
            assert first.calls[1].simulated
        return float(keras.random.normal(())), random.random(), float(np.random.rand())  # noqa: NPY002

    assert streams(planned=False) == streams(planned=True)
    for before, variable in zip(held, [v for layer in model.layers for v in layer.variables], strict=True):
        np.testing.assert_array_equal(before, ops.convert_to_numpy(variable))
    assert model.losses == []


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the stream of TensorFlow")
def test_the_stream_of_the_backend_is_left_alone():
    import tensorflow as tf

    x = keras.Input((16,))
    model = keras.Model(x, layers.Lambda(lambda t: t * tf.random.normal(tf.shape(t)))(x))

    def following(planned):
        keras.utils.set_random_seed(5)
        if planned:
            assert autoinit.plan(model).calls[0].outputs[0].second_moment == pytest.approx(1, rel=0.1)
        return float(tf.random.normal(()))

    assert following(planned=False) == following(planned=True)


POLES = {
    "pole": lambda x: 1 / x,
    "log": ops.log,
    "nan": lambda x: x * float("nan"),
    "overflow": lambda x: ops.exp(ops.exp(4 * x)),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("mode", ["paper", "exact"])
@pytest.mark.parametrize("name", POLES)
def test_no_activation_makes_a_plan_fail(name, mode):
    x = keras.Input((16,))
    model = keras.Model(x, layers.Dense(4)(layers.Dense(8, activation=POLES[name])(x)))
    planned = autoinit.plan(model, propagation=mode)
    assert len(planned.weights) == 2


def test_an_activation_without_an_integral_is_measured():
    x = keras.Input((16,))
    model = keras.Model(x, layers.Dense(64, activation=lambda t: ops.log(1e-3 + ops.square(t)))(x))
    planned = autoinit.plan(model, propagation="exact")
    measured = autoinit.measure(model, planned, draws=8, batch=64)[-1]
    assert planned.calls[-1].outputs[0].mean == pytest.approx(measured.means.mean(), rel=0.05)


def test_what_a_users_rule_raises_is_for_the_user():
    def broken(call, x):
        raise TypeError("my mistake")

    x = keras.Input((8,))
    with pytest.raises(TypeError, match="my mistake"):
        autoinit.plan(keras.Model(x, Tokens()(x)), rules={Tokens: broken})


def test_the_former_answers_to_unknown_layers_are_as_they_were():
    x = keras.Input((8,))
    model = keras.Model(x, Tokens(name="tokens")(x))
    passed = autoinit.plan(model, on_unknown="passthrough").calls[0].outputs[0]
    assert passed.second_moment == pytest.approx(1)
    with pytest.warns(UserWarning, match="no rule for Tokens"):
        autoinit.plan(model, on_unknown="warn")
    with pytest.raises(autoinit.UnsupportedLayerError, match="Tokens 'tokens'"):
        autoinit.plan(model, on_unknown="error")


def test_a_large_tensor_costs_no_more_than_its_bound():
    x = keras.Input((128, 128, 16))
    model = keras.Model(x, layers.UpSampling2D(2, interpolation="bilinear")(x))
    rows = []

    class Counting(layers.Layer):
        def call(self, t):
            if not isinstance(t, keras.KerasTensor):
                rows.append(t.shape[0])
            return t

    counted = keras.Model(x, Counting()(model(x)))
    rows.clear()
    autoinit.plan(counted, propagation="exact")
    assert rows and max(rows) <= 8
