"""Dropout and noise (Appendix A, dropout layers), as they act in training."""

from __future__ import annotations

import math

import keras

from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.registry import Call, rule
from gondwana.autoinit.signals.signal import Signal

layers = keras.layers

SATURATION = -1.7580993408473766
"""Value that SELU saturates to, with the opposite sign of alpha * scale (Klambauer et al. 2017)."""


@rule(layers.Dropout)
def dropout(call: Call, x: Signal) -> Signal:
    """Scaled by 1 / (1 - rate), as Keras does."""
    return _dropped(call, x)


@rule(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)
def spatial_dropout(call: Call, x: Signal) -> Signal:
    """Whole channels; ``paper`` takes it as unscaled, which it is not in Keras 3."""
    return _dropped(call, x, spatial=True)


def _dropped(call: Call, x: Signal, *, spatial: bool = False) -> Signal:
    if call.layer.rate >= 1:
        return Signal(0.0, 0.0)
    return call.calculus.drop(x, call.layer.rate, spatial=spatial)


@rule(layers.GaussianNoise)
def gaussian_noise(call: Call, x: Signal) -> Signal:
    """Adds independent noise."""
    return call.calculus.noise(x, deviation=call.layer.stddev)


@rule(layers.GaussianDropout)
def gaussian_dropout(call: Call, x: Signal) -> Signal:
    """Multiplies by N(1, rate / (1 - rate))."""
    rate = call.layer.rate
    if rate >= 1:
        raise AutoInitError(
            f"layer {call.name!r} multiplies by noise of infinite variance; use a rate below 1. "
            f"Received: rate={rate!r}"
        )
    return call.calculus.noise(x, factor=math.sqrt(rate / (1 - rate)))


@rule(layers.AlphaDropout)
def alpha_dropout(call: Call, x: Signal) -> Signal:
    """Sets a share to the saturation value of SELU, then an affine map that keeps N(0, 1)."""
    rate = call.layer.rate
    if not rate:
        return x
    if rate >= 1:
        raise AutoInitError(
            f"layer {call.name!r} drops everything; use a rate below 1. Received: rate={rate!r}"
        )
    scale = ((1 - rate) * (1 + rate * SATURATION**2)) ** -0.5
    kept = 1 - rate
    mean = kept * x.mean + rate * SATURATION
    second = kept * x.second_moment + rate * SATURATION**2
    shared = kept**2 * x.shared_moment + 2 * kept * rate * x.mean * SATURATION + (rate * SATURATION) ** 2
    dropped = Signal.from_moments(mean, second, shared if call.settings.exact else None)
    return call.calculus.scale(dropped, scale, -scale * SATURATION * rate)
