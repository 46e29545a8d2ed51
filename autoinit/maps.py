"""Sums over windows, position by position: where a border is, there are fewer taps.

All windows here are boxes, so that every sum is a product of one small matrix per axis.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoinit.gaussian import Array
from autoinit.window import Window


@dataclass(frozen=True)
class Axis:
    """One axis of a window.

    Attributes:
        gather: matrix (outputs, inputs), the number of taps that lead from an input to an output position.
        touched: matrix (taps, inputs), for how many output positions a tap reads that input position.
    """

    gather: Array
    touched: Array


@functools.lru_cache(maxsize=1024)
def axes_of(window: Window) -> tuple[Axis, ...] | None:
    """Return the axes of a window, None if a size is not known."""
    if any(size is None for size in (*window.inputs, *window.outputs)):
        return None
    numbers = zip(window.inputs, window.outputs, window.sizes, window.strides, window.dilations, strict=True)
    return tuple(
        _axis(int(n or 0), int(m or 0), taps, stride, dilation, window.padding, window.transposed)
        for n, m, taps, stride, dilation in numbers
    )


@functools.lru_cache(maxsize=1024)
def _axis(n: int, m: int, taps: int, stride: int, dilation: int, padding: str, transposed: bool) -> Axis:
    if transposed:  # the transpose of the convolution that leads from the outputs to the inputs
        forward = _axis(m, n, taps, stride, dilation, padding, False)
        inside = np.zeros((taps, n))
        before = _before(m, n, taps, stride, dilation, padding)
        for tap in range(taps):
            place = np.arange(n) * stride + tap * dilation - before
            inside[tap] = (place >= 0) & (place < m)
        return Axis(forward.gather.T, inside)
    gather, touched = np.zeros((m, n)), np.zeros((taps, n))
    before = _before(n, m, taps, stride, dilation, padding)
    for tap in range(taps):
        place = np.arange(m) * stride + tap * dilation - before
        output = np.flatnonzero((place >= 0) & (place < n))
        np.add.at(gather, (output, place[output]), 1.0)
        np.add.at(touched[tap], place[output], 1.0)
    return Axis(gather, touched)


def _before(n: int, m: int, taps: int, stride: int, dilation: int, padding: str) -> int:
    """Return the number of zeros that the padding puts before the first input."""
    reach = (taps - 1) * dilation
    if padding == "causal":
        return reach
    if padding == "same":
        return max((m - 1) * stride + reach + 1 - n, 0) // 2
    return 0


def along(matrices: Sequence[Array], values: Array) -> Array:
    """Multiply each axis of ``values`` by a matrix."""
    rank = len(matrices)
    old, new = string.ascii_lowercase[:rank], string.ascii_uppercase[:rank]
    terms = ",".join(f"{b}{a}" for a, b in zip(old, new, strict=True))
    return np.asarray(
        np.einsum(f"{old},{terms}->{new}", values, *matrices, optimize="greedy" if rank > 1 else False)
    )


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
