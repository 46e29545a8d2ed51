"""NumPy forms of Keras initializers, so that a seed gives the same weights on every backend."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.draws import CUT, Float32, draw
from gondwana.autoinit.frontends.keras.graph import own_variables, sublayers

_OTHER_NAMES = {
    "depthwise_kernel": "depthwise",
    "pointwise_kernel": "pointwise",
    "recurrent_kernel": "recurrent",
    "kernel": "depthwise",  # DepthwiseConv
}
"""Variables whose ``..._initializer`` attribute may not carry their name."""

_FIXED: dict[tuple[type, str], Any] = {
    (keras.layers.RMSNormalization, "scale"): "ones",
    (keras.layers.AdditiveAttention, "scale"): "glorot_uniform",
    (keras.layers.Attention, "scale"): "ones",
    (keras.layers.Attention, "concat_score_weight"): "ones",
    (keras.layers.SpectralNormalization, "vector_u"): keras.initializers.TruncatedNormal(stddev=0.02),
}
"""Initializers that Keras does not let one choose."""

KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")
"""Names of the variables that a named strategy draws; everything else keeps its own initializer."""


def initializer_of(layer: keras.Layer, variable: Any) -> Any:
    """Return the initializer that ``layer`` has for ``variable``, or None where it does not say."""
    name = variable.name
    if name == "bias" and getattr(layer, "unit_forget_bias", False):
        return _UnitForgetBias(layer.bias_initializer)
    for (kind, fixed), known in _FIXED.items():
        if fixed == name and isinstance(layer, kind):
            return keras.initializers.get(known)
    for candidate in (name, _OTHER_NAMES.get(name, name)):
        initializer = getattr(layer, f"{candidate}_initializer", None)
        if initializer is not None:
            return keras.initializers.get(initializer)
    return None


class _UnitForgetBias:
    """The bias of an LSTM: input, forget, cell and output gate, of which the forget gate starts at 1."""

    def __init__(self, other: Any) -> None:
        self.other = keras.initializers.get(other)

    def sample(self, shape: tuple[int, ...], rng: np.random.Generator) -> Float32:
        """Return the four parts, joined."""
        units = shape[-1] // 4
        parts = sample(self.other, (3 * units,), rng)
        return np.concatenate([parts[:units], np.ones(units, np.float32), parts[units:]])


def variables_with_initializers(model: keras.Model) -> dict[int, tuple[keras.Layer, Any]]:
    """Return, by the variable's position in ``model.weights``, the layer that owns it and its initializer."""
    position = {id(variable): index for index, variable in enumerate(model.weights)}
    found = {}
    for layer in sublayers(model):
        for variable in own_variables(layer):
            index = position.get(id(variable))
            initializer = None if index is None else initializer_of(layer, variable)
            if index is not None and initializer is not None:
                found[index] = (layer, initializer)
    return found


def sample(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Float32:
    """Return what a Keras initializer stands for, drawn from ``rng``.

    The stated moments are those of Keras: a truncated normal of ``VarianceScaling`` has the corrected deviation, one of
    ``TruncatedNormal`` has not. An initializer that is not known here is called with a seed from ``rng``.
    """
    kinds = keras.initializers
    if isinstance(initializer, _UnitForgetBias):
        return initializer.sample(shape, rng)
    if isinstance(initializer, kinds.VarianceScaling):
        return _variance_scaling(initializer, shape, rng)
    if isinstance(initializer, kinds.RandomNormal):
        return np.float32(initializer.mean) + draw(rng, shape, initializer.stddev, "untruncated_normal")
    if isinstance(initializer, kinds.TruncatedNormal):
        shrunk = initializer.stddev * _truncated_deviation(CUT)
        return np.float32(initializer.mean) + draw(rng, shape, shrunk, "truncated_normal")
    if isinstance(initializer, kinds.RandomUniform):
        span = initializer.maxval - initializer.minval
        return np.float32(initializer.minval) + np.float32(span) * rng.random(shape, dtype=np.float32)
    if isinstance(initializer, kinds.Orthogonal):
        rows, columns = math.prod(shape[:-1]), shape[-1]
        return draw(rng, shape, initializer.gain / math.sqrt(max(rows, columns)), "orthogonal")
    if isinstance(initializer, kinds.Zeros):
        return np.zeros(shape, np.float32)
    if isinstance(initializer, kinds.Ones):
        return np.ones(shape, np.float32)
    return _called(initializer, shape, rng)


def fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """Return fan_in and fan_out as Keras counts them: axes (positions..., in, out)."""
    if len(shape) < 2:
        size = float(math.prod(shape))
        return size, size
    field = math.prod(shape[:-2])
    return float(field * shape[-2]), float(field * shape[-1])


def _variance_scaling(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Float32:
    fan_in, fan_out = fans(shape)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[initializer.mode]
    deviation = math.sqrt(initializer.scale / max(1.0, fan))
    distribution = initializer.distribution
    if distribution == "uniform":
        return draw(rng, shape, deviation, "uniform")
    return draw(
        rng,
        shape,
        deviation,
        "untruncated_normal" if distribution == "untruncated_normal" else "truncated_normal",
    )


def _truncated_deviation(cut: float) -> float:
    density = math.exp(-(cut**2) / 2) / math.sqrt(2 * math.pi)
    return math.sqrt(1 - 2 * cut * density / math.erf(cut / math.sqrt(2)))


def _called(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Float32:
    config = initializer.get_config() if hasattr(initializer, "get_config") else {}
    if "seed" in config:
        initializer = type(initializer).from_config({**config, "seed": int(rng.integers(2**31))})
    return np.asarray(keras.ops.convert_to_numpy(initializer(shape, dtype="float32")), np.float32)
