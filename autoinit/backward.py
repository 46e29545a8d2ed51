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
from autoinit.graph import Slot
from autoinit.jacobians import (
    RECURRENT,
    attention_gains,
    projected_attention_gains,
    recurrent_gain,
    softmax_gain,
)
from autoinit.registry import Call, Scale
from autoinit.rules.dropout import SATURATION
from autoinit.rules.operations import contracted_size
from autoinit.signal import Signal
from autoinit.window import Shape

layers = keras.layers
_ASSUMED = 32
_STEP = 1e-4

_DROPOUTS = (layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)
_CENTERED_NORMS = (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization)
_OTHER_NORMS = (layers.RMSNormalization, layers.UnitNormalization)
_POOLING_AVERAGE = tuple(getattr(layers, f"AveragePooling{n}D") for n in (1, 2, 3))
_MEANS = tuple(getattr(layers, f"GlobalAveragePooling{n}D") for n in (1, 2, 3))
_PADDINGS = tuple(getattr(layers, f"ZeroPadding{n}D") for n in (1, 2, 3))


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


class Slopes:
    """:func:`mean_square_slope` at the four leading digits of a signal, each computed once."""

    def __init__(self) -> None:
        self._known: dict[tuple[ScalarFunction, float, float], float] = {}

    def __call__(self, f: ScalarFunction, x: Signal) -> float:
        """Return E[f'(X)^2]."""
        key = (f, float(f"{x.mean:.4g}"), float(f"{x.variance:.4g}"))
        if key not in self._known:
            self._known[key] = mean_square_slope(f, Signal(key[1], key[2]))
        return self._known[key]


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
    call: Call,
    inputs: Sequence[Signal],
    output: Signal,
    scales: Sequence[Scale],
    gradient: float,
    slopes: Slopes,
) -> list[float]:
    """Return the mean square gradient at each input of a call, given that at its output."""
    if isinstance(call.operation, layers.Wrapper) and not isinstance(call.operation, layers.Bidirectional):
        inner = replace(call, operation=call.operation.layer)
        return input_gradients(inner, inputs, output, scales, gradient, slopes)
    ratio = [entries(call.output_shapes[0]) / entries(shape) for shape in call.input_shapes]
    if isinstance(call.operation, (layers.MultiHeadAttention, layers.GroupQueryAttention)):
        return [gradient * gain for gain in projected_attention_gains(call, inputs, scales)]
    if scales:
        gain = math.prod(scale.deviation**2 * scale.fan_in for scale in scales)
        function = activation_of(call.operation)
        if function is not None:
            gain *= slopes(function, Signal(0.0, gain * inputs[0].second_moment))
        return [gradient * gain * r for r in ratio]
    if isinstance(call.operation, (layers.Attention, layers.AdditiveAttention)):
        return [gradient * gain for gain in attention_gains(call, inputs)]
    if isinstance(call.operation, RECURRENT):
        return [gradient * recurrent_gain(call, inputs[0]), *[gradient] * (len(inputs) - 1)]
    if len(inputs) > 1:
        return [gradient * factor for factor in _merging(call, inputs, ratio)]
    return [gradient * _unary(call, inputs[0], output, ratio[0], slopes)]


def _unary(call: Call, x: Signal, output: Signal, ratio: float, slopes: Slopes) -> float:
    """Return the factor of a call with one input and no weights; ``ratio`` is outputs per input."""
    operation = call.operation
    if isinstance(operation, (*_DROPOUTS, layers.GaussianDropout)):
        return float(1 / (1 - operation.rate)) if operation.rate < 1 else 0.0
    if isinstance(operation, layers.AlphaDropout):
        return float(1 / (1 + operation.rate * SATURATION**2)) if operation.rate else 1.0
    if isinstance(operation, _CENTERED_NORMS):
        return float(output.variance / (x.variance + operation.epsilon))
    if isinstance(operation, _OTHER_NORMS):
        return output.second_moment / x.second_moment if x.second_moment else 0.0
    if isinstance(operation, _POOLING_AVERAGE):
        return ratio / float(np.prod(operation.pool_size))
    if isinstance(operation, _MEANS):
        return ratio**2
    if isinstance(operation, _PADDINGS):
        return 1.0
    if isinstance(operation, layers.Rescaling):
        return float(np.mean(np.square(operation.scale)))
    if isinstance(operation, layers.Normalization):
        variance = float(np.mean(np.asarray(operation.variance)))
        return variance if operation.invert else float(np.mean(1 / np.asarray(operation.variance)))
    if (
        isinstance(operation, layers.Softmax)
        or getattr(operation, "activation", None) is keras.activations.softmax
    ):
        return softmax_gain(x, call.input_shapes[0][-1] or _ASSUMED)
    if not isinstance(operation, layers.Layer):
        return _bare(call, ratio, x, slopes)
    function = activation_of(operation)
    return ratio if function is None else slopes(function, x)


def _bare(call: Call, ratio: float, x: Signal, slopes: Slopes) -> float:
    """Return the factor of a ``keras.ops`` call with one tensor among its arguments."""
    kind = type(call.operation).__name__
    if kind in ("Add", "Subtract", "Pad", "Sum", "Folded"):
        return 1.0
    if kind == "Mean":
        return ratio**2
    if kind == "Softmax":
        return softmax_gain(x, call.input_shapes[0][call.operation.axis] or _ASSUMED)
    constants = [argument for argument in call.arguments if not isinstance(argument, Slot)]
    if kind in ("Multiply", "Divide", "TrueDivide") and len(constants) == 1:
        square = float(np.mean(np.square(keras.ops.convert_to_numpy(constants[0]))))
        return square if kind == "Multiply" or isinstance(call.arguments[1], Slot) else 1 / square
    function = activation_of(call.operation)
    return ratio if function is None else slopes(function, x)


def _merging(call: Call, inputs: Sequence[Signal], ratio: Sequence[float]) -> list[float]:
    """Return a factor per input; ``ratio`` above 1 says that an input is broadcast."""
    kind = type(call.operation).__name__
    squares = [x.second_moment for x in inputs]
    others = [math.prod(squares[:i] + squares[i + 1 :]) for i in range(len(squares))]
    if kind in ("Dot", "Matmul", "Einsum"):
        return [other * r * contracted_size(call) for other, r in zip(others, ratio, strict=True)]
    if kind == "Unfolded":
        return [1.0, 0.0]
    if kind in ("Concatenate", "Stack"):
        return [1.0] * len(inputs)
    spread = [max(r, 1.0) for r in ratio]
    if kind == "Multiply":
        return [other * r for other, r in zip(others, spread, strict=True)]
    if kind == "Average":
        return [r / len(inputs) ** 2 for r in spread]
    if kind in ("Maximum", "Minimum"):
        return [r / len(inputs) for r in spread]
    return spread
