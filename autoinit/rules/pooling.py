"""Pooling (Appendix A, pooling layers)."""

from __future__ import annotations

import math

import keras

from gondwana.autoinit.registry import Call, rule
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Window, per_axis, spatial

layers = keras.layers

UNKNOWN_SIZE = 32
"""Number of positions that is assumed along an axis whose size is not known, such as the length of a text."""


def pool_window(call: Call) -> Window:
    """Return the window of a pooling layer."""
    layer = call.layer
    inputs = spatial(call.input_shapes[0], layer.data_format)
    rank = len(inputs)
    return Window(
        sizes=per_axis(layer.pool_size, rank),
        strides=per_axis(layer.strides, rank),
        dilations=(1,) * rank,
        padding=layer.padding,
        inputs=inputs,
        outputs=spatial(call.output_shapes[0], layer.data_format),
    )


def global_window(call: Call) -> Window:
    """Return the window that covers every position."""
    sizes = tuple(size or UNKNOWN_SIZE for size in spatial(call.input_shapes[0], call.layer.data_format))
    ones = (1,) * len(sizes)
    return Window(sizes, ones, ones, "valid", sizes, ones)


def adaptive_window(call: Call) -> Window:
    """Return the mean window of a pooling layer that is told the size of its output."""
    inputs = tuple(size or UNKNOWN_SIZE for size in spatial(call.input_shapes[0], call.layer.data_format))
    outputs = per_axis(call.layer.output_size, len(inputs))
    sizes = tuple(math.ceil(n / m) for n, m in zip(inputs, outputs, strict=True))
    return Window(sizes, sizes, (1,) * len(sizes), "valid", inputs, outputs)


@rule(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D)
def average_pooling(call: Call, x: Signal) -> Signal:
    """Mean over a window."""
    return call.calculus.average(x, pool_window(call))


@rule(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)
def max_pooling(call: Call, x: Signal) -> Signal:
    """Maximum over a window."""
    return call.calculus.largest(x, pool_window(call))


@rule(layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D)
def global_average_pooling(call: Call, x: Signal) -> Signal:
    """Mean over all positions."""
    return call.calculus.average(x, global_window(call))


@rule(layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D)
def global_max_pooling(call: Call, x: Signal) -> Signal:
    """Maximum over all positions."""
    return call.calculus.largest(x, global_window(call))


_ADAPTIVE_AVERAGE = [getattr(layers, f"AdaptiveAveragePooling{n}D", None) for n in (1, 2, 3)]
_ADAPTIVE_MAXIMUM = [getattr(layers, f"AdaptiveMaxPooling{n}D", None) for n in (1, 2, 3)]


@rule(*(kind for kind in _ADAPTIVE_AVERAGE if kind is not None))  # not in every Keras that we support
def adaptive_average_pooling(call: Call, x: Signal) -> Signal:
    """Mean over windows that tile the positions."""
    return call.calculus.average(x, adaptive_window(call))


@rule(*(kind for kind in _ADAPTIVE_MAXIMUM if kind is not None))
def adaptive_max_pooling(call: Call, x: Signal) -> Signal:
    """Maximum over windows that tile the positions."""
    return call.calculus.largest(x, adaptive_window(call))
