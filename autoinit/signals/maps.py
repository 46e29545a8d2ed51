"""Sums over windows, position by position: where a border is, there are fewer taps.

All windows here are boxes, so that every sum is a product of one small matrix per axis.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.signals.window import Window


@dataclass(frozen=True)
class Axis:
    """One axis of a window.

    Attributes:
        gather: matrix (outputs, inputs), the number of taps that lead from an input to an output position.
        touched: matrix (taps, inputs), for how many output positions a tap reads that input position.
        places: matrix (taps, outputs), the input position that a tap reads; ``inputs`` where it is outside.
    """

    gather: Array
    touched: Array
    places: NDArray[np.intp]


@functools.lru_cache(maxsize=1024)
def axes_of(window: Window) -> tuple[Axis, ...] | None:
    """Return the axes of a window, None if a size is not known."""
    if any(size is None for size in (*window.inputs, *window.outputs)):
        return None
    paddings = window.offsets or (window.padding,) * len(window.inputs)
    numbers = zip(
        window.inputs, window.outputs, window.sizes, window.strides, window.dilations, paddings, strict=True
    )
    return tuple(
        _axis(int(n or 0), int(m or 0), taps, stride, dilation, padding, window.transposed)
        for n, m, taps, stride, dilation, padding in numbers
    )


@functools.lru_cache(maxsize=1024)
def _axis(
    n: int, m: int, taps: int, stride: int, dilation: int, padding: str | int, transposed: bool
) -> Axis:
    if transposed:  # the transpose of the convolution that leads from the outputs to the inputs
        forward = _axis(m, n, taps, stride, dilation, padding, False)
        inside = np.zeros((taps, n))
        before = _before(m, n, taps, stride, dilation, padding)
        for tap in range(taps):
            place = np.arange(n) * stride + tap * dilation - before
            inside[tap] = (place >= 0) & (place < m)
        return Axis(forward.gather.T, inside, np.zeros((taps, 0), np.intp))
    gather, touched = np.zeros((m, n)), np.zeros((taps, n))
    places = np.full((taps, m), n, np.intp)
    before = _before(n, m, taps, stride, dilation, padding)
    for tap in range(taps):
        place = np.arange(m) * stride + tap * dilation - before
        output = np.flatnonzero((place >= 0) & (place < n))
        np.add.at(gather, (output, place[output]), 1.0)
        np.add.at(touched[tap], place[output], 1.0)
        places[tap, output] = place[output]
    return Axis(gather, touched, places)


def _before(n: int, m: int, taps: int, stride: int, dilation: int, padding: str | int) -> int:
    """Return the number of zeros that the padding puts before the first input."""
    if isinstance(padding, int):
        return padding
    reach = (taps - 1) * dilation
    if padding == "causal":
        return reach
    if padding == "same":
        return max((m - 1) * stride + reach + 1 - n, 0) // 2
    return 0


def along(matrices: Sequence[Array], values: Array) -> Array:
    """Multiply each axis of ``values`` by a matrix."""
    if values.ndim == 2:
        return np.asarray(matrices[0] @ values @ matrices[1].T)
    for axis, matrix in enumerate(matrices):
        values = np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
    return values


def gathered(axes: Sequence[Axis], values: Array) -> Array:
    """Sum over the window of each output position."""
    return along([axis.gather for axis in axes], values)


def correlation_kept(axes: Sequence[Axis], energy: Array, output: Array) -> float:
    """Return by what a convolution multiplies the correlation between two positions, on average over pairs.

    Independent weights join equal taps only: Cov(y_p, y_q) = sum over taps t of E[x_{p+t} x_{q+t}], where both exist.

    Args:
        axes: of the window.
        energy: E[x^2] at each input position.
        output: its sum over the window of each output position.
    """
    touched = [axis.touched for axis in axes]
    amplitude = along(touched, np.sqrt(energy))
    joined = float((amplitude**2).sum() - along(touched, energy).sum())
    pairs = float(np.sqrt(output).sum() ** 2 - output.sum())
    return joined / pairs if pairs > 1e-9 * float(output.sum()) else 1.0


def neighbours_kept(axes: Sequence[Axis], steps: Sequence[int], energy: Array, output: Array) -> float:
    """Return the same for neighbouring output positions, on average over pairs and axes.

    Args:
        axes, energy, output: as in :func:`correlation_kept`.
        steps: by how many input positions neighbouring outputs are apart, along each axis.
    """
    amplitude, result = np.sqrt(energy), np.sqrt(output)
    joined = pairs = 0.0
    for number, step in enumerate(steps):
        if output.shape[number] < 2 or energy.shape[number] <= step:
            continue
        size = energy.shape[number]
        there = np.take(amplitude, range(size - step), number) * np.take(amplitude, range(step, size), number)
        matrices = [axis.gather for axis in axes]
        matrices[number] = matrices[number][:-1, : size - step]
        joined += float(along(matrices, there).sum())
        count = output.shape[number]
        pairs += float(
            (np.take(result, range(count - 1), number) * np.take(result, range(1, count), number)).sum()
        )
    return joined / pairs if pairs > 0 else 1.0


def shared_profile(axes: Sequence[Axis], energy: Array) -> Array:
    """Return ``2 E[y_p m] - E[m^2]`` at each output position p, m being the mean of y over positions.

    For inputs that are the same in all examples, up to a factor per position; y is the sum over the window with
    independent weights of variance 1.
    """
    amplitude = np.pad(
        np.sqrt(energy), [(0, 1)] * energy.ndim
    )  # the last entry of an axis stands for "outside"
    total = np.zeros(tuple(axis.places.shape[1] for axis in axes))
    square = 0.0
    for taps in itertools.product(*(range(len(axis.places)) for axis in axes)):
        read = amplitude[np.ix_(*(axis.places[tap] for axis, tap in zip(axes, taps, strict=True)))]
        mean = float(read.mean())
        total += mean * read
        square += mean**2
    return 2 * total - square


def inputs_in_common(axes: Sequence[Axis], steps: Sequence[int]) -> tuple[float, float]:
    """Return the share of their inputs that two output positions have in common: on average, and for neighbours."""
    pairs = alone = 1.0
    count = 1
    lost = []
    for axis, step in zip(axes, steps, strict=True):
        taps, outputs = axis.gather.sum(), axis.gather.shape[0]
        pairs *= float((axis.gather.sum(axis=0) ** 2).sum())
        alone *= float(taps)
        count *= outputs
        lost.append(max(1 - step / max(len(axis.touched), 1), 0.0))
    if count == 1:
        return 1.0, 1.0
    return float(np.clip((pairs - alone) / (alone * (count - 1)), 0.0, 1.0)), float(np.mean(lost))
