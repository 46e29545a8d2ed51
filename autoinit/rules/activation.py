"""Activation layers (Appendix A, activation functions), and those minus their mean that AutoInit++ makes of them."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np

from gondwana.autoinit.frontends.keras.functions import numpy_activation, numpy_form
from gondwana.autoinit.frontends.keras.saved_classes import Centered, CenteredActivation
from gondwana.autoinit.moments import functions
from gondwana.autoinit.moments.functions import ScalarFunction
from gondwana.autoinit.registry import Call, result_signals, rule, rule_for
from gondwana.autoinit.rules.elementwise import activate, elementwise
from gondwana.autoinit.signals.signal import Signal

layers = keras.layers


@rule(layers.Activation)
def activation(call: Call, x: Signal) -> Signal:
    """Any activation by name or callable."""
    return activate(call, call.layer.activation, x)


@rule(layers.ReLU)
def relu(call: Call, x: Signal) -> Signal:
    """With its slope, ceiling and threshold."""
    layer = call.layer
    return elementwise(call, functions.relu(layer.negative_slope, layer.max_value, layer.threshold), x)


@rule(layers.LeakyReLU)
def leaky_relu(call: Call, x: Signal) -> Signal:
    """With its slope."""
    return elementwise(call, functions.leaky_relu(call.layer.negative_slope), x)


@rule(layers.ELU)
def elu(call: Call, x: Signal) -> Signal:
    """With its alpha."""
    return elementwise(call, functions.elu(call.layer.alpha), x)


@rule(layers.PReLU)
def prelu(call: Call, x: Signal) -> Signal:
    """With the slopes that it holds: the entries are a mixture over them."""
    slopes = np.asarray(keras.ops.convert_to_numpy(call.layer.alpha), np.float64)
    middle, spread = float(slopes.mean()), float(slopes.std())
    if spread <= 1e-9 * abs(middle):
        return elementwise(call, functions.leaky_relu(middle), x)
    # Moments are quadratic in the slope: two slopes with the same mean and variance stand for all of them.
    sides = [elementwise(call, functions.leaky_relu(middle + sign * spread), x) for sign in (-1, 1)]
    return call.calculus.concatenate(sides, [1.0, 1.0])


@rule(layers.Softmax)
def softmax(call: Call, x: Signal) -> Signal:
    """Over the last axis or the given ones."""
    axes = call.layer.axis if isinstance(call.layer.axis, list | tuple) else [call.layer.axis]
    sizes = [call.input_shapes[0][axis] or 1 for axis in axes]
    return activate(call, keras.activations.softmax, x, int(np.prod(sizes)))


@rule(layers.Identity, layers.ActivityRegularization, layers.Masking)
def identity(call: Call, x: Signal) -> Signal:
    """Layers that return their input."""
    return x


@rule(layers.InputLayer)
def input_layer(call: Call, *signals: Signal) -> Signal:
    """Exposes the data, or what a nested model is called with."""
    return signals[0]


@numpy_form(CenteredActivation)
def _numpy_centered(activation: CenteredActivation) -> ScalarFunction:
    return numpy_activation(activation.activation).shifted(-activation.mean)


@rule(Centered)
def _centered_rule(call: Call, x: Signal) -> Signal:
    inner = replace(call, operation=call.layer.layer)
    signal = result_signals(rule_for(inner.operation)(inner, x))[0]
    return call.calculus.scale(signal, 1.0, -call.layer.mean)
