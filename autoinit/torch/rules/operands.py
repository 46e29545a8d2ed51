"""Signals beside constants: what a constant tensor is to the theory, and what is done with the two."""

from __future__ import annotations

from typing import Any

import numpy as np

from gondwana.autoinit.errors import UnsupportedLayerError
from gondwana.autoinit.propagation.affine import per_channel
from gondwana.autoinit.signals.fields import Field
from gondwana.autoinit.signals.law import Correlations, gaussian
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.torch.calls import Call

_FEW = 16
"""Different values per channel up to which a constant offset is followed value by value."""


def operands(call: Call, signals: tuple[Signal, ...], count: int = 2) -> list[Any]:
    """Return the first arguments of a call: a signal for a tensor, an array for a constant.

    Raises:
        UnsupportedLayerError: if one is neither.
    """
    given = iter(signals)
    found: list[Any] = []
    for place in range(count):
        index = call.number_of(place)
        if index is not None and index not in call.graph.constant:
            found.append(next(given))
            continue
        value = call.constant(place)
        if value is None:
            raise UnsupportedLayerError(f"{call.step.name!r} has no tensor or number as argument {place}")
        found.append(value)
    return found


def constant_signal(call: Call, values: Any) -> Signal:
    """Return the signal of a constant that is broadcast over the output: all examples have it in common."""
    index = call.step.outputs[0]
    shape, layout = call.graph.shapes[index], call.graph.layouts[index]
    array = np.asarray(values, np.float64)
    mean, variance = float(array.mean()), float(array.var())
    if not call.settings.exact or variance <= 1e-12 * mean**2 or variance == 0:
        return Signal(mean, variance if variance > 1e-12 * mean**2 else 0.0)
    padded = array.reshape((1,) * (len(shape) - array.ndim) + array.shape)
    moved = np.moveaxis(padded, layout.channel, -1) if len(shape) > 1 else padded.reshape(1, -1)
    rows = moved.reshape(-1, moved.shape[-1])
    positions = len(rows)
    shared = variance
    if positions > 1 and rows.size == positions * rows.shape[-1]:
        pairs = np.square(rows.sum(axis=0)) - np.square(rows).sum(axis=0)
        shared = float(pairs.mean()) / (positions * (positions - 1)) - mean**2
    alike = float(np.clip(shared / variance, 0.0, 1.0))
    return Field((gaussian(mean, variance, Correlations(alike, alike, 1.0)),)).signal()


def along_channels(call: Call, values: Any) -> Any:
    """Return a constant as one number per channel; None if it differs between positions too."""
    array = np.asarray(values, np.float64)
    if array.size == 1:
        return array.reshape(1)
    index = call.step.outputs[0]
    shape, layout = call.graph.shapes[index], call.graph.layouts[index]
    padded = (1,) * (len(shape) - array.ndim) + array.shape
    others = [size for axis, size in enumerate(padded) if axis != layout.channel]
    return array.ravel() if all(size == 1 for size in others) else None


def plus(call: Call, x: Signal, values: Any) -> Signal:
    """Return ``x + values``."""
    array = np.asarray(values, np.float64)
    if np.ptp(array) == 0:
        return call.calculus.scale(x, 1.0, float(array.flat[0]))
    channels = along_channels(call, array)
    if channels is not None and len(np.unique(channels)) <= _FEW:
        return per_channel(call.calculus, x, np.ones(1), channels)
    return call.calculus.combine((x, constant_signal(call, array)), "add")


def times(call: Call, x: Signal, values: Any) -> Signal:
    """Return ``x * values``."""
    array = np.asarray(values, np.float64)
    if np.ptp(array) == 0:
        return call.calculus.scale(x, float(array.flat[0]))
    channels = along_channels(call, array)
    if channels is not None:
        return per_channel(call.calculus, x, channels, np.zeros(1))
    return call.calculus.combine((x, constant_signal(call, array)), "multiply")


def ints(value: Any, rank: int) -> tuple[int, ...]:
    """Return a size as PyTorch takes it, once per axis."""
    if isinstance(value, list | tuple):
        return tuple(int(v) for v in value) if len(value) == rank else (int(value[0]),) * rank
    return (int(value),) * rank
