"""Normalization and rescaling."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.propagation.affine import per_channel
from gondwana.autoinit.propagation.calculus import Over
from gondwana.autoinit.registry import Call, rule
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Shape

layers = keras.layers


@rule(layers.BatchNormalization)
def batch_normalization(call: Call, x: Signal) -> Signal:
    """Per channel, over batch and positions, as in training."""
    y = call.calculus.normalize(x, "batch", None, call.layer.epsilon)
    return _affine(call, y, call.layer.gamma, call.layer.beta)


@rule(layers.LayerNormalization)
def layer_normalization(call: Call, x: Signal) -> Signal:
    """Per example, over the last axis or the given ones."""
    layer = call.layer
    shape = call.input_shapes[0]
    over: Over = "channels" if len(_axes(layer.axis, shape)) == 1 else "group"
    y = call.calculus.normalize(x, over, _count(layer.axis, shape), layer.epsilon)
    return _affine(call, y, layer.gamma, layer.beta)


@rule(layers.RMSNormalization)
def rms_normalization(call: Call, x: Signal) -> Signal:
    """Divides by the root mean square over the axis, without centering."""
    layer = call.layer
    count = _count(layer.axis, call.input_shapes[0])
    return _affine(
        call, call.calculus.normalize(x, "channels", count, layer.epsilon, centered=False), layer.scale
    )


@rule(layers.GroupNormalization)
def group_normalization(call: Call, x: Signal) -> Signal:
    """Per example, over positions and the channels of a group."""
    layer = call.layer
    shape = call.input_shapes[0]
    sizes = [size for size in shape[1:] if size is not None]
    count = math.prod(sizes) / (layer.groups if layer.groups > 0 else shape[layer.axis] or 1)
    y = call.calculus.normalize(x, "group", count, layer.epsilon)
    return _affine(call, y, layer.gamma, layer.beta)


@rule(layers.UnitNormalization)
def unit_normalization(call: Call, x: Signal) -> Signal:
    """Euclidean length 1: a root mean square of ``1 / sqrt(count)``."""
    count = _count(call.layer.axis, call.input_shapes[0]) or 1
    return call.calculus.scale(
        call.calculus.normalize(x, "channels", count, 0.0, centered=False), count**-0.5
    )


@rule(layers.Rescaling)
def rescaling(call: Call, x: Signal) -> Signal:
    """``scale * x + offset``, both possibly per channel."""
    return per_channel(call.calculus, x, np.asarray(call.layer.scale), np.asarray(call.layer.offset))


@rule(layers.Normalization)
def normalization(call: Call, x: Signal) -> Signal:
    """``(x - mean) / sqrt(variance)`` with stored statistics, or its inverse."""
    layer = call.layer
    mean, deviation = np.asarray(layer.mean, np.float64), np.sqrt(np.asarray(layer.variance, np.float64))
    deviation = np.maximum(deviation, keras.config.epsilon())
    if layer.invert:
        return per_channel(call.calculus, x, deviation, mean)
    return per_channel(call.calculus, x, 1 / deviation, -mean / deviation)


def _affine(call: Call, x: Signal, gamma: Any, beta: Any = None) -> Signal:
    """Apply the learned scale and offset that the layer holds; the paper takes them as 1 and 0."""
    if not call.settings.exact:
        return x
    scale = np.ones(1) if gamma is None else gamma.numpy()
    offset = np.zeros(1) if beta is None else beta.numpy()
    return per_channel(call.calculus, x, np.ravel(scale), np.ravel(offset))


def _axes(axis: Any, shape: Shape) -> list[int]:
    axes = list(axis) if isinstance(axis, list | tuple) else [axis]
    return [a % len(shape) for a in axes]


def _count(axis: Any, shape: Shape) -> float | None:
    sizes = [shape[a] for a in _axes(axis, shape)]
    return None if any(size is None for size in sizes) else float(math.prod(size for size in sizes if size))
