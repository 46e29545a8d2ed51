"""Weights that keep their mean and scale in training."""

import keras
import numpy as np
import pytest

from gondwana.autoinit import AutoInit

layers = keras.layers


def network():
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(8, 3, activation="relu", name="conv"),
            layers.DepthwiseConv2D(3, name="depthwise"),
            layers.Conv2DTranspose(6, 3, name="transposed"),
            layers.Flatten(),
            layers.Dense(4, name="dense"),
        ]
    )


def assert_constrained(model):
    for name, axes in (
        ("conv", (0, 1, 2)),
        ("depthwise", (0, 1)),
        ("transposed", (0, 1, 3)),
        ("dense", (0,)),
    ):
        kernel = np.asarray(keras.ops.convert_to_numpy(model.get_layer(name).kernel), np.float64)
        deviation = model.get_layer(name).kernel.constraint.deviation
        np.testing.assert_allclose(kernel.mean(axis=axes), 0.0, atol=1e-6)
        np.testing.assert_allclose(np.sqrt((kernel**2).mean(axis=axes)), deviation, rtol=1e-5)


def test_scale_is_exact_and_survives_training_and_saving(tmp_path):
    config = {"constrain_weights": True, "monte_carlo_samples": 1e5, "recurrent_monte_carlo_samples": 1e4}
    model = AutoInit(config, seed=0).initialize_model(network())
    assert_constrained(model)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(32, 8, 8, 3)), rng.normal(size=(32, 4)), epochs=2, verbose=0)
    assert_constrained(model)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert loaded.get_layer("conv").kernel_constraint.deviation == pytest.approx(
        model.get_layer("conv").kernel.constraint.deviation
    )


def test_without_the_option_there_is_no_constraint():
    model = AutoInit(seed=0).initialize_model(network())
    assert model.get_layer("conv").kernel.constraint is None
