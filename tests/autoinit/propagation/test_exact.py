"""What the exact propagation knows and the paper's does not."""

import keras
import numpy as np
import pytest

from gondwana import autoinit
from gondwana.autoinit import Signal
from gondwana.autoinit.signals.joint import combined
from gondwana.autoinit.signals.law import (
    INDEPENDENT,
    STEADY,
    Correlations,
    Z,
    gaussian,
    redistributed,
    scales,
)
from gondwana.autoinit.signals.maps import axes_of, correlation_kept, gathered
from gondwana.autoinit.signals.window import Window
from tests.helpers.simulation import assert_agrees, model_of, simulate

pytestmark = pytest.mark.slow

layers = keras.layers
ops = keras.ops


def exact(function, shape, mean=0.0, variance=1.0, draws=150, batch=16, bias=5e-3):
    model = model_of(function, shape)
    planned = autoinit.plan(
        model, propagation="exact", input_mean=mean, input_variance=variance, on_unknown="error"
    )
    rows = simulate(model, planned, mean, variance, draws, batch)
    assert_agrees(planned.calls[-1].outputs[0], rows, bias=bias)


def test_swish_written_as_layers():
    exact(lambda x: x * layers.Activation("sigmoid")(x), (64,))


def test_relu_of_relu_changes_nothing():
    planned = autoinit.plan(
        keras.Sequential([keras.Input((4,)), layers.ReLU(), layers.ReLU()]), propagation="exact"
    )
    first, second = planned.calls
    assert first.outputs[0] == second.outputs[0]


def test_two_paths_from_one_tensor_without_weights_between():
    exact(lambda x: layers.Add()([layers.ReLU()(x), x]), (64,))
    exact(lambda x: layers.Maximum()([x, -1.0 * x]), (64,))


def test_skip_over_a_residual_block_adds_up_jointly():
    def block(x):
        y = layers.Add()([x, layers.Dense(64)(x)])
        return layers.Add()([y, x])

    planned = autoinit.plan(model_of(block, (64,)), propagation="exact")
    assert planned.calls[-1].outputs[0].variance == pytest.approx(5.0, rel=5e-3)


def test_pooling_after_relu_after_convolution():
    exact(
        lambda x: layers.MaxPooling2D(2)(layers.ReLU()(layers.Conv2D(32, 3, padding="same")(x))),
        (8, 8, 16),
        bias=0.02,
    )
    exact(
        lambda x: layers.AveragePooling2D(2)(layers.ReLU()(layers.Conv2D(32, 1)(x))),
        (8, 8, 16),
        mean=0.8,
        bias=0.02,
    )
    exact(lambda x: layers.GlobalMaxPooling2D()(layers.Conv2D(32, 1)(x)), (6, 6, 96), mean=0.8, bias=0.03)


def test_pooling_after_zero_padding_after_relu():
    exact(
        lambda x: layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(layers.ReLU()(layers.Conv2D(64, 1)(x)))),
        (8, 8, 32),
        bias=0.03,
    )


def test_deep_relu_convolutions_on_a_small_map():
    def stack(x):
        for _ in range(3):
            x = layers.Conv2D(96, 3, padding="same", activation="relu")(x)
        return layers.MaxPooling2D(2)(x)

    exact(stack, (4, 4, 48), bias=0.05)


def test_dropout_after_relu():
    exact(lambda x: layers.Dropout(0.5)(layers.ReLU()(x)), (64,))


def test_squeeze_and_excite():
    def gate(x):
        s = layers.GlobalAveragePooling2D(keepdims=True)(x)
        s = layers.Conv2D(64, 1, activation="sigmoid")(layers.Conv2D(32, 1, activation="relu")(s))
        return layers.Multiply()([x, s])

    exact(gate, (6, 6, 64), mean=0.5, bias=0.03)


def test_batch_normalization_removes_what_positions_share():
    x = keras.Input((8, 8, 16))
    y = layers.ReLU()(layers.Conv2D(32, 3)(x))
    z = layers.BatchNormalization()(layers.Conv2D(32, 1)(y))
    planned = autoinit.plan(keras.Model(x, z), propagation="exact")
    before, after = planned.calls[-2].outputs[0], planned.calls[-1].outputs[0]
    assert before.covariance > 0.25
    assert abs(after.covariance) < 0.01
    assert after.variance == pytest.approx(1.0, abs=2e-3)


def test_function_with_a_pole_is_refused():
    with pytest.raises(autoinit.NotIntegrableError, match="no usable moments"):
        autoinit.plan(model_of(lambda x: 1.0 / x, (4,)), propagation="exact", on_unknown="error")
    with pytest.warns(UserWarning, match="no finite variance"):
        autoinit.plan(model_of(lambda x: 1.0 / x, (4,)), propagation="exact")


def test_normalization_uses_the_gamma_and_beta_that_the_layer_holds():
    layer = layers.BatchNormalization(
        gamma_initializer=keras.initializers.Constant(0.5), beta_initializer="ones"
    )
    signal = autoinit.plan(model_of(layer, (4,)), propagation="exact").calls[-1].outputs[0]
    assert (signal.mean, signal.variance) == pytest.approx((1.0, 0.25), rel=2e-3)


def test_mehler_series_at_full_and_no_correlation():
    part = gaussian(0.0, 1.0, INDEPENDENT)
    relu = part.mapped(np.maximum(part.values, 0.0))
    assert relu.shared(1.0) == pytest.approx(relu.second)
    assert relu.shared(0.0) == pytest.approx(relu.mean**2)
    rho = 0.6  # arc-cosine kernel of Cho and Saul (2009)
    kernel = (np.sqrt(1 - rho**2) + rho * (np.pi - np.arccos(rho))) / (2 * np.pi)
    assert relu.shared(rho) == pytest.approx(kernel, rel=1e-3)
    assert relu.latent(kernel) == pytest.approx(rho, rel=5e-3)


def test_product_of_dependent_gaussians():
    first = gaussian(0.0, 1.0, INDEPENDENT)
    second = combined(first, gaussian(0.0, 1.0, INDEPENDENT), "add", 1.0)
    product = combined(first, second, "multiply", 1.0)
    assert product.mean == pytest.approx(1.0, rel=5e-3)
    assert product.second == pytest.approx(2 + 2, rel=2e-2)  # E[x^2 (x + y)^2]


def test_quantile_function_of_a_weighted_sample():
    values, _ = redistributed(np.concatenate([Z, Z + 4]), np.concatenate([np.exp(-(Z**2) / 2)] * 2))
    assert (np.diff(values) >= 0).all()


@pytest.mark.parametrize("spread", [1e-3, 0.01, 0.049, 0.05, 0.5, 4.0])
def test_scale_mixture_has_mean_one_and_the_spread(spread):
    amplitudes, weights = scales(spread)
    assert weights @ amplitudes**2 == pytest.approx(1.0)
    assert weights @ amplitudes**4 == pytest.approx(1 + spread)


@pytest.mark.filterwarnings("error::RuntimeWarning", "error::DeprecationWarning")
def test_planning_raises_no_numerical_warning():
    model = keras.applications.VGG16(weights=None, input_shape=(32, 32, 3), classes=10)
    for call in autoinit.plan(model, propagation="exact").calls:
        assert np.isfinite(call.outputs[0].law.loudness.spread)


def test_window_sums_match_a_convolution_of_ones():
    window = Window((3, 3), (2, 2), (1, 1), "same", (7, 8), (4, 4))
    axes = axes_of(window)
    ones = np.ones((1, 7, 8, 1), "float32")
    kernel = np.ones((3, 3, 1, 1), "float32")
    expected = np.asarray(keras.ops.convert_to_numpy(ops.conv(ones, kernel, strides=2, padding="same")))[
        0, ..., 0
    ]
    np.testing.assert_allclose(gathered(axes, np.ones((7, 8))), expected)


def test_correlation_kept_without_borders_is_one():
    window = Window((3,), (1,), (1,), "valid", (9,), (7,))
    axes = axes_of(window)
    assert correlation_kept(axes, np.ones(9), gathered(axes, np.ones(9))) == pytest.approx(1.0)


def test_values_of_correlations_stay_in_their_range():
    assert Correlations(0.2, 0.4, 0.1).mapped(lambda rho: 9 * rho) == Correlations(
        1.0, 1.0, pytest.approx(0.9)
    )
    assert STEADY.joined(STEADY) == STEADY


def test_covariance_cannot_be_given_without_a_variance():
    with pytest.raises(autoinit.SignalError):
        Signal(0.0, 0.0, 0.5)
