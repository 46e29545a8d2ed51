"""Activation layers (Appendix A, activation functions)."""

from __future__ import annotations

import keras
import numpy as np

from gondwana.autoinit.moments import functions
from gondwana.autoinit.registry import Call, rule
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
