"""Attention layers: projections of query, key and value, whose theory is in ``propagation/vectors.py``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.frontends.keras.graph import Slot, sublayers
from gondwana.autoinit.propagation.vectors import alike, attended, softmax
from gondwana.autoinit.registry import Call, Scale, Weighted, rule
from gondwana.autoinit.rules.pooling import UNKNOWN_SIZE
from gondwana.autoinit.signals.law import INDEPENDENT, gaussian
from gondwana.autoinit.signals.signal import Signal, mixture

layers = keras.layers

_CAUSAL_COUNTS = 24
"""Numbers of visible keys for which attention under a causal mask is computed."""


def places(call: Call) -> tuple[int, int, int]:
    """Return which inputs are query, value and key: the key is the value unless it is given."""
    names = ("query", "value", "key")
    given: dict[str, int] = {}
    for name, argument in (*zip(names, call.arguments, strict=False), *call.keywords.items()):
        if name in names and isinstance(argument, Slot):
            given[name] = argument.position
    if not given:  # one argument, a list
        given = {name: number for number, name in enumerate(names[: len(call.input_shapes)])}
    return given["query"], given["value"], given.get("key", given["value"])


def roles(call: Call, signals: Sequence[Signal]) -> list[Signal]:
    """Return the signals of query, value and key."""
    return [signals[place] for place in places(call)]


def _causal(call: Call) -> bool:
    return bool(call.keywords.get("use_causal_mask", False))


@rule(layers.MultiHeadAttention, layers.GroupQueryAttention)
def multi_head_attention(call: Call, *signals: Signal) -> Weighted:
    """Projections to the wanted variance, then the output projection for what attention returns."""
    inner = {layer.name: layer for layer in sublayers(call.layer)}
    projected, scales = [], []
    for name, x, target in zip(
        ("query", "value", "key"), roles(call, signals), roles(call, call.weights_for or signals), strict=True
    ):
        kernel = inner[name].kernel
        energy = call.calculus.contract(x, kernel.shape[0])
        scale = call.scale(kernel, call.calculus.contract(target, kernel.shape[0]))
        projected.append(call.calculus.scale(energy.output, math.sqrt(energy.value) * scale.deviation))
        scales.append(scale)
    q, v, k = projected
    shape = call.input_shapes[places(call)[1]]
    count = math.prod(size or UNKNOWN_SIZE for size in shape[1:-1])
    # The sum over the length of a head is divided by its root.
    score = Signal(0.0, q.second_moment * k.second_moment)
    given = roles(call, signals)
    lean = 1 / inner["value"].kernel.shape[0] if call.settings.exact and given[1] is given[2] else 0.0
    mean = _mean_of_values(call, score, q, k, v, count, lean)
    averaged = mean if call.settings.exact else Signal(0.0, mean.second_moment)
    signal, scale = _projected_out(call, inner["attention_output"].kernel, averaged)
    if len(call.output_shapes) == 1:
        return Weighted(signal, (*scales, scale))
    return Weighted((signal, softmax(score, count)), (*scales, scale))


def _mean_of_values(
    call: Call, score: Signal, query: Signal, key: Signal, value: Signal, count: int, lean: float = 0.0
) -> Signal:
    """Return what attention puts out; under a causal mask, on average over queries that see 1 to ``count`` keys."""
    alikes = (alike(key), alike(query)) if call.settings.exact else (0.0, 0.0)
    if not _causal(call):
        return attended(score, *alikes, value, count, lean)
    seen = sorted({round(n) for n in np.linspace(1, count, min(count, _CAUSAL_COUNTS))})
    means = [attended(score, *alikes, value, n, lean) for n in seen]
    return mixture(means, np.gradient(np.array(seen, float)).tolist() if len(seen) > 1 else [1.0])


def _projected_out(call: Call, kernel: Any, x: Signal) -> tuple[Signal, Scale]:
    energy = call.calculus.contract(x, math.prod(kernel.shape[:-1]))
    scale = call.scale(kernel, energy)
    return call.calculus.scale(energy.output, math.sqrt(energy.value) * scale.deviation), scale


@rule(layers.Attention, layers.AdditiveAttention)
def attention(call: Call, *signals: Signal) -> Signal | tuple[Signal, ...]:
    """Dot-product, concatenated or additive scores between the tensors themselves."""
    query, value, key = roles(call, signals)
    score = score_signal(call, query, key)
    count = call.input_shapes[places(call)[1]][1] or UNKNOWN_SIZE
    mean = _mean_of_values(call, score, query, key, value, count)
    result = mean if call.settings.exact else Signal(mean.mean, mean.variance)
    return result if len(call.output_shapes) == 1 else (result, softmax(score, count))


def score_signal(call: Call, query: Signal, key: Signal) -> Signal:
    """Return the signal of the scores of an attention layer without projections."""
    layer = call.layer
    size = call.input_shapes[0][-1] or 1
    if isinstance(layer, layers.AdditiveAttention) or layer.score_mode == "concat":
        return Signal(0.0, size * score_scale(layer) * _varying_tanh(query, key))
    return Signal(0.0, size * score_scale(layer) * query.second_moment * key.second_moment)


def score_scale(layer: Any) -> float:
    """Return the mean square of the factors in front of the products that a score sums."""
    if not isinstance(layer, layers.AdditiveAttention) and layer.score_mode == "concat":
        return _mean_square(layer.concat_score_weight)
    return 1.0 if layer.scale is None else _mean_square(layer.scale)


def _mean_square(variable: Any) -> float:
    return float(keras.ops.convert_to_numpy(keras.ops.mean(keras.ops.square(variable))))


def _varying_tanh(query: Signal, key: Signal) -> float:
    """Return the variance over keys of tanh(query + key), given the query."""
    variance = query.variance + key.variance
    part = gaussian(query.mean + key.mean, variance, INDEPENDENT)
    bent = part.mapped(np.tanh(part.values))
    return bent.second - bent.shared(query.variance / variance if variance else 1.0)
