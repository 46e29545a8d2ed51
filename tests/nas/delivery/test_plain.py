"""Networks rewritten without classes of this project: the same values, and nothing that Keras does not have."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from gondwana import activations, autoinit
from gondwana.activations import GraphActivation
from gondwana.nas.delivery.plain import NotPlainError, is_plain, plain
from gondwana.nas.searches.codeepneat.layers.weighted_sum import WeightedSum


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def compared(model, x, atol=1e-5):
    clean = plain(model)
    assert is_plain(clean)
    np.testing.assert_allclose(clean(x), model(x), rtol=1e-5, atol=atol)
    return clean


@pytest.mark.parametrize("name", sorted(activations.operators()))
def test_every_operator_has_a_plain_form(name, rng):
    arity = activations.operators()[name].arity or 3
    arguments = ["x", "arctan(x)", "relu(x)"][:arity] if name != "pow" else ["abs(x)", "arctan(x)"]
    inputs = keras.Input((41,))
    model = keras.Model(inputs, GraphActivation(f"{name}({','.join(arguments)})")(inputs))
    x = np.concatenate([np.linspace(-6, -0.05, 20), [0.3], np.linspace(0.5, 9, 20)]).astype("float32")
    compared(model, x[None])


def test_trained_parameters_centering_and_scale_are_kept(rng):
    inputs = keras.Input((4, 4, 3))
    layer = GraphActivation("add(a*swish(b*x),c*one(x))", center=True, scale=True, axis=1)
    model = keras.Model(inputs, layer(layers.Conv2D(5, 3, padding="same")(inputs)))
    for factor in layer.factors:
        factor.assign(rng.uniform(0.5, 2, factor.shape))
    compared(model, rng.normal(size=(3, 4, 4, 3)).astype("float32"))


def test_constant_functions_keep_the_shape(rng):
    inputs = keras.Input((5,))
    compared(
        keras.Model(inputs, GraphActivation("one(x)")(inputs)), rng.normal(size=(2, 5)).astype("float32")
    )


def test_weighted_sums_and_what_autoinit_puts_into_layers(rng):
    inputs = keras.Input((6,))
    x = layers.Dense(8, activation="relu")(inputs)
    y = GraphActivation("mul(tanh(x),x)")(layers.Dense(8)(x))
    mixed = WeightedSum()
    both = layers.LeakyReLU()(mixed([x, y]))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(both))
    model = autoinit.initialize(model, "autoinit++", seed=0)
    for found in model.layers:
        if isinstance(found, WeightedSum):
            found.scores.assign([0.3, -1.2])
    assert not is_plain(model)
    compared(model, rng.normal(size=(7, 6)).astype("float32"))


def test_nested_networks_and_shared_layers(rng):
    parts = [layers.Dense(6), GraphActivation("mul(sinh(x),x)"), layers.BatchNormalization()]
    inner = keras.Sequential([keras.Input((6,)), *parts])
    inner.layers[-1].set_weights([rng.uniform(0.5, 2, 6) for _ in range(4)])
    shared = layers.Dense(6, "relu")
    inputs = keras.Input((6,), name="rows")
    model = keras.Model(inputs, layers.Average()([inner(shared(inputs)), inner(shared(shared(inputs)))]))
    compared(model, rng.normal(size=(3, 6)).astype("float32"))


def test_operations_between_layers_are_kept(rng):
    inputs = keras.Input((6,))
    model = keras.Model(inputs, keras.ops.tanh(GraphActivation("swish(x)")(keras.ops.multiply(inputs, 2.0))))
    compared(model, rng.normal(size=(3, 6)).astype("float32"))


def test_half_precision_is_kept(rng):
    inputs = keras.Input((6,), dtype="float16")
    model = keras.Model(inputs, GraphActivation("mul(swish(x),x)", dtype="mixed_float16")(inputs))
    clean = compared(model, rng.normal(size=(3, 6)).astype("float16"), atol=1e-3)
    assert clean.output.dtype == "float16"


@keras.saving.register_keras_serializable(package="own")
class Doubled(layers.Layer):
    def call(self, x):
        return 2 * x


def test_a_layer_of_somebody_else_is_refused():
    inputs = keras.Input((6,))
    with pytest.raises(NotPlainError, match="holds own>Doubled"):
        plain(keras.Model(inputs, Doubled()(inputs)))
    with pytest.raises(NotPlainError, match="CenteredActivation"):
        unit = layers.LSTM(
            3, activation=autoinit.frontends.keras.saved_classes.CenteredActivation("tanh", 0.1)
        )
        sequence = keras.Input((5, 2))
        plain(keras.Model(sequence, unit(sequence)))
