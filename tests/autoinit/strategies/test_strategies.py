"""Strategies by name: a function of the seed alone, the same on every backend."""

import keras
import numpy as np
import pytest

from gondwana import autoinit
from gondwana.autoinit import AutoInitError
from gondwana.autoinit.weights.initializers import sample, variables_with_initializers
from tests.autoinit.rules.test_conformance import EXAMPLES
from tests.helpers.simulation import model_of

pytestmark = pytest.mark.slow

layers = keras.layers


def network():
    return keras.Sequential(
        [
            keras.Input((12,), dtype="int32"),
            layers.Embedding(20, 8),
            layers.Conv1D(8, 3, activation="relu"),
            layers.SeparableConv1D(8, 3),
            layers.BatchNormalization(),
            layers.PReLU(),
            layers.LSTM(6, return_sequences=True),
            layers.Bidirectional(layers.GRU(5)),
            layers.Dense(16, activation="elu"),
            layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("strategy", autoinit.STRATEGIES)
def test_a_seed_fixes_every_weight_whatever_was_in_the_model(strategy):
    first = autoinit.initialize(network(), strategy, seed=5)
    dirty = network()
    dirty.set_weights([w + 7.0 for w in dirty.get_weights()])
    second = autoinit.initialize(dirty, strategy, seed=5)
    other = autoinit.initialize(network(), strategy, seed=6)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(
        not np.array_equal(a, b) for a, b in zip(first.get_weights(), other.get_weights(), strict=True)
    )


def test_unknown_strategy_lists_the_known_ones():
    with pytest.raises(AutoInitError, match=r"glorot_uniform.*Received: 'xavier'"):
        autoinit.initialize(network(), "xavier", seed=0)
    assert issubclass(AutoInitError, ValueError)


def test_unknown_option_is_refused():
    with pytest.raises(AutoInitError, match="unknown options of strategy 'autoinit': distributon"):
        autoinit.initialize(network(), "autoinit", seed=0, options={"distributon": "uniform"})
    with pytest.raises(AutoInitError, match="Known: none"):
        autoinit.initialize(network(), "he_normal", seed=0, options={"distribution": "uniform"})


def test_named_strategies_leave_other_weights_to_their_own_initializers():
    a = autoinit.initialize(network(), "default", seed=1)
    b = autoinit.initialize(network(), "he_normal", seed=1)
    for x, y in zip(a.weights, b.weights, strict=True):
        same = np.array_equal(x.numpy(), y.numpy())
        assert same != ("kernel" in x.name and "recurrent" not in x.name), x.path


INITIALIZERS = [
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
    keras.initializers.RandomNormal(0.3, 0.2),
    keras.initializers.TruncatedNormal(0.3, 0.2),
    keras.initializers.RandomUniform(-0.1, 0.4),
    keras.initializers.Constant(0.25),
    "zeros",
    "ones",
    "identity",
    keras.initializers.Orthogonal(1.5),
]


def name_of(initializer):
    """A name that is the same in every test process, which the address in ``str`` is not."""
    return initializer if isinstance(initializer, str) else type(initializer).__name__


@pytest.mark.parametrize("initializer", INITIALIZERS, ids=name_of)
def test_numpy_forms_have_the_moments_of_the_keras_initializers(initializer):
    initializer = keras.initializers.get(initializer)
    shape = (300, 200)
    ours = sample(initializer, shape, np.random.default_rng(0))
    theirs = np.asarray(keras.ops.convert_to_numpy(initializer(shape)))
    assert ours.dtype == np.float32
    assert ours.mean() == pytest.approx(
        theirs.mean(), abs=5 * theirs.std() / np.sqrt(theirs.size) * 1.5 + 1e-7
    )
    assert ours.std() == pytest.approx(theirs.std(), rel=0.015, abs=1e-7)
    if getattr(initializer, "distribution", "") != "untruncated_normal":
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=0.3)


def test_unit_forget_bias_of_an_lstm_is_kept():
    model = autoinit.initialize(network(), "autoinit", seed=0)
    lstm = next(layer for layer in model.layers if isinstance(layer, layers.LSTM))
    bias = np.asarray(keras.ops.convert_to_numpy(lstm.cell.bias))
    np.testing.assert_array_equal(bias[6:12], 1.0)
    np.testing.assert_array_equal(bias[:6], 0.0)


def test_the_initializer_of_every_weight_of_every_layer_is_known():
    for kind, examples in EXAMPLES.items():
        for example in examples:
            model = model_of(example.make(), *example.shapes, dtype=example.dtype)
            known = variables_with_initializers(model)
            assert set(known) == set(range(len(model.weights))), kind


def test_depthwise_kernels_are_drawn_by_named_strategies():
    model = keras.Sequential([keras.Input((6, 6, 4)), layers.DepthwiseConv2D(3)])
    first = autoinit.initialize(model, "he_normal", seed=1).get_weights()[0]
    second = autoinit.initialize(model, "he_normal", seed=2).get_weights()[0]
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("strategy", ["autoinit", "autoinit++"])
def test_without_the_dropout_adjustment_weights_are_those_of_the_network_without_dropout(strategy):
    def weights(rate, **options):
        stack = [
            keras.Input((64,)),
            layers.Dense(64, activation="tanh"),
            layers.Dropout(rate),
            layers.Dense(64),
        ]
        model = autoinit.initialize(keras.Sequential(stack), strategy, seed=3, options=options)
        return [w for w in model.get_weights() if w.ndim == 2]

    plain = weights(0.0)
    for unadjusted, wanted in zip(weights(0.5, dropout_adjustment=False), plain, strict=True):
        np.testing.assert_array_equal(unadjusted, wanted)
    assert weights(0.5)[1].std() < 0.9 * plain[1].std()
    with pytest.raises(AutoInitError, match=r"must be true or false. Received: 'no'"):
        weights(0.5, dropout_adjustment="no")
