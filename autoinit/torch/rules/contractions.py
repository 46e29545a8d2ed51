"""aten operations that multiply by weights: they are scaled so that the output has mean 0 and the wanted variance."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from gondwana.autoinit.errors import UnsupportedLayerError
from gondwana.autoinit.frontends.torch.graph import Slot
from gondwana.autoinit.propagation.calculus import Energy
from gondwana.autoinit.propagation.vectors import alike, attended
from gondwana.autoinit.signals.fields import Field
from gondwana.autoinit.signals.law import Correlations, Part, gaussian, new_source
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Window
from gondwana.autoinit.torch.calls import Call, Scale, Weighted, rule
from gondwana.autoinit.torch.rules.operands import ints, plus


def weighed(
    call: Call,
    x: Signal,
    place: int,
    size: float,
    order: tuple[int, ...],
    *,
    window: Window | None = None,
    bias: int | None = None,
) -> Signal | Weighted:
    """Return the signal after a multiplication with a parameter or a constant, and how to draw the parameters.

    Args:
        call: the call under way.
        x: what comes in.
        place: argument that is the weight.
        size: number of channels that one output entry sums.
        order: axes of the weight in the order (taps..., inputs, outputs).
        window: positions that one output entry sums.
        bias: argument that is the bias, if there is one.
    """
    return _from_energy(call, call.calculus.contract(x, size, window), place, order, bias)


def _from_energy(
    call: Call, energy: Energy, place: int, order: tuple[int, ...], bias: int | None
) -> Signal | Weighted:
    index = call.number_of(place)
    if index is None or index not in call.graph.constant:
        raise UnsupportedLayerError(f"{call.step.name!r} multiplies by a tensor that the module computes")
    if index not in call.graph.weights:
        mean_square = float(np.mean(np.square(call.constant(place))))
        y = call.calculus.scale(energy.output, math.sqrt(energy.value * mean_square))
        return _biased(call, y, bias, drawn=False)[0]
    scale = call.scale(place, energy, order)
    y = call.calculus.scale(energy.output, math.sqrt(energy.value) * scale.deviation)
    y = _from_shared_weights(call, scale, index, y)
    y, more = _biased(call, y, bias, drawn=call.draws(place))
    return Weighted(y, (*more, scale))


def _from_shared_weights(call: Call, scale: Scale, index: int, y: Signal) -> Signal:
    """Let the calls of a shared weight know of each other: two inputs meet the same weights, as two examples do."""
    if id(scale.weight.parameter) not in call.energies or not isinstance(y.law, Field):
        return y

    def related(part: Part) -> Part:
        common = min(max(part.rho.between, 0.0), 1.0)
        return replace(part, loadings={-1 - index: math.sqrt(common), new_source(): math.sqrt(1 - common)})

    return y.law.mapped(related, keep=True).signal()


def _biased(call: Call, y: Signal, place: int | None, *, drawn: bool) -> tuple[Signal, tuple[Scale, ...]]:
    """Add a bias: one that becomes 0 adds nothing, another one what it holds."""
    index = None if place is None else call.number_of(place)
    if place is None or index is None:
        return y, ()
    if drawn and call.zeroed and call.settings.weights == "scaled" and call.draws(place):
        return y, (Scale(call.graph.weights[index], 0.0, 0.0),)
    if index not in call.graph.constant:
        raise UnsupportedLayerError(f"{call.step.name!r} adds a tensor that the module computes")
    return plus(call, y, call.constant(place)), ()


@rule("aten.linear")
def linear(call: Call, x: Signal) -> Signal | Weighted:
    """Equation 3 with fan_in the number of input features."""
    return weighed(call, call.with_channels(x, -1), 1, float(call.shape(1)[-1] or 1), (1, 0), bias=2)


@rule("aten.addmm")
def addmm(call: Call, x: Signal) -> Signal | Weighted:
    """``bias + x @ weight``."""
    return weighed(call, call.with_channels(x, -1), 2, float(call.shape(2)[0] or 1), (0, 1), bias=0)


@rule("aten.matmul", "aten.mm", "aten.bmm")
def matmul(call: Call, *signals: Signal) -> Signal | Weighted:
    """Product of matrices, one of which may be a parameter."""
    first, second = call.number_of(0), call.number_of(1)
    if len(signals) == 2:
        return _inner(call, signals[0], signals[1], float(call.shape(0)[-1] or 1))
    if second in call.graph.constant and len(call.shape(1)) > 1:
        order = (0, 1) if len(call.shape(1)) == 2 else ()
        return weighed(call, call.with_channels(signals[0], -1), 1, float(call.shape(1)[-2] or 1), order)
    if first in call.graph.constant and len(call.shape(1)) > 1:
        order = (1, 0) if len(call.shape(0)) == 2 else ()
        return weighed(call, call.with_channels(signals[0], -2), 0, float(call.shape(0)[-1] or 1), order)
    raise UnsupportedLayerError(f"{call.step.name!r} multiplies vectors")


@rule("aten.baddbmm")
def baddbmm(call: Call, *signals: Signal) -> Signal:
    """``beta * input + alpha * first @ second``, as attention scores with a mask or a position bias."""
    if (
        len(signals) < 2
        or call.number_of(1) in call.graph.constant
        or call.number_of(2) in call.graph.constant
    ):
        raise UnsupportedLayerError(f"{call.step.name!r} multiplies by a constant")
    product = _inner(call, signals[-2], signals[-1], float(call.shape(1)[-1] or 1))
    product = call.calculus.scale(product, float(call.step.keywords.get("alpha", 1.0)))
    beta = float(call.step.keywords.get("beta", 1.0))
    if beta == 0:
        return product
    if len(signals) == 3:
        return call.calculus.combine((call.calculus.scale(signals[0], beta), product), "add")
    return plus(call, product, beta * call.constant(0))


def _inner(call: Call, first: Signal, second: Signal, size: float) -> Signal:
    product = call.calculus.combine((first, second), "multiply")
    return Signal(size * product.mean, size * product.variance, size * product.covariance)


@rule("aten.einsum")
def einsum(call: Call, *signals: Signal) -> Signal | Weighted:
    """Sum of products over the labels that the output does not have."""
    equation, operands = str(call.argument(0)).replace(" ", "").replace("...", ""), call.argument(1)
    if "->" not in equation or len(operands) > 2:
        raise UnsupportedLayerError(f"{call.step.name!r} is no sum of products of two tensors")
    labels, result = equation.split("->")
    sizes: dict[str, int] = {}
    indices = [call.step.inputs[slot.position] for slot in operands if isinstance(slot, Slot)]
    for label, index in zip(labels.split(","), indices, strict=True):
        shape = call.graph.shapes[index]
        sizes.update(
            {name: int(n or 1) for name, n in zip(label, shape[len(shape) - len(label) :], strict=True)}
        )
    size = float(math.prod(n for name, n in sizes.items() if name not in result))
    if len(signals) == 2:
        return _inner(call, signals[0], signals[1], size)
    if len(indices) == 1:
        return call.calculus.scale(signals[0], size)
    place = next(number for number, index in enumerate(indices) if index in call.graph.constant)
    inner = replace(call, step=replace(call.step, arguments=tuple(operands)))
    return weighed(inner, signals[0], place, size, ())


@rule("aten.embedding")
def embedding(call: Call, *signals: Signal) -> Signal | Weighted:
    """One row per token: a fan_in of 1. What the integers are distributed like does not matter.

    Integers that the module holds itself, such as positions, are the same in all examples.
    """
    energy = call.calculus.contract(Signal(0.0, 1.0), 1)
    if not signals and call.settings.exact:
        ids = call.constant(1)
        counts = np.unique(ids, return_counts=True)[1]
        alike = (
            float((counts * (counts - 1)).sum() / max(ids.size * (ids.size - 1), 1)) if ids.size > 1 else 1.0
        )
        energy = replace(
            energy, output=Field((gaussian(0.0, 1.0, Correlations(alike, alike, 1.0)),)).signal()
        )
    return _from_energy(call, energy, 0, (0, 1), None)


def window_of(
    call: Call, taps: Any, strides: Any, padding: Any, dilations: Any, *, transposed: bool = False
) -> Window:
    """Return the window that slides over the axes behind the channels.

    Raises:
        UnsupportedLayerError: if the input has no axis for the examples.
    """
    inputs, outputs = call.shape(0)[2:], call.graph.shapes[call.step.outputs[0]][2:]
    rank = len(inputs)
    sizes = ints(taps, rank)
    if rank != len(outputs) or (isinstance(taps, list | tuple) and len(taps) > rank):
        raise UnsupportedLayerError(f"{call.step.name!r} has no axis for the examples")
    steps = sizes if strides in (None, [], ()) else ints(strides, rank)
    apart = ints(dilations, rank)
    if isinstance(padding, str):
        return Window(sizes, steps, apart, padding, inputs, outputs, transposed)
    return Window(sizes, steps, apart, "valid", inputs, outputs, transposed, offsets=ints(padding, rank))


@rule("aten.conv1d", "aten.conv2d", "aten.conv3d")
def convolution(call: Call, x: Signal) -> Signal | Weighted:
    """Equation 3 with fan_in the taps times the input channels of a group."""
    return _convolved(call, x, call.argument(3, 1), call.argument(4, 0), call.argument(5, 1))


@rule("aten.conv_transpose1d", "aten.conv_transpose2d", "aten.conv_transpose3d")
def transposed_convolution(call: Call, x: Signal) -> Signal | Weighted:
    """Each output entry sums on average ``taps / strides`` input positions."""
    groups = int(call.argument(6, 1))
    return _transposed(call, x, call.argument(3, 1), call.argument(4, 0), call.argument(7, 1), groups)


@rule("aten.convolution")
def any_convolution(call: Call, x: Signal) -> Signal | Weighted:
    """Either of the two, as exporters that decompose operations write it."""
    strides, padding, dilations, transposed = (call.argument(place) for place in range(3, 7))
    if transposed:
        return _transposed(call, x, strides, padding, dilations, int(call.argument(8, 1)))
    return _convolved(call, x, strides, padding, dilations)


def _convolved(call: Call, x: Signal, strides: Any, padding: Any, dilations: Any) -> Signal | Weighted:
    kernel = call.shape(1)
    window = window_of(call, kernel[2:], strides, padding, dilations)
    order = (*range(2, len(kernel)), 1, 0)
    return weighed(call, call.with_channels(x, 1), 1, float(kernel[1] or 1), order, window=window, bias=2)


def _transposed(
    call: Call, x: Signal, strides: Any, padding: Any, dilations: Any, groups: int
) -> Signal | Weighted:
    kernel = call.shape(1)
    window = window_of(call, kernel[2:], strides, padding, dilations, transposed=True)
    order = (*range(2, len(kernel)), 0, 1)
    size = float(kernel[0] or 1) / groups
    return weighed(call, call.with_channels(x, 1), 1, size, order, window=window, bias=2)


@rule("aten.scaled_dot_product_attention")
def attention(call: Call, *signals: Signal) -> Signal:
    """Scores are products over the channels of a head, times a factor; their softmax weighs the values."""
    if len(signals) < 3:
        raise UnsupportedLayerError(f"{call.step.name!r} attends to a constant")
    query, key, value = signals[:3]
    size, count = float(call.shape(0)[-1] or 1), int(call.shape(1)[-2] or 1)
    factor = call.step.keywords.get("scale") or size**-0.5
    score = Signal(0.0, size * float(factor) ** 2 * query.second_moment * key.second_moment)
    alikes = (alike(key), alike(query)) if call.settings.exact else (0.0, 0.0)
    return attended(score, *alikes, value, count)
