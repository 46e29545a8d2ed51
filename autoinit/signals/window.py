"""Windows: which positions of the input a convolution or pooling layer sums over for each position of its output."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

from gondwana.autoinit.errors import AutoInitError

Shape: TypeAlias = tuple[int | None, ...]
"""Sizes of the axes of a tensor; None where a size is not known."""


@dataclass(frozen=True, slots=True)
class Window:
    """A sliding window over the positions (the axes between batch and channels) of a tensor.

    Attributes:
        sizes: extent along each axis, in taps.
        strides: steps between output positions (for a transposed convolution: between input positions).
        dilations: steps between taps.
        padding: ``"valid"``, ``"same"`` or ``"causal"``.
        inputs, outputs: number of positions along each axis; None where not known.
        transposed: whether input positions are spread instead of gathered.
        offsets: zeros before the first position along each axis, where these are none of the named paddings.
    """

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: str
    inputs: Shape
    outputs: Shape
    transposed: bool = False
    offsets: tuple[int, ...] = ()

    @property
    def taps(self) -> int:
        """Number of taps, the paper's K."""
        return math.prod(self.sizes)

    @property
    def gathered(self) -> float:
        """Number of input positions that reach an output position, borders aside."""
        if not self.transposed:
            return float(self.taps)
        return math.prod(size / stride for size, stride in zip(self.sizes, self.strides, strict=True))


def spatial(shape: Shape, data_format: str) -> Shape:
    """Return the sizes of the axes between batch and channels."""
    return shape[1:-1] if data_format == "channels_last" else shape[2:]


def channels(shape: Shape, data_format: str) -> int:
    """Return the number of channels."""
    size = shape[-1] if data_format == "channels_last" else shape[1]
    if size is None:
        raise AutoInitError(f"the number of channels must be known. Received: shape={shape}")
    return size


def positions(shape: Shape) -> int | None:
    """Return the number of positions, None if a size is not known."""
    return (
        None if any(size is None for size in shape) else math.prod(size for size in shape if size is not None)
    )


def per_axis(value: Any, rank: int) -> tuple[int, ...]:
    """Return ``value`` once per axis, as Keras does for ``strides=2``."""
    return tuple(int(v) for v in value) if isinstance(value, tuple | list) else (int(value),) * rank
