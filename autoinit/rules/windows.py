"""Bare ``keras.ops`` calls that slide a window over positions."""

from __future__ import annotations

from typing import Any

import keras

from gondwana.autoinit.errors import UnsupportedLayerError
from gondwana.autoinit.frontends.keras.graph import Slot
from gondwana.autoinit.registry import Call, Weighted, rule
from gondwana.autoinit.rules.operations import IMAGE, classes, weight
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Window, per_axis, spatial

ops = keras.ops


def window_of(call: Call, sizes: Any) -> Window:
    """Return the window of an operation that slides one of these sizes."""
    operation = call.operation
    data_format = operation.data_format or keras.config.image_data_format()
    inputs, outputs = (spatial(shapes[0], data_format) for shapes in (call.input_shapes, call.output_shapes))
    rank = len(inputs)
    taps = per_axis(sizes, rank)
    strides = taps if operation.strides is None else per_axis(operation.strides, rank)
    dilations = per_axis(getattr(operation, "dilation_rate", 1), rank)
    return Window(taps, strides, dilations, operation.padding, inputs, outputs)


@rule(*classes([lambda x: ops.max_pool(x, 2)], IMAGE))
def max_pool(call: Call, x: Signal) -> Signal:
    """Maximum over a window."""
    return call.calculus.largest(x, window_of(call, call.operation.pool_size))


@rule(*classes([lambda x: ops.average_pool(x, 2)], IMAGE))
def average_pool(call: Call, x: Signal) -> Signal:
    """Mean over a window."""
    return call.calculus.average(x, window_of(call, call.operation.pool_size))


@rule(*classes([lambda x, y: ops.conv(x, y)], IMAGE, keras.KerasTensor((2, 2, 2, 3))))
def conv(call: Call, x: Signal, *others: Signal) -> Signal | Weighted:
    """Convolution with a variable, which is a weight to be scaled, or with a constant."""
    kernel = call.arguments[1]
    if isinstance(kernel, Slot):
        raise UnsupportedLayerError(f"{call.name!r} convolves with a tensor that the model computes")
    return weight(call, kernel, x, float(kernel.shape[-2]), window_of(call, tuple(kernel.shape[:-2])))
