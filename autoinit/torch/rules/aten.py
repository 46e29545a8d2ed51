"""aten operations in the terms of the calculus: sums, products, pooling, normalization, dropout.

Functions are in ``functions.py``, multiplications by weights in ``contractions.py``, moves in ``moves.py``. What is in
none of them is run on seeded draws.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from gondwana.autoinit.errors import UnsupportedLayerError
from gondwana.autoinit.moments.functions import ScalarFunction
from gondwana.autoinit.propagation.affine import per_channel
from gondwana.autoinit.propagation.calculus import Over
from gondwana.autoinit.propagation.vectors import softmax as softmax_signal
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Window
from gondwana.autoinit.torch.calls import Call, rule
from gondwana.autoinit.torch.rules.contractions import window_of
from gondwana.autoinit.torch.rules.functions import function_of
from gondwana.autoinit.torch.rules.operands import ints, operands, plus, times


@rule("aten.add", "aten.sub", "aten.rsub")
def add(call: Call, *signals: Signal) -> Signal:
    """Sum or difference of tensors, or of a tensor and a constant."""
    first, second = operands(call, signals)
    sign = {"aten.add": (1.0, 1.0), "aten.sub": (1.0, -1.0), "aten.rsub": (-1.0, 1.0)}[call.step.kind]
    alpha = float(call.step.keywords.get("alpha", call.argument(2, 1.0)))
    factors = (sign[0] * alpha, sign[1]) if call.step.kind == "aten.rsub" else (sign[0], sign[1] * alpha)
    scaled = [
        call.calculus.scale(value, factor)
        if isinstance(value, Signal) and factor != 1
        else value
        if isinstance(value, Signal)
        else factor * value
        for value, factor in zip((first, second), factors, strict=True)
    ]
    if len(signals) == 2:
        return call.calculus.combine(scaled, "add")
    x, constant = scaled if isinstance(scaled[0], Signal) else scaled[::-1]
    return plus(call, x, constant)


@rule("aten.mul")
def multiply(call: Call, *signals: Signal) -> Signal:
    """Product of tensors, or of a tensor and a constant."""
    first, second = operands(call, signals)
    if len(signals) == 2:
        return call.calculus.combine((first, second), "multiply")
    return times(call, signals[0], second if isinstance(first, Signal) else first)


@rule("aten.div")
def divide(call: Call, *signals: Signal) -> Signal:
    """Quotient by a constant; a tensor as the divisor goes through its reciprocal, which must be integrable."""
    first, second = operands(call, signals)
    if call.step.keywords.get("rounding_mode") is not None:
        raise UnsupportedLayerError(f"{call.step.name!r} rounds")
    if not isinstance(second, Signal):
        return times(call, first, 1 / second)
    inverse = call.calculus.elementwise(second, _RECIPROCAL)
    if isinstance(first, Signal):
        return call.calculus.combine((first, inverse), "multiply")
    return times(call, inverse, first)


_RECIPROCAL = ScalarFunction(lambda x: 1 / x, name="reciprocal")


@rule("aten.maximum", "aten.minimum")
def extremum(call: Call, *signals: Signal) -> Signal:
    """Larger or smaller of two tensors, or of a tensor and a number."""
    if len(signals) == 2:
        return call.calculus.combine(signals, "maximum" if call.step.kind == "aten.maximum" else "minimum")
    return call.calculus.elementwise(signals[0], function_of(call))


@rule("aten.softmax", "aten._softmax")
def softmax(call: Call, x: Signal) -> Signal:
    """Over one axis."""
    return softmax_signal(x, int(call.shape(0)[int(call.argument(1, -1))] or 1))


@rule("aten.mean", "aten.sum")
def average(call: Call, x: Signal) -> Signal:
    """Mean or sum over positions, channels or both."""
    shape = call.shape(0)
    layout = call.graph.layouts[call.variable_inputs()[0]]
    axes = _axes(call, len(shape))
    sizes = {axis: int(shape[axis] or 1) for axis in axes}
    places = [axis for axis in range(len(shape)) if axis not in layout]
    result = x
    if any(axis in sizes for axis in places):
        inputs = tuple(shape[axis] for axis in places)
        taps = tuple(sizes.get(axis, 1) for axis in places)
        outputs = tuple(1 if axis in sizes else shape[axis] for axis in places)
        window = Window(taps, taps, (1,) * len(taps), "valid", inputs, outputs)
        result = call.calculus.average(x, window)
        if (
            any(axis not in sizes for axis in places)
            and isinstance(result, Signal)
            and result.law is not None
        ):
            result = call.calculus.rearrange(result, (*(int(n or 1) for n in outputs), 1), call.after())
    joined = math.prod(sizes.get(axis, 1) for axis in layout)
    if joined > 1:  # channels and examples are independent
        result = Signal(result.mean, result.variance / joined, result.covariance / joined)
    return (
        result
        if call.step.kind == "aten.mean"
        else call.calculus.scale(result, float(math.prod(sizes.values())))
    )


def _axes(call: Call, rank: int) -> list[int]:
    axes = call.argument(1)
    if axes is None or axes == []:
        return list(range(rank))
    return [int(axis) % rank for axis in ([axes] if isinstance(axes, int) else axes)]


@rule("aten.amax", "aten.amin")
def largest(call: Call, x: Signal) -> Signal:
    """Maximum or minimum over the reduced axes, taken as positions."""
    shape = call.shape(0)
    count = math.prod(int(shape[axis] or 1) for axis in _axes(call, len(shape)))
    window = Window((count,), (1,), (1,), "valid", (None,), (None,))
    if call.step.kind == "aten.amax":
        return call.calculus.largest(x, window)
    return call.calculus.scale(call.calculus.largest(call.calculus.scale(x, -1.0), window), -1.0)


_POOLS = [f"aten.max_pool{n}d{end}" for n in (1, 2, 3) for end in ("", "_with_indices")]


@rule(*_POOLS)
def max_pooling(call: Call, x: Signal) -> Signal:
    """Maximum over a window."""
    window = window_of(call, call.argument(1), call.argument(2), call.argument(3, 0), call.argument(4, 1))
    return call.calculus.largest(call.with_channels(x, 1), window)


@rule("aten.avg_pool1d", "aten.avg_pool2d", "aten.avg_pool3d")
def average_pooling(call: Call, x: Signal) -> Signal:
    """Mean over a window; zeros of the padding count unless the call says otherwise."""
    x, inputs = call.with_channels(x, 1), call.shape(0)[2:]
    window = window_of(call, call.argument(1), call.argument(2), call.argument(3, 0), 1)
    if call.argument(6) is not None:
        raise UnsupportedLayerError(f"{call.step.name!r} divides by a number of its own")
    if any(window.offsets) and call.argument(5, True):
        wider = tuple(int(n or 1) + 2 * p for n, p in zip(inputs, window.offsets, strict=True))
        x = call.calculus.pad(x, inputs, wider, window.offsets)
        window = Window(window.sizes, window.strides, window.dilations, "valid", wider, window.outputs)
    return call.calculus.average(x, window)


@rule(*(f"aten.adaptive_{how}_pool{n}d" for how in ("avg", "max") for n in (1, 2, 3)))
def adaptive_pooling(call: Call, x: Signal) -> Signal:
    """Mean or maximum over windows that tile the positions."""
    inputs = tuple(int(n or 1) for n in call.shape(0)[2:])
    outputs = ints(call.argument(1), len(inputs))
    sizes = tuple(math.ceil(n / m) for n, m in zip(inputs, outputs, strict=True))
    window = Window(sizes, sizes, (1,) * len(sizes), "valid", inputs, outputs)
    x = call.with_channels(x, 1)
    return call.calculus.average(x, window) if "avg" in call.step.kind else call.calculus.largest(x, window)


@rule("aten.dropout", "aten.feature_dropout")
def dropout(call: Call, x: Signal) -> Signal:
    """Scaled by 1 / (1 - rate); of entries, or of whole channels."""
    rate = float(call.argument(1, 0.5))
    if not call.argument(2, True) or rate == 0:
        return x
    if rate >= 1:
        return Signal(0.0, 0.0)
    return call.calculus.drop(x, rate, spatial=call.step.kind == "aten.feature_dropout")


@rule("aten.batch_norm")
def batch_norm(call: Call, x: Signal) -> Signal:
    """Per channel, over batch and positions, as in training; frozen parts that are evaluated use what they hold."""
    epsilon = float(call.argument(7, 1e-5))
    x = call.with_channels(x, 1) if len(call.shape(0)) > 1 else x
    if not call.argument(5, True):
        factor = 1 / np.sqrt(call.constant(4) + epsilon)
        return _scaled(call, per_channel(call.calculus, x, factor, -call.constant(3) * factor), 1, 2)
    return _scaled(call, call.calculus.normalize(x, "batch", None, epsilon), 1, 2)


@rule("aten.layer_norm")
def layer_norm(call: Call, x: Signal) -> Signal:
    """Per example, over the last axes."""
    sizes = call.argument(1)
    over: Over = "channels" if len(sizes) == 1 else "group"
    y = call.calculus.normalize(
        call.with_channels(x, -1), over, float(math.prod(sizes)), float(call.argument(4, 1e-5))
    )
    return _scaled(call, y, 2, 3)


@rule("aten.rms_norm")
def rms_norm(call: Call, x: Signal) -> Signal:
    """Divides by the root mean square over the last axes, without centering."""
    sizes = call.argument(1)
    epsilon = call.argument(3)
    small = torch.finfo(call.graph.dtypes[call.step.inputs[0]]).eps if epsilon is None else float(epsilon)
    x = call.with_channels(x, -1)
    y = call.calculus.normalize(x, "channels", float(math.prod(sizes)), small, centered=False)
    return _scaled(call, y, 2, None)


@rule("aten.group_norm", "aten.instance_norm")
def group_norm(call: Call, x: Signal) -> Signal:
    """Per example, over positions and the channels of a group; of one channel for instance normalization."""
    shape = call.shape(0)
    grouped = call.step.kind == "aten.group_norm"
    groups = int(call.argument(1)) if grouped else int(shape[1] or 1)
    if not grouped and not call.argument(5, True):
        raise UnsupportedLayerError(f"{call.step.name!r} normalizes by stored statistics")
    count = 1.0 if groups == shape[1] else math.prod(int(n or 1) for n in shape[1:]) / groups
    epsilon = float(call.argument(4 if grouped else 7, 1e-5))
    y = call.calculus.normalize(call.with_channels(x, 1), "group", count, epsilon)
    return _scaled(call, y, 2, 3) if grouped else _scaled(call, y, 1, 2)


def _scaled(call: Call, x: Signal, scale: int, offset: int | None) -> Signal:
    """Apply the learned scale and offset that a module holds; the paper takes them as 1 and 0."""
    if not call.settings.exact:
        return x
    gamma = call.constant(scale)
    beta = None if offset is None else call.constant(offset)
    ones = np.ones(1) if gamma is None else np.ravel(gamma)
    return per_channel(call.calculus, x, ones, np.zeros(1) if beta is None else np.ravel(beta))
