"""Layers that move entries (Appendix A, padding and shape adjustment layers)."""

from __future__ import annotations

from typing import Any

import keras

from gondwana.autoinit.registry import Call, rule
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import spatial

layers = keras.layers


@rule(
    layers.Flatten,
    layers.Reshape,
    layers.RepeatVector,
    layers.UpSampling1D,
    layers.UpSampling2D,
    layers.UpSampling3D,
    layers.Cropping1D,
    layers.Cropping2D,
    layers.Cropping3D,
)
def rearrange(call: Call, x: Signal) -> Signal:
    """The distribution of the entries stays."""
    return call.calculus.rearrange(x, call.input_shapes[0][1:], call.output_shapes[0][1:])


@rule(layers.Permute)
def permute(call: Call, x: Signal) -> Signal:
    """Channels may become positions, which are independent then."""
    crossed = call.layer.dims[-1] != len(call.layer.dims)
    return call.calculus.rearrange(x, call.input_shapes[0][1:], call.output_shapes[0][1:], crossed=crossed)


@rule(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
def zero_padding(call: Call, x: Signal) -> Signal:
    """A share of the entries becomes 0."""
    data_format = getattr(call.layer, "data_format", "channels_last")
    before = spatial(call.input_shapes[0], data_format)
    after = spatial(call.output_shapes[0], data_format)
    return call.calculus.pad(x, before, after, _corner(call.layer.padding))


def _corner(padding: Any) -> tuple[int, ...]:
    """Return how many zeros lie before the first position, along each axis."""
    pairs = padding if isinstance(padding[0], tuple | list) else (padding,)
    return tuple(int(pair[0]) for pair in pairs)
