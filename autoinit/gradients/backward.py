"""The backward pass: how large the gradient is at each layer's output (Appendix E of the paper, future work).

Read the walk of a plan from the end. At every output of the model the gradient has mean square 1; what a layer does to
it follows from the layer's kind and from the forward signals. Gradients and signals are taken as independent, as is
usual in mean-field theory (Schoenholz et al. 2017), and gradients of different entries as uncorrelated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.frontends.keras.functions import is_elementwise
from gondwana.autoinit.frontends.keras.graph import Slot
from gondwana.autoinit.gradients.jacobians import (
    RECURRENT,
    attention_gains,
    projected_attention_gains,
    recurrent_gain,
    softmax_gain,
    vector_gain,
)
from gondwana.autoinit.gradients.slopes import Slopes, activation_of
from gondwana.autoinit.moments.functions import ScalarFunction
from gondwana.autoinit.registry import Call, Scale
from gondwana.autoinit.rules.dropout import SATURATION
from gondwana.autoinit.rules.operations import contracted_size
from gondwana.autoinit.rules.pooling import pool_window
from gondwana.autoinit.rules.windows import window_of
from gondwana.autoinit.signals.maps import axes_of
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Shape, Window

layers = keras.layers
_ASSUMED = 32

_DROPOUTS = (layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)
_CENTERED_NORMS = (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization)
_OTHER_NORMS = (layers.RMSNormalization, layers.UnitNormalization)
_POOLING_AVERAGE = tuple(getattr(layers, f"AveragePooling{n}D") for n in (1, 2, 3))
_MEANS = tuple(
    kind
    for name in ("GlobalAveragePooling", "AdaptiveAveragePooling")
    for kind in (getattr(layers, f"{name}{n}D", None) for n in (1, 2, 3))
    if kind is not None
)
_FLAT = ("Ceil", "Floor", "Round", "Sign", "StopGradient", "Trunc")
_COMPARISONS = ("Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual")
"""Operations whose outputs do not change with small changes of the inputs."""
_PADDINGS = tuple(getattr(layers, f"ZeroPadding{n}D") for n in (1, 2, 3))


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
        activated = _activated(call, Signal(0.0, gain * inputs[0].second_moment), slopes)
        if isinstance(call.operation, layers.EinsumDense):
            ratio = [_einsum_ratio(call)]
        return [gradient * gain * activated * r for r in ratio]
    if isinstance(call.operation, (layers.Attention, layers.AdditiveAttention)):
        return [gradient * gain for gain in attention_gains(call, inputs)]
    if isinstance(call.operation, RECURRENT):
        return [gradient * recurrent_gain(call, inputs[0]), *[gradient] * (len(inputs) - 1)]
    if type(call.operation).__name__ == "Where":
        return [gradient * factor for factor in _where(call, inputs)]
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
        return ratio * _averaging(pool_window(call))
    if isinstance(operation, _MEANS):
        return ratio**2
    if isinstance(operation, _PADDINGS):
        return 1.0
    if isinstance(operation, layers.Rescaling):
        return float(np.mean(np.square(operation.scale)))
    if isinstance(operation, layers.Normalization):
        variance = float(np.mean(np.asarray(operation.variance)))
        return variance if operation.invert else float(np.mean(1 / np.asarray(operation.variance)))
    if isinstance(operation, layers.Softmax):
        return softmax_gain(x, call.input_shapes[0][-1] or _ASSUMED)
    if not isinstance(operation, layers.Layer):
        return _bare(call, ratio, x, slopes)
    if getattr(operation, "activation", None) is not None:
        return _activated(call, x, slopes)
    function = activation_of(operation)
    return ratio if function is None else slopes(function, x)


def _activated(call: Call, x: Signal, slopes: Slopes) -> float:
    """Return the factor of a layer's activation, elementwise or not, on what goes into it."""
    function = activation_of(call.operation)
    if function is not None:
        return slopes(function, x)
    activation = getattr(call.operation, "activation", None)
    if activation is None or is_elementwise(activation):
        return 1.0
    size = call.output_shapes[0][-1] or _ASSUMED
    if activation is keras.activations.softmax:
        return softmax_gain(x, size)
    return vector_gain(activation, x, size, call.settings.seed)


def _einsum_ratio(call: Call) -> float:
    """Return over the fan-in how many outputs an input reaches: by kernel axes, as sizes may be unknown."""
    operands = call.layer.equation.replace("...", "").split("->")[0]
    read, labels = operands.split(",")
    sizes = dict(zip(labels, call.layer.kernel.shape, strict=True))
    result = call.layer.equation.split("->")[1]
    fan_out = math.prod(n for label, n in sizes.items() if label not in read)
    return float(fan_out / math.prod(n for label, n in sizes.items() if label not in result))


def _averaging(window: Window) -> float:
    """Return the mean over output positions of one over the number of inputs that are averaged there."""
    axes = axes_of(window)
    if axes is None:
        return 1.0 / window.taps
    return math.prod(float(np.mean(1 / axis.gather.sum(axis=1))) for axis in axes)


def _bare(call: Call, ratio: float, x: Signal, slopes: Slopes) -> float:
    """Return the factor of a ``keras.ops`` call with one tensor among its arguments."""
    kind = type(call.operation).__name__
    if kind in (*_FLAT, *_COMPARISONS) or (kind == "Cast" and "float" not in str(call.operation.dtype)):
        return 0.0
    if kind in ("Add", "Subtract", "Pad", "Sum", "Folded"):
        return 1.0
    if kind == "Mean":
        return ratio**2
    if kind == "AveragePool":
        return ratio * _averaging(window_of(call, call.operation.pool_size))
    if kind in ("Softmax", "LogSoftmax"):
        size = call.input_shapes[0][call.operation.axis] or _ASSUMED
        if kind == "Softmax":
            return softmax_gain(x, size)
        return vector_gain(keras.activations.log_softmax, x, size, call.settings.seed)
    function = _with_constant(call) or activation_of(call.operation)
    return ratio if function is None else slopes(function, x)


def _with_constant(call: Call) -> ScalarFunction | None:
    """Return the function of one tensor that an operation on it and a constant is."""
    kind = type(call.operation).__name__
    constants = [argument for argument in call.arguments if not isinstance(argument, Slot)]
    if kind not in _BINARY or len(constants) != 1:
        return None
    array = np.asarray(keras.ops.convert_to_numpy(constants[0]), np.float64)
    first = isinstance(call.arguments[0], Slot)
    if kind in ("Multiply", "Divide", "TrueDivide") and (first or kind == "Multiply"):
        number = float(
            np.sqrt(np.mean(np.square(array)))
        )  # of constants that differ, what a slope's square needs
    else:
        number = float(np.mean(array))
    binary = _BINARY[kind]
    kinks = (number,) if kind in ("Maximum", "Minimum") else ()
    return ScalarFunction(_Partial(binary, number, first), kinks)


@dataclass(frozen=True)
class _Partial:
    """A binary function with one argument given; equal ones are equal, so that their slopes are computed once."""

    function: Callable[[Any, Any], Any]
    constant: float
    first: bool

    def __call__(self, x: Any) -> Any:
        return self.function(x, self.constant) if self.first else self.function(self.constant, x)


_BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "Multiply": np.multiply,
    "Divide": np.divide,
    "TrueDivide": np.divide,
    "Power": np.power,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
}


def _where(call: Call, inputs: Sequence[Signal]) -> list[float]:
    """Return a factor per tensor of a choice: the share of the entries that are taken from it."""
    given = iter(inputs)
    condition = call.arguments[0]
    if isinstance(condition, Slot):
        share = min(max(next(given).mean, 0.0), 1.0)
    else:
        share = float(np.mean(keras.ops.convert_to_numpy(condition)))
    shares = (0.0, share, 1.0 - share)
    return [part for part, argument in zip(shares, call.arguments, strict=True) if isinstance(argument, Slot)]


def _merging(call: Call, inputs: Sequence[Signal], ratio: Sequence[float]) -> list[float]:
    """Return a factor per input; ``ratio`` above 1 says that an input is broadcast."""
    kind = type(call.operation).__name__
    squares = [x.second_moment for x in inputs]
    others = [math.prod(squares[:i] + squares[i + 1 :]) for i in range(len(squares))]
    if kind in _COMPARISONS:
        return [0.0] * len(inputs)
    if kind == "Dot" and getattr(call.operation, "normalize", False):
        size = contracted_size(call)
        return [(1 - 1 / size) / (size**2 * square) if square else 0.0 for square in squares]
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
