"""Appendix A of the paper, formula by formula, to 1e-12; quadrature to 1e-8."""

import math

import keras
import numpy as np
import pytest

from gondwana import autoinit
from tests.helpers.simulation import model_of

pytestmark = pytest.mark.slow

layers = keras.layers
M, V = 0.7, 1.9


def through(layer, *shapes, mean=M, variance=V, **options):
    """Signal after one layer."""
    given = {"propagation": "paper", **options}
    planned = autoinit.plan(model_of(layer, *shapes), input_mean=mean, input_variance=variance, **given)
    return planned.calls[-1].outputs[0]


def check(signal, mean, variance, tolerance=1e-12):
    assert signal.mean == pytest.approx(mean, rel=tolerance, abs=tolerance)
    assert signal.variance == pytest.approx(variance, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize(
    "layer, shape, fan_in",
    [
        (lambda: layers.Dense(5), (7,), 7),
        (lambda: layers.Conv1D(5, 3), (9, 4), 12),
        (lambda: layers.Conv2D(5, 3), (9, 9, 4), 36),
        (lambda: layers.Conv3D(5, 3), (5, 5, 5, 4), 108),
        (lambda: layers.Conv2D(6, 3, groups=2), (9, 9, 4), 18),
        (lambda: layers.Conv2D(5, (3, 2), data_format="channels_last"), (9, 9, 4), 24),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), (9, 9, 4), 9),
        (lambda: layers.DepthwiseConv1D(3), (9, 4), 3),
        (lambda: layers.Conv2DTranspose(5, 4, strides=2, padding="same"), (9, 9, 4), 16),
        (lambda: layers.Conv1DTranspose(5, 3), (9, 4), 12),
        (lambda: layers.Conv3DTranspose(5, 2), (5, 5, 5, 4), 32),
        (lambda: layers.EinsumDense("abc,cde->abde", output_shape=(None, 3, 2)), (6, 4), 4),
    ],
)
def test_equation_3_scale_of_weights(layer, shape, fan_in):
    planned = autoinit.plan(model_of(layer(), shape), input_mean=M, input_variance=V, propagation="paper")
    (weight,) = planned.weights
    assert weight.fan_in == fan_in
    assert weight.deviation == pytest.approx(1 / math.sqrt(fan_in * (V + M**2)), rel=1e-12)
    check(planned.calls[-1].outputs[0], 0.0, 1.0)


def test_separable_convolution_scales_both_weights():
    planned = autoinit.plan(
        model_of(layers.SeparableConv2D(5, 3, depth_multiplier=2), (9, 9, 4)),
        input_mean=M,
        input_variance=V,
        propagation="paper",
    )
    depthwise, pointwise = planned.weights
    assert depthwise.deviation == pytest.approx(1 / math.sqrt(9 * (V + M**2)), rel=1e-12)
    assert pointwise.deviation == pytest.approx(1 / math.sqrt(8), rel=1e-12)


def test_signal_variance_is_what_comes_out():
    check(through(layers.Dense(5), (7,), signal_variance=2.5), 0.0, 2.5)


def test_equations_5_and_6_relu():
    phi = math.exp(-(M**2) / (2 * V)) / math.sqrt(2 * math.pi)
    cdf = 0.5 * math.erfc(-M / math.sqrt(2 * V))
    mean = M * cdf + math.sqrt(V) * phi
    second = (M**2 + V) * cdf + M * math.sqrt(V) * phi
    for layer in (layers.ReLU(), layers.Activation("relu")):
        check(through(layer, (7,)), mean, second - mean**2, 1e-8)


def test_activation_argument_acts_on_the_scaled_signal():
    check(
        through(layers.Dense(5, activation="relu"), (7,)),
        1 / math.sqrt(2 * math.pi),
        0.5 - 0.5 / math.pi,
        1e-8,
    )


def test_dropout():
    check(through(layers.Dropout(0.3), (7,)), M, V / 0.7)


@pytest.mark.parametrize(
    "layer, shape",
    [
        (lambda: layers.SpatialDropout1D(0.3), (4, 3)),
        (lambda: layers.SpatialDropout2D(0.3), (4, 4, 3)),
        (lambda: layers.SpatialDropout3D(0.3), (4, 4, 4, 3)),
    ],
)
def test_spatial_dropout_is_unscaled_in_the_paper(layer, shape):
    check(through(layer(), shape), M * 0.7, V * 0.7)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_average_pooling_of_independent_entries(rank):
    shape = (6,) * rank + (3,)
    check(through(getattr(layers, f"AveragePooling{rank}D")(2), shape), M, V / 2**rank)
    check(through(getattr(layers, f"GlobalAveragePooling{rank}D")(), shape), M, V / 6**rank)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_max_pooling_of_independent_entries(rank):
    """Every rank, global or not: the published package passes three of the six through."""
    shape = (2,) * rank + (3,)
    expected = {
        2: (1 / math.sqrt(math.pi), 1 - 1 / math.pi),
        4: (1.0293753730, 0.4917152368),
        8: (1.4236003060, 0.3728971434),
    }
    mean, variance = expected[2**rank]
    for layer in (getattr(layers, f"MaxPooling{rank}D")(2), getattr(layers, f"GlobalMaxPooling{rank}D")()):
        check(through(layer, shape), M + math.sqrt(V) * mean, V * variance, 1e-9)


def test_batch_normalization():
    check(through(layers.BatchNormalization(), (7,)), 0.0, 1.0)


def two(layer, means=(0.7, -0.4), variances=(1.9, 0.6)):
    return through(layer, (5,), (5,), mean=means, variance=variances)


def test_arithmetic():
    check(two(layers.Add()), 0.3, 2.5)
    check(two(layers.Average()), 0.15, 0.625)
    check(two(layers.Subtract()), 1.1, 2.5)
    check(two(layers.Multiply()), -0.28, (1.9 + 0.49) * (0.6 + 0.16) - 0.49 * 0.16)


def test_concatenation_weighs_by_size():
    signal = through(layers.Concatenate(), (2,), (6,), mean=(0.7, -0.4), variance=(1.9, 0.6))
    mean = (2 * 0.7 - 6 * 0.4) / 8
    check(signal, mean, (2 * (1.9 + 0.49) + 6 * (0.6 + 0.16)) / 8 - mean**2)


def test_maximum_of_two_gaussians_clark_1961():
    theta = math.sqrt(2.5)
    alpha = 1.1 / theta
    cdf, phi = 0.5 * math.erfc(-alpha / math.sqrt(2)), math.exp(-(alpha**2) / 2) / math.sqrt(2 * math.pi)
    mean = 0.7 * cdf - 0.4 * (1 - cdf) + theta * phi
    second = (0.49 + 1.9) * cdf + (0.16 + 0.6) * (1 - cdf) + (0.7 - 0.4) * theta * phi
    check(two(layers.Maximum()), mean, second - mean**2, 1e-10)
    mirrored = two(layers.Minimum(), means=(-0.7, 0.4))
    check(mirrored, -mean, second - mean**2, 1e-10)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_zero_padding(rank):
    share = (4 / 6) ** rank
    check(through(getattr(layers, f"ZeroPadding{rank}D")(1), (4,) * rank + (3,)), M * share, V * share)


@pytest.mark.parametrize(
    "layer, shape",
    [
        (lambda: layers.Flatten(), (4, 3)),
        (lambda: layers.Reshape((12,)), (4, 3)),
        (lambda: layers.Permute((2, 1)), (4, 3)),
        (lambda: layers.RepeatVector(3), (4,)),
        (lambda: layers.UpSampling1D(2), (4, 3)),
        (lambda: layers.UpSampling2D(2), (4, 4, 3)),
        (lambda: layers.UpSampling3D(2), (4, 4, 4, 3)),
        (lambda: layers.Cropping1D(1), (4, 3)),
        (lambda: layers.Cropping2D(1), (4, 4, 3)),
        (lambda: layers.Cropping3D(1), (4, 4, 4, 3)),
        (lambda: layers.Identity(), (4, 3)),
    ],
)
def test_shape_adjustment_changes_nothing(layer, shape):
    check(through(layer(), shape), M, V)


def test_rescaling_and_normalization():
    check(through(layers.Rescaling(2.0, -1.0), (4,)), 2 * M - 1, 4 * V)
    check(through(layers.Normalization(mean=0.2, variance=4.0), (4,)), (M - 0.2) / 2, V / 4, 1e-7)


def test_prelu_uses_the_slopes_that_it_holds():
    layer = layers.PReLU(alpha_initializer=keras.initializers.Constant(0.3))
    expected = autoinit.gaussian_moments(lambda x: np.where(x > 0, x, 0.3 * x), M, V)
    check(through(layer, (7,)), expected.mean, expected.variance, 1e-6)


def test_softmax_is_estimated_from_the_scaled_signal():
    """Not from what comes into the layer, as the published package does."""
    signal = through(layers.Dense(10, activation="softmax"), (7,), variance=100.0)
    rng = np.random.default_rng(0)
    e = np.exp(rng.normal(size=(200_000, 10)))
    assert signal.mean == pytest.approx(0.1, rel=1e-12)
    assert signal.variance == pytest.approx((e / e.sum(1, keepdims=True)).var(), rel=0.01)


@pytest.mark.parametrize("layer", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_recurrent_layers_are_simulated_with_their_own_weights_and_a_seed(layer):
    built = model_of(layer(6), (5, 4))
    first, second = (autoinit.plan(built, seed=3, propagation="paper").calls[-1].outputs[0] for _ in range(2))
    assert first == second
    assert 0 < first.variance < 1
    assert autoinit.plan(built).weights == ()
