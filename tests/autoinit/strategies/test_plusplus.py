"""AutoInit++: activations of zero Gaussian mean."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from gondwana import autoinit
from gondwana.autoinit import AutoInit, CenteredActivation, ModelError
from gondwana.autoinit.frontends.keras.saved_classes import Centered
from gondwana.autoinit.strategies.plusplus import _CENTERINGS, centered

pytestmark = pytest.mark.slow

layers = keras.layers


def network():
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    x = layers.ReLU(max_value=6.0, name="relu6")(x)
    x = layers.PReLU(alpha_initializer="ones", name="prelu")(x)
    x = layers.Conv2D(4, 3, name="linear")(x)
    x = layers.Activation("swish", name="swish")(x)
    inner = keras.Sequential(
        [keras.Input((4, 4, 4)), layers.Conv2D(4, 1, activation="sigmoid", name="s")], name="inner"
    )
    x = layers.GlobalAveragePooling2D()(inner(x))
    x = layers.Dense(5, activation="tanh", name="tanh")(x)
    return keras.Model(inputs, layers.Activation("softmax", name="softmax")(layers.Dense(3, name="head")(x)))


def test_hidden_activations_lose_their_gaussian_mean_and_the_rest_stays():
    model = network()
    config = model.get_config()
    new = centered(model)
    assert model.get_config() == config
    assert [layer.name for layer in new.layers] == [layer.name for layer in model.layers]
    assert new.get_layer("conv").activation.mean == pytest.approx(1 / np.sqrt(2 * np.pi))
    assert isinstance(new.get_layer("relu6"), Centered)
    assert new.get_layer("swish").activation.mean == pytest.approx(0.206620964, rel=1e-6)
    assert new.get_layer("inner").get_layer("s").activation.mean == pytest.approx(0.5)
    assert new.get_layer("tanh").activation is keras.activations.tanh
    assert new.get_layer("softmax").activation is keras.activations.softmax
    for a, b in zip(model.get_weights(), new.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_prelu_whose_slope_is_one_has_no_mean_to_subtract():
    assert type(centered(network()).get_layer("prelu")) is layers.PReLU


def test_output_activation_of_a_layer_is_left_alone():
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, activation="sigmoid"), layers.Dense(2, "sigmoid")]
    )
    new = centered(model)
    assert isinstance(new.layers[0].activation, CenteredActivation)
    assert new.layers[1].activation is keras.activations.sigmoid


def test_signals_have_zero_mean():
    model = AutoInit(plusplus=True, seed=0, propagation="paper").initialize_model(network())
    estimates = autoinit.plan(model, propagation="paper").estimates
    assert estimates["conv"][0] == pytest.approx(0.0, abs=1e-12)
    assert estimates["swish"][0] == pytest.approx(0.0, abs=1e-9)
    x = keras.layers.Activation(CenteredActivation("relu"))(np.random.default_rng(0).normal(size=(500, 500)))
    assert abs(float(keras.ops.mean(x))) < 0.01


def test_custom_callable_that_keras_cannot_serialize():
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, activation=lambda x: keras.ops.abs(x)), layers.Dense(2)]
    )
    assert centered(model).layers[0].activation.mean == pytest.approx(np.sqrt(2 / np.pi), rel=1e-6)


def test_saved_model_loads_in_a_fresh_process(tmp_path):
    model = AutoInit(plusplus=True, seed=0).initialize_model(network())
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", model.predict(x, verbose=0))
    model.save(tmp_path / "model.keras")
    script = (
        "import sys, numpy as np, keras, autoinit\n"
        "f = sys.argv[1]\n"
        "y = keras.models.load_model(f + '/model.keras').predict(np.load(f + '/x.npy'), verbose=0)\n"
        "np.testing.assert_allclose(y, np.load(f + '/y.npy'), rtol=1e-5)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, capture_output=True)


def test_layers_can_offer_their_own_centering():
    class Bent(layers.Layer):
        def __init__(self, center=0.0, **keywords):
            super().__init__(**keywords)
            self.center = center

        def call(self, x):
            return keras.ops.exp(x) - self.center

        def get_config(self):
            return {**super().get_config(), "center": self.center}

    @autoinit.centering(Bent)
    def center(layer):
        return Bent(center=1.6487, name=layer.name)

    try:
        model = keras.Sequential([keras.Input((4,)), layers.Dense(4), Bent(name="b"), layers.Dense(2)])
        assert centered(model).get_layer("b").center == 1.6487
        with pytest.raises(autoinit.AutoInitError, match="already has the centering"):
            autoinit.centering(Bent)(center)
    finally:
        del _CENTERINGS[Bent]


def test_a_model_that_cannot_be_rebuilt_is_refused():
    class Plain(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Plain()
    model(np.ones((2, 4)))
    with pytest.raises(ModelError, match="functional and Sequential"):
        centered(model)
