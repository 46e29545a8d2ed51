"""Spectrum of the Jacobian of chains, delta-orthogonal kernels, and the signal figure."""

import keras
import numpy as np
import pytest

from gondwana import autoinit
from gondwana.autoinit import AutoInitError, ModelError
from gondwana.autoinit.draws import draw

layers = keras.layers
WIDTH = 200


def chain(depth, activation="linear"):
    return keras.Sequential(
        [keras.Input((WIDTH,)), *(layers.Dense(WIDTH, activation=activation) for _ in range(depth))]
    )


def spectrum_of_weights(model):
    product = np.eye(WIDTH)
    for layer in model.layers:
        product = product @ np.asarray(keras.ops.convert_to_numpy(layer.kernel), np.float64)
    return np.linalg.svd(product, compute_uv=False) ** 2


@pytest.mark.parametrize("distribution", ["untruncated_normal", "orthogonal"])
def test_linear_chain_against_its_singular_values(distribution):
    model = chain(4)
    planned = autoinit.plan(model, distribution=distribution)
    autoinit.apply(planned, model, seed=0)
    squares = spectrum_of_weights(model)
    predicted = autoinit.jacobian_spectrum(model, planned)
    assert predicted.layers == 4
    assert predicted.mean == pytest.approx(squares.mean(), rel=0.1)
    assert predicted.relative_variance == pytest.approx(
        squares.var() / squares.mean() ** 2, rel=0.25, abs=1e-5
    )


def test_relu_breaks_isometry_even_when_orthogonal():
    model = chain(3, "relu")
    spectrum = autoinit.jacobian_spectrum(model, autoinit.plan(model, distribution="orthogonal"))
    assert spectrum.mean == pytest.approx(
        0.5, rel=1e-3
    )  # the first layer is scaled for an input without ReLU
    assert spectrum.relative_variance == pytest.approx(3.0, rel=1e-3)


def test_only_chains_have_a_known_spectrum():
    x = keras.Input((4,))
    model = keras.Model(x, layers.Add()([layers.Dense(4)(x), x]))
    with pytest.raises(ModelError, match="plain chains"):
        autoinit.jacobian_spectrum(model, autoinit.plan(model))


def test_delta_orthogonal_kernel_preserves_the_norm_of_every_position():
    kernel = draw(np.random.default_rng(0), (3, 3, 16, 16), 1 / np.sqrt(9 * 16), "delta_orthogonal").astype(
        float
    )
    assert np.count_nonzero(np.abs(kernel).sum(axis=(2, 3))) == 1
    np.testing.assert_allclose(kernel[1, 1].T @ kernel[1, 1], np.eye(16), atol=1e-5)


def test_figure_shows_plans_and_measurements(tmp_path):
    model = chain(2, "relu")
    planned = autoinit.plan(model)
    figure = autoinit.signal_figure(
        {"predicted": planned, "measured": autoinit.measure(model, planned, draws=2)}
    )
    figure.savefig(tmp_path / "signals.png")
    assert (tmp_path / "signals.png").stat().st_size > 1000
    assert figure.axes[0].get_yscale() == "log"


def test_empty_figure_is_refused():
    with pytest.raises(AutoInitError, match="at least one"):
        autoinit.signal_figure({})


def test_bare_activation_operation_is_centred():
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(2)(keras.ops.relu(layers.Dense(4)(x))))
    new = autoinit.centered(model)
    value = np.ones((1, 4), "float32")
    hidden = keras.Model(new.input, new.layers[2].output)
    plain = keras.ops.relu(new.layers[1](value))
    np.testing.assert_allclose(hidden(value), np.asarray(plain) - 1 / np.sqrt(2 * np.pi), atol=1e-5)
