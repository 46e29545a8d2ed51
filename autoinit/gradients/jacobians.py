"""Mean squares of Jacobians that are not a product of slopes: softmax, attention and recurrent layers.

Each gain says by what the mean square of the gradient at the output is multiplied on its way to an input.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.frontends.keras.graph import sublayers
from gondwana.autoinit.moments.functions import BUILT_IN
from gondwana.autoinit.propagation.vectors import softmax
from gondwana.autoinit.registry import Call, Scale
from gondwana.autoinit.rules.attention import places, roles, score_scale, score_signal
from gondwana.autoinit.rules.pooling import UNKNOWN_SIZE
from gondwana.autoinit.rules.recurrent import RECURRENT, recurrent_output, sequences
from gondwana.autoinit.signals.signal import Signal

__all__ = [
    "RECURRENT",
    "attention_gains",
    "projected_attention_gains",
    "recurrent_gain",
    "softmax_gain",
    "vector_gain",
]

layers = keras.layers
_DRAWN = 40_000
"""Entries that a simulation of softmax draws."""

_STEP = 1e-2
"""Of the differences that stand for derivatives of a recurrent layer, which is computed in float32."""


_SMALL_STEP = 1e-3
"""The same for a function of vectors: the smaller, the fewer examples have a jump on either side."""

_CONTRADICTION = 0.5
"""Difference of two one-sided derivatives, relative to their size, that a smooth function would not show."""


def softmax_gain(x: Signal, count: int) -> float:
    """Return the mean over j of ``sum over i of (s_i (d_ij - s_j))^2``, by a seeded simulation."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0.0, x.variance**0.5, (max(_DRAWN // count, 16), count))
    s = np.exp(logits - logits.max(axis=1, keepdims=True))
    s /= s.sum(axis=1, keepdims=True)
    squares = s**2
    return float(np.mean(squares * (1 - 2 * s) + squares * squares.sum(axis=1, keepdims=True)))


def vector_gain(function: Any, x: Signal, size: int, seed: int) -> float:
    """Return the gain of a function of vectors of this size, from seeded differences as :func:`recurrent_gain`.

    The derivative of a function that jumps is what it is on either side of the jump, as automatic differentiation has
    it: of the two one-sided differences of an example, the smaller one counts where they contradict each other.
    """
    rng = np.random.default_rng(seed)
    values = rng.normal(x.mean, x.variance**0.5, (max(_DRAWN // size, 16), size))
    shift = _SMALL_STEP * rng.choice([-1.0, 1.0], values.shape)
    down, here, up = (
        np.asarray(
            keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(moved, dtype="float32"))),
            np.float64,
        )
        for moved in (values - shift, values, values + shift)
    )
    cotangent = rng.choice([-1.0, 1.0], up.shape)
    left, right = (np.sum((b - a) * cotangent, axis=-1) / _SMALL_STEP for a, b in ((down, here), (here, up)))
    jumps = np.abs(right - left) > _CONTRADICTION * (np.abs(right) + np.abs(left))
    smaller = np.minimum(np.abs(left), np.abs(right))
    return float(np.mean(np.where(jumps, smaller, (left + right) / 2) ** 2)) / size


def _along(up: Any, down: Any, rng: np.random.Generator) -> float:
    signs = rng.choice([-1.0, 1.0], up.shape)
    along = ((up - down) * signs).reshape(len(up), -1).sum(axis=1) / (2 * _STEP)
    return float(np.mean(along**2))


def _focus(score: Signal, count: int) -> float:
    """Return T E[a^2] of softmax weights a over T positions."""
    return count * softmax(Signal(0.0, score.variance), count).second_moment


def attention_gains(call: Call, inputs: Sequence[Signal]) -> list[float]:
    """Return the gains of query, value and key of an attention layer without projections."""
    query, value, key = roles(call, inputs)
    queries, keys = (call.input_shapes[place][1] or UNKNOWN_SIZE for place in places(call)[:2])
    width = call.output_shapes[0][-1] or 1
    score = score_signal(call, query, key)
    focus = _focus(score, keys)
    # of a score, per unit of what it is a sum of
    moved = keys * softmax_gain(score, keys) * width * value.variance
    shares = queries / keys
    layer = call.layer
    if isinstance(layer, layers.AdditiveAttention) or layer.score_mode != "dot":
        # Softmax cancels what all keys of a query have in common, but not what all queries of a key have.
        slope, common = _squared_tanh_slopes(query, key)
        by_query, by_key = slope - common, slope
    else:
        by_query, by_key = key.variance, query.second_moment
    scale = score_scale(layer)
    return _by_input(call, [moved * scale * by_query, shares * focus, shares * moved * scale * by_key])


def _squared_tanh_slopes(query: Signal, key: Signal) -> tuple[float, float]:
    """Return E[h^2] for h = tanh'(query + key), and the mean over queries of the squared mean over keys."""
    tanh = BUILT_IN["tanh"]
    points, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    grid = query.mean + key.mean + query.variance**0.5 * points[:, None] + key.variance**0.5 * points[None, :]
    slopes = 1 - tanh(grid) ** 2
    return float(weights @ slopes**2 @ weights), float(weights @ (slopes @ weights) ** 2)


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
    # through the scores
    steered = attended * keys * softmax_gain(Signal(0.0, query * key), keys) * v[0][-1] / q[0][-1]
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
    if call.input_shapes[0][0] is None:
        # Most of the cost of a recurrent layer is per time step, so that both sides run as one batch.
        both = _first(recurrent_output(call.layer, np.concatenate([sequence + shift, sequence - shift])))
        up, down = np.split(both, 2)
    else:
        up, down = (_first(recurrent_output(call.layer, sequence + sign * shift)) for sign in (1, -1))
    return _along(up, down, rng) / math.prod(sequence.shape[1:])


def _first(outputs: Any) -> Any:
    return np.asarray(keras.ops.convert_to_numpy(outputs[0]), np.float64)
