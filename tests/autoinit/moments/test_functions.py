"""NumPy forms of activations agree with Keras."""

import keras
import numpy as np
import pytest

from gondwana.autoinit import AutoInitError, gaussian_moments, numpy_activation
from gondwana.autoinit.frontends.keras.functions import VECTOR, is_elementwise
from gondwana.autoinit.moments.functions import BUILT_IN, elu, gelu, leaky_relu, relu

pytestmark = pytest.mark.slow

GRID = np.linspace(-9.0, 9.0, 73) + 0.013


def keras_value(function, **arguments):
    return keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(GRID, "float64"), **arguments))


def keras_activation_names():
    """Every function that keras.activations offers, except those that need an argument."""
    skip = {"get", "serialize", "deserialize", "threshold"}
    return [n for n in dir(keras.activations) if not n.startswith("_") and n not in skip]


@pytest.mark.parametrize("name", keras_activation_names())
def test_every_keras_activation_has_a_numpy_form_or_is_known_as_a_vector_function(name):
    function = keras.activations.get(name)
    if function.__name__ in VECTOR:
        assert not is_elementwise(function)
        return
    assert function.__name__ in BUILT_IN
    np.testing.assert_allclose(numpy_activation(name)(GRID), keras_value(function), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "ours, function, arguments",
    [
        (
            relu(0.1, 3.0, 0.5),
            keras.activations.relu,
            {"negative_slope": 0.1, "max_value": 3.0, "threshold": 0.5},
        ),
        (relu(0.0, 6.0), keras.activations.relu, {"max_value": 6.0}),
        (relu(0.3), keras.activations.relu, {"negative_slope": 0.3}),
        (relu(threshold=1.0), keras.activations.relu, {"threshold": 1.0}),
        (elu(0.3), keras.activations.elu, {"alpha": 0.3}),
        (gelu(approximate=True), keras.activations.gelu, {"approximate": True}),
        (leaky_relu(0.4), keras.activations.leaky_relu, {"negative_slope": 0.4}),
    ],
)
def test_parameters_of_activations(ours, function, arguments):
    np.testing.assert_allclose(ours(GRID), keras_value(function, **arguments), rtol=1e-6, atol=1e-7)


def test_kinks_are_where_the_function_bends():
    """Moments with declared kinks equal those found by bisection."""
    for function in BUILT_IN.values():
        declared = gaussian_moments(function, 0.2, 1.3, function.kinks)
        found = gaussian_moments(function, 0.2, 1.3)
        assert declared.second_moment == pytest.approx(found.second_moment, rel=1e-8)


def test_custom_callable_is_evaluated_through_keras():
    moments = gaussian_moments(numpy_activation(lambda x: keras.ops.abs(x)))
    assert moments.mean == pytest.approx(np.sqrt(2 / np.pi), rel=1e-6)


def test_custom_vector_function_is_recognized():
    assert not is_elementwise(lambda x: keras.ops.softmax(2 * x))
    assert is_elementwise(lambda x: keras.ops.tanh(2 * x))


def test_softmax_has_no_elementwise_form():
    with pytest.raises(AutoInitError, match="softmax"):
        numpy_activation("softmax")
