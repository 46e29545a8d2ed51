"""Mean squares of Jacobians that are not a product of slopes: softmax, attention and recurrent layers.

Each gain says by what the mean square of the gradient at the output is multiplied on its way to an input.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from autoinit.functions import BUILT_IN
from autoinit.gaussian import gaussian_moments
from autoinit.graph import sublayers
from autoinit.registry import Call, Scale
from autoinit.rules.attention import places, roles, score_signal
from autoinit.rules.pooling import UNKNOWN_SIZE
from autoinit.rules.recurrent import RECURRENT, recurrent_output, sequences
from autoinit.signal import Signal

__all__ = [
    "RECURRENT",
    "attention_gains",
    "projected_attention_gains",
    "recurrent_gain",
    "softmax_gain",
]

layers = keras.layers
_DRAWN = 40_000
"""Entries that a simulation of softmax draws."""

_STEP = 1e-2
"""Of the differences that stand for derivatives of a recurrent layer, which is computed in float32."""


def softmax_gain(x: Signal, count: int) -> float:
    """Return the mean over j of ``sum over i of (s_i (d_ij - s_j))^2``, by a seeded simulation."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0.0, x.variance**0.5, (max(_DRAWN // count, 16), count))
    s = np.exp(logits - logits.max(axis=1, keepdims=True))
    s /= s.sum(axis=1, keepdims=True)
    squares = s**2
    return float(np.mean(squares * (1 - 2 * s) + squares * squares.sum(axis=1, keepdims=True)))


def _focus(score: Signal, count: int) -> float:
    """Return T E[a^2] of softmax weights a over T positions."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0.0, score.variance**0.5, (max(_DRAWN // count, 16), count))
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return float(count * np.mean(weights**2))


def attention_gains(call: Call, inputs: Sequence[Signal]) -> list[float]:
    """Return the gains of query, value and key of an attention layer without projections."""
    query, value, key = roles(call, inputs)
    queries, keys = (call.input_shapes[place][1] or UNKNOWN_SIZE for place in places(call)[:2])
    width = call.output_shapes[0][-1] or 1
    score = score_signal(call, query, key)
    focus = _focus(score, keys)
    moved = focus * width * value.variance  # of a score, per unit of what it is a sum of
    if isinstance(call.operation, layers.Attention) and call.operation.score_mode == "dot":
        by_query, by_key = key.second_moment, query.second_moment
    else:
        by_query = by_key = _squared_tanh_slope(query.mean + key.mean, query.variance + key.variance)
    shares = queries / keys
    return _by_input(call, [moved * by_query, shares * focus, shares * moved * by_key])


def _squared_tanh_slope(mean: float, variance: float) -> float:
    tanh = BUILT_IN["tanh"]
    return gaussian_moments(lambda x: 1 - tanh(x) ** 2, mean, variance).second_moment


def projected_attention_gains(call: Call, inputs: Sequence[Signal], scales: Sequence[Scale]) -> list[float]:
    """Return the gains of query, value and key of multi-head attention, in the order of the inputs."""
    inner = {layer.name: layer for layer in sublayers(call.layer)}
    q, v, k, o = ((scale.variable.shape, scale.deviation**2) for scale in scales)
    query, value, key = (
        scale.deviation**2 * scale.fan_in * x.second_moment
        for scale, x in zip(scales, roles(call, inputs), strict=False)
    )
    queries, keys = (
        math.prod(n or UNKNOWN_SIZE for n in call.input_shapes[place][1:-1]) for place in places(call)[:2]
    )
    focus = _focus(Signal(0.0, query * key), keys)
    attended = o[1] * o[0][-1]
    heads = [inner[name].kernel.shape[1] for name in ("query", "value")]
    repeated = heads[0] / heads[1] * queries / keys
    steered = attended * focus * v[0][-1] / q[0][-1]  # through the scores
    gains = [
        steered * value * key * q[1] * math.prod(q[0][1:]),
        attended * focus * repeated * v[1] * math.prod(v[0][1:]),
        steered * value * query * repeated * k[1] * math.prod(k[0][1:]),
    ]
    return _by_input(call, gains)


def _by_input(call: Call, gains: Sequence[float]) -> list[float]:
    """Add up the gains of query, value and key where they are the same input."""
    total = [0.0] * len(call.input_shapes)
    for place, gain in zip(places(call), gains, strict=True):
        total[place] += gain
    return total


def recurrent_gain(call: Call, x: Signal) -> float:
    """Return the gain of a recurrent layer from seeded differences along random directions.

    With J the Jacobian and independent signs e and u, E[(u J e)^2] is the sum of all J_ij^2.
    """
    sequence = sequences(call, x)
    rng = np.random.default_rng(call.settings.seed + 1)
    shift = _STEP * rng.choice([-1.0, 1.0], sequence.shape).astype(np.float32)
    up, down = (_first(recurrent_output(call.layer, sequence + sign * shift)) for sign in (1, -1))
    signs = rng.choice([-1.0, 1.0], up.shape)
    along = ((up - down) * signs).reshape(len(up), -1).sum(axis=1) / (2 * _STEP)
    return float(np.mean(along**2)) / math.prod(sequence.shape[1:])


def _first(outputs: Any) -> Any:
    return np.asarray(keras.ops.convert_to_numpy(outputs[0]), np.float64)
