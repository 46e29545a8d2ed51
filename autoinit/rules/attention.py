"""Attention: weighted means of values, with weights that are softmax of products.

Keys and values are taken as independent, which they are not quite where a layer is given none of its own.

Of one query over T positions, with attention weights a and values v of second moment q and covariance c between
positions: E[y^2] = q T E[a^2] + c (1 - T E[a^2]). In the ``paper`` propagation, which has no attention, c = mean^2.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from autoinit.elementwise import softmax
from autoinit.graph import sublayers
from autoinit.law import INDEPENDENT, gaussian
from autoinit.registry import Call, Scale, Weighted, rule
from autoinit.rules.pooling import UNKNOWN_SIZE
from autoinit.signal import Signal

layers = keras.layers


def attended(score: Signal, keys_alike: float, queries_alike: float, value: Signal, count: int) -> Signal:
    """Return the signal of the mean of ``value`` under softmax weights.

    Args:
        score: of the products that go into the softmax.
        keys_alike: share of the score that all positions of a query have in common, which softmax cancels.
        queries_alike: correlation between the scores of two queries.
        value: what is averaged.
        count: positions T.
    """
    weights = softmax(Signal(0.0, max(score.variance * (1 - keys_alike), 0.0)), count)
    focus = count * weights.second_moment
    together = 1 / count + max(queries_alike, 0.0) * (focus - 1 / count)
    alone, shared = value.second_moment, value.shared_moment
    second = alone * focus + shared * (1 - focus)
    return Signal.from_moments(value.mean, second, (alone - shared) * together + shared)


def alike(x: Signal) -> float:
    """Return E[x x'] / E[x^2] between positions."""
    return x.shared_moment / x.second_moment if x.second_moment else 0.0


@rule(layers.MultiHeadAttention, layers.GroupQueryAttention)
def multi_head_attention(call: Call, *signals: Signal) -> Weighted:
    """Projections to the wanted variance, then the output projection for what attention returns."""
    inner = {layer.name: layer for layer in sublayers(call.layer)}
    projected, scales = [], []
    for name, x, target in zip(
        ("query", "value", "key"), _roles(signals), _roles(call.weights_for or signals), strict=True
    ):
        kernel = inner[name].kernel
        energy = call.calculus.contract(x, kernel.shape[0])
        scale = call.scale(kernel, call.calculus.contract(target, kernel.shape[0]))
        projected.append(call.calculus.scale(energy.output, math.sqrt(energy.value) * scale.deviation))
        scales.append(scale)
    q, v, k = projected
    shape = call.input_shapes[min(1, len(call.input_shapes) - 1)]
    count = math.prod(size or UNKNOWN_SIZE for size in shape[1:-1])
    score = Signal(
        0.0, q.second_moment * k.second_moment
    )  # divided by the root of its length, then summed over it
    exact = call.settings.exact
    mean = attended(score, alike(k) if exact else 0.0, alike(q) if exact else 0.0, v, count)
    averaged = mean if exact else Signal(0.0, mean.second_moment)
    signal, scale = _projected_out(call, inner["attention_output"].kernel, averaged)
    return Weighted(signal, (*scales, scale))


def _roles(signals: tuple[Signal, ...]) -> tuple[Signal, Signal, Signal]:
    """Return query, value and key: the key is the value unless it is given."""
    return signals[0], signals[1], signals[2] if len(signals) > 2 else signals[1]


def _projected_out(call: Call, kernel: Any, x: Signal) -> tuple[Signal, Scale]:
    energy = call.calculus.contract(x, math.prod(kernel.shape[:-1]))
    scale = call.scale(kernel, energy)
    return call.calculus.scale(energy.output, math.sqrt(energy.value) * scale.deviation), scale


@rule(layers.Attention)
def attention(call: Call, *signals: Signal) -> Signal | tuple[Signal, ...]:
    """Dot-product or concatenated scores between the tensors themselves."""
    query, value = signals[0], signals[1]
    key = signals[2] if len(signals) > 2 else value
    size = call.input_shapes[0][-1] or 1
    if call.layer.score_mode == "concat":
        score = Signal(0.0, size * _varying_tanh(query, key))
    else:
        score = Signal(0.0, size * query.second_moment * key.second_moment)
    return _attention(call, score, query, key, value)


@rule(layers.AdditiveAttention)
def additive_attention(call: Call, *signals: Signal) -> Signal | tuple[Signal, ...]:
    """Scores are sums of ``scale * tanh(query + key)``."""
    query, value = signals[0], signals[1]
    key = signals[2] if len(signals) > 2 else value
    size = call.input_shapes[0][-1] or 1
    squares = 1.0
    if call.layer.scale is not None:
        squares = float(keras.ops.convert_to_numpy(keras.ops.mean(keras.ops.square(call.layer.scale))))
    return _attention(call, Signal(0.0, size * squares * _varying_tanh(query, key)), query, key, value)


def _varying_tanh(query: Signal, key: Signal) -> float:
    """Return the variance over keys of tanh(query + key), given the query."""
    variance = query.variance + key.variance
    part = gaussian(query.mean + key.mean, variance, INDEPENDENT)
    bent = part.mapped(np.tanh(part.values))
    return bent.second - bent.shared(query.variance / variance if variance else 1.0)


def _attention(
    call: Call, score: Signal, query: Signal, key: Signal, value: Signal
) -> Signal | tuple[Signal, ...]:
    count = call.input_shapes[1][1] or UNKNOWN_SIZE
    exact = call.settings.exact
    mean = attended(score, alike(key) if exact else 0.0, alike(query) if exact else 0.0, value, count)
    result = mean if exact else Signal(mean.mean, mean.variance)
    if len(call.output_shapes) == 1:
        return result
    return result, softmax(score, count)
