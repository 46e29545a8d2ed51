"""The backward pass: how large the gradient is at each layer's output (Appendix E of the paper, future work).

Read the walk of a plan from the end. At every output of the model the gradient has mean square 1; what a layer does to
it follows from the layer's kind and from the forward signals. Gradients and signals are taken as independent, as is
usual in mean-field theory (Schoenholz et al. 2017), and gradients of different entries as uncorrelated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from autoinit.functions import (
    ScalarFunction,
    is_elementwise,
    leaky_relu,
    numpy_activation,
    relu,
    through_keras,
)
from autoinit.functions import elu as elu_function
from autoinit.gaussian import gaussian_moments
from autoinit.registry import Call, Scale
from autoinit.signal import Signal
from autoinit.window import Shape

layers = keras.layers
_ASSUMED = 32
_STEP = 1e-4

_POOLING_AVERAGE = tuple(
    getattr(layers, f"{kind}AveragePooling{n}D") for kind in ("", "Global") for n in (1, 2, 3)
)
_DROPOUTS = (layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)
_CENTERED_NORMS = (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization)


def mean_square_slope(f: ScalarFunction, x: Signal) -> float:
    """Return E[f'(X)^2] for Gaussian X, the factor that an activation applies to the squared gradient."""
    if x.variance == 0:
        return 1.0
    step = _STEP * math.sqrt(x.variance)

    def slope(points: Any) -> Any:
        return (f(points + step) - f(points - step)) / (2 * step)

    return gaussian_moments(
        slope, x.mean, x.variance, f.kinks, tolerance=max(f.tolerance, 1e-6)
    ).second_moment


def activation_of(operation: Any) -> ScalarFunction | None:
    """Return the elementwise function of an activation layer or unary operation, or that of ``activation=``."""
    if isinstance(operation, layers.ReLU):
        return relu(operation.negative_slope, operation.max_value, operation.threshold)
    if isinstance(operation, layers.LeakyReLU):
        return leaky_relu(operation.negative_slope)
    if isinstance(operation, layers.ELU):
        return elu_function(operation.alpha)
    if isinstance(operation, layers.PReLU):
        return leaky_relu(float(np.mean(keras.ops.convert_to_numpy(operation.alpha))))
    if not isinstance(operation, keras.Layer):
        name = type(operation).__name__.lower()
        return through_keras(operation.call, name) if hasattr(keras.activations, name) else None
    function = getattr(operation, "activation", None)
    if function is None or isinstance(operation, layers.RNN) or not is_elementwise(function):
        return None
    return numpy_activation(function)


def entries(shape: Shape) -> float:
    """Return the number of entries per example."""
    return float(math.prod(size or _ASSUMED for size in shape[1:]))


def input_gradients(
    call: Call, inputs: Sequence[Signal], output: Signal, scales: Sequence[Scale], gradient: float
) -> list[float]:
    """Return the mean square gradient at each input of a call, given that at its output."""
    operation = call.operation
    ratio = [entries(call.output_shapes[0]) / entries(shape) for shape in call.input_shapes]
    if scales:
        scale = scales[0]
        before = Signal(0.0, scale.deviation**2 * scale.fan_in * inputs[0].second_moment)
        function = activation_of(operation)
        slope = 1.0 if function is None else mean_square_slope(function, before)
        gain = slope * math.prod(s.deviation**2 * s.fan_in for s in scales[:2])
        return [gradient * gain * r for r in ratio]
    if len(inputs) > 1:
        return _merging(call, inputs, gradient, ratio)
    x = inputs[0]
    if isinstance(operation, _DROPOUTS):
        return [gradient / (1 - operation.rate)]
    if isinstance(operation, _CENTERED_NORMS):
        return [gradient * output.variance / (x.variance + operation.epsilon)]
    if isinstance(operation, _POOLING_AVERAGE):
        window = 1 / ratio[0] if "Global" in type(operation).__name__ else float(np.prod(operation.pool_size))
        return [gradient * ratio[0] / window]
    if isinstance(operation, layers.Rescaling):
        return [gradient * float(np.mean(np.square(operation.scale)))]
    function = activation_of(operation)
    if function is not None:
        return [gradient * mean_square_slope(function, replace(x, law=None))]
    return [gradient * ratio[0]]


def _merging(call: Call, inputs: Sequence[Signal], gradient: float, ratio: Sequence[float]) -> list[float]:
    operation = call.operation
    kind = type(operation).__name__
    if isinstance(operation, layers.Average):
        return [gradient / len(inputs) ** 2] * len(inputs)
    if kind == "Multiply":
        squares = [x.second_moment for x in inputs]
        others = [math.prod(squares[:i] + squares[i + 1 :]) for i in range(len(squares))]
        return [gradient * other * max(r, 1.0) for other, r in zip(others, ratio, strict=True)]
    if kind in ("Maximum", "Minimum"):
        return [gradient / len(inputs)] * len(inputs)
    return [gradient] * len(inputs)
