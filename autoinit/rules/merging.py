"""Layers that merge several tensors (Appendix A, arithmetic operators and concatenation)."""

from __future__ import annotations

import keras

from gondwana.autoinit.registry import Call, rule
from gondwana.autoinit.signals.signal import Signal

layers = keras.layers


@rule(layers.Add)
def add(call: Call, *signals: Signal) -> Signal:
    """Equation 11."""
    return call.calculus.combine(signals, "add")


@rule(layers.Average)
def average(call: Call, *signals: Signal) -> Signal:
    """Equation 12."""
    return call.calculus.scale(call.calculus.combine(signals, "add"), 1 / len(signals))


@rule(layers.Subtract)
def subtract(call: Call, first: Signal, second: Signal) -> Signal:
    """Equation 13."""
    return call.calculus.combine((first, call.calculus.scale(second, -1.0)), "add")


@rule(layers.Multiply)
def multiply(call: Call, *signals: Signal) -> Signal:
    """Equation 14."""
    return call.calculus.combine(signals, "multiply")


@rule(layers.Maximum)
def maximum(call: Call, *signals: Signal) -> Signal:
    """Of Gaussians; not in the paper."""
    return call.calculus.combine(signals, "maximum")


@rule(layers.Minimum)
def minimum(call: Call, *signals: Signal) -> Signal:
    """Of Gaussians; not in the paper."""
    return call.calculus.combine(signals, "minimum")


@rule(layers.Concatenate)
def concatenate(call: Call, *signals: Signal) -> Signal:
    """Equations 15 and 16: shares by size along the axis."""
    sizes = [float(shape[call.layer.axis] or 1) for shape in call.input_shapes]
    return call.calculus.concatenate(signals, sizes)


@rule(layers.Dot)
def dot(call: Call, first: Signal, second: Signal) -> Signal:
    """Sum of products over the contracted axes; with ``normalize``, a cosine of independent directions."""
    axes = call.layer.axes
    axis = axes if isinstance(axes, int) else axes[0]
    size = call.input_shapes[0][axis] or 1
    if call.layer.normalize:
        return Signal(0.0, 1 / size)
    product = call.calculus.combine((first, second), "multiply")
    return Signal(size * product.mean, size * product.variance)
