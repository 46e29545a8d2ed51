"""The backward pass, and scaling for it."""

import keras
import numpy as np
import pytest

from gondwana import autoinit
from gondwana.autoinit.gradients.slopes import mean_square_slope
from gondwana.autoinit.moments.functions import BUILT_IN, relu
from gondwana.autoinit.signals.signal import Signal

layers = keras.layers


def chain(sizes, activation="linear"):
    return keras.Sequential(
        [keras.Input((sizes[0],)), *(layers.Dense(n, activation=activation) for n in sizes[1:])]
    )


@pytest.mark.parametrize(
    "direction, variance", [("forward", 1 / 30), ("backward", 1 / 70), ("both", 2 / 100)]
)
def test_linear_layer_and_glorots_compromise(direction, variance):
    planned = autoinit.plan(chain([30, 70]), direction=direction)
    assert planned.weights[0].deviation ** 2 == pytest.approx(variance)


def test_he_initialization_is_the_relu_case_of_either_direction():
    model = chain([64, 64, 64, 64], "relu")
    for direction in ("forward", "backward"):
        assert autoinit.plan(model, direction=direction).weights[1].deviation ** 2 == pytest.approx(
            2 / 64, rel=1e-3
        )


def test_gradients_of_a_linear_chain():
    calls = autoinit.plan(chain([30, 70, 20])).calls
    assert calls[1].gradient == 1.0
    assert calls[0].gradient == pytest.approx(20 / 70)


def test_backward_scaling_keeps_the_gradient():
    calls = autoinit.plan(chain([30, 70, 20, 90]), direction="backward").calls
    assert [call.gradient for call in calls] == pytest.approx([1.0] * 3)


@pytest.mark.parametrize("name, slope", [("relu", 0.5), ("linear", 1.0), ("hard_tanh", 0.6826894921)])
def test_mean_square_slopes(name, slope):
    assert mean_square_slope(BUILT_IN[name], Signal(0.0, 1.0)) == pytest.approx(slope, rel=1e-3)
    assert mean_square_slope(relu(0.5), Signal(0.0, 1.0)) == pytest.approx(0.625, rel=1e-3)


def test_residual_gradients_add_up():
    x = keras.Input((16,))
    y = layers.Dense(16, name="first")(x)
    model = keras.Model(x, layers.Add()([y, layers.Dense(16, name="second")(y)]))
    gradients = {call.name: call.gradient for call in autoinit.plan(model).calls}
    assert gradients["second"] == 1.0
    assert gradients["first"] == pytest.approx(2.0)


@pytest.mark.slow
def test_gradient_measured_by_finite_differences():
    """Through a convolution, an activation, pooling and a dense layer: E[(dL/dx)^2] over random outputs."""
    rng = np.random.default_rng(0)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 8), name="x"),
            layers.Conv2D(64, 3, padding="valid", name="conv"),
            layers.Activation("tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(64, name="dense"),
        ]
    )
    planned = autoinit.plan(model, propagation="exact")
    tail = keras.Sequential([keras.Input(model.layers[0].output.shape[1:]), *model.layers[1:]])
    found = []
    for draw in range(12):
        autoinit.apply(planned, model, seed=draw)
        h = np.asarray(
            keras.ops.convert_to_numpy(model.layers[0](rng.normal(size=(1, 6, 6, 8)).astype("float32")))
        )
        u = rng.normal(size=64)
        for _ in range(40):
            index = tuple(rng.integers(0, n) for n in h.shape)
            step = np.zeros_like(h)
            step[index] = 0.05
            up, down = (np.asarray(keras.ops.convert_to_numpy(tail(h + s))) for s in (step, -step))
            found.append(float(((up - down) / 0.1)[0] @ u) ** 2)
    predicted = next(call.gradient for call in planned.calls if call.name == "conv")
    error = np.std(found) / np.sqrt(12 * 8)
    assert abs(np.mean(found) - predicted) < 5 * error


def test_unknown_direction_is_refused():
    with pytest.raises(autoinit.AutoInitError, match="direction must be one of"):
        autoinit.plan(chain([3, 3]), direction="sideways")


def test_direction_reaches_the_class():
    model = autoinit.AutoInit({"direction": "both"}, seed=0).initialize_model(chain([30, 70]))
    assert np.asarray(model.layers[0].kernel).std() == pytest.approx((2 / 100) ** 0.5, rel=0.05)
