"""Layers that multiply by weights: they are scaled so that the output has mean 0 and the wanted variance."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import keras

from gondwana.autoinit.propagation.calculus import Energy
from gondwana.autoinit.registry import Call, Scale, Weighted, rule
from gondwana.autoinit.rules.elementwise import activate
from gondwana.autoinit.signals.fields import Field
from gondwana.autoinit.signals.law import Part, new_source
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Window, channels, per_axis, spatial

layers = keras.layers


def weighted(
    call: Call, variable: Any, x: Signal, size: float, window: Window | None = None
) -> tuple[Signal, Scale]:
    """Return the signal after multiplication with ``variable``, and the scale of that variable.

    Args:
        call: the call under way.
        variable: kernel.
        x: what comes in.
        size: number of channels that one output entry sums.
        window: positions that it sums.
    """
    energy = call.calculus.contract(x, size, window)
    target = call.weights_for[0] if call.weights_for else None
    scale = call.scale(variable, energy if target is None else call.calculus.contract(target, size, window))
    return _from_shared_weights(call, variable, _output(call, energy, scale)), scale


def _from_shared_weights(call: Call, variable: Any, y: Signal) -> Signal:
    """Let the calls of a shared layer know of each other: two inputs meet the same weights, as two examples do."""
    if not call.weights_for or not isinstance(y.law, Field):
        return y

    def related(part: Part) -> Part:
        common = min(max(part.rho.between, 0.0), 1.0)
        loadings = {-id(variable): math.sqrt(common), new_source(): math.sqrt(1 - common)}
        return replace(part, loadings=loadings)

    return y.law.mapped(related, keep=True).signal()


def _output(call: Call, energy: Energy, scale: Scale) -> Signal:
    return call.calculus.scale(energy.output, math.sqrt(energy.value) * scale.deviation)


@rule(layers.Dense)
def dense(call: Call, x: Signal) -> Weighted:
    """Equation 3 with fan_in the number of input features."""
    size = channels(call.input_shapes[0], "channels_last")
    y, scale = weighted(call, call.layer.kernel, x, size)
    return Weighted(activate(call, call.layer.activation, y), (scale,))


def conv_window(call: Call, *, transposed: bool = False) -> Window:
    """Return the window of a convolution layer."""
    layer = call.layer
    inputs = spatial(call.input_shapes[0], layer.data_format)
    return Window(
        sizes=per_axis(layer.kernel_size, len(inputs)),
        strides=per_axis(layer.strides, len(inputs)),
        dilations=per_axis(layer.dilation_rate, len(inputs)),
        padding=layer.padding,
        inputs=inputs,
        outputs=spatial(call.output_shapes[0], layer.data_format),
        transposed=transposed,
    )


@rule(layers.Conv1D, layers.Conv2D, layers.Conv3D)
def convolution(call: Call, x: Signal) -> Weighted:
    """Equation 3 with fan_in the taps times the input channels of a group."""
    layer = call.layer
    size = channels(call.input_shapes[0], layer.data_format) / layer.groups
    y, scale = weighted(call, layer.kernel, x, size, conv_window(call))
    return Weighted(activate(call, layer.activation, y, layer.filters), (scale,))


@rule(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
def transposed_convolution(call: Call, x: Signal) -> Weighted:
    """Each output entry sums on average ``taps / strides`` input positions."""
    layer = call.layer
    size = channels(call.input_shapes[0], layer.data_format)
    y, scale = weighted(call, layer.kernel, x, size, conv_window(call, transposed=True))
    return Weighted(activate(call, layer.activation, y, layer.filters), (scale,))


@rule(layers.DepthwiseConv1D, layers.DepthwiseConv2D)
def depthwise_convolution(call: Call, x: Signal) -> Weighted:
    """fan_in is the number of taps, for Keras counts the channels too but each output sees one of them."""
    layer = call.layer
    y, scale = weighted(call, layer.kernel, x, 1, conv_window(call))
    return Weighted(activate(call, layer.activation, y), (scale,))


@rule(layers.SeparableConv1D, layers.SeparableConv2D)
def separable_convolution(call: Call, x: Signal) -> Weighted:
    """A depthwise convolution to the wanted variance, then a pointwise one to the same."""
    layer = call.layer
    inner, depthwise = weighted(call, layer.depthwise_kernel, x, 1, conv_window(call))
    size = channels(call.input_shapes[0], layer.data_format) * layer.depth_multiplier
    energy = call.calculus.contract(inner, size)
    pointwise = call.scale(layer.pointwise_kernel, call.calculus.contract(_planned(call, inner), size))
    return Weighted(
        activate(call, layer.activation, _output(call, energy, pointwise), layer.filters),
        (depthwise, pointwise),
    )


def _planned(call: Call, inner: Signal) -> Signal:
    """Return the signal for which a second weight is scaled: the first weight's target."""
    return inner if not call.weights_for else Signal(0.0, call.settings.signal_variance)


@rule(layers.EinsumDense)
def einsum_dense(call: Call, x: Signal) -> Weighted:
    """fan_in is the product of the axes of the kernel that the output does not have."""
    layer = call.layer
    operands, result = layer.equation.replace("...", "").split("->")
    labels = operands.split(",")[1]
    size = math.prod(n for label, n in zip(labels, layer.kernel.shape, strict=True) if label not in result)
    y, scale = weighted(call, layer.kernel, x, size)
    return Weighted(activate(call, layer.activation, y), (scale,))


@rule(layers.Embedding)
def embedding(call: Call, x: Signal) -> Weighted:
    """One row per token: a fan_in of 1. What the integers are distributed like does not matter."""
    energy = call.calculus.contract(Signal(0.0, 1.0), 1)
    scale = call.scale(call.layer.embeddings, energy)
    return Weighted(_output(call, energy, scale), (scale,))


_REVERSIBLE = getattr(layers, "ReversibleEmbedding", None)  # not in every Keras that we support


@rule(*(kind for kind in (_REVERSIBLE,) if kind is not None))
def reversible_embedding(call: Call, x: Signal) -> Signal | Weighted:
    """Embedding; in reverse, logits: a contraction with the same table, or with one of its own."""
    layer = call.layer
    if not (call.keywords.get("reverse", False) or call.arguments[1:2] == (True,)):
        return embedding(call, x)
    size = float(layer.output_dim)
    if not layer.tie_weights:
        y, scale = weighted(call, layer.reverse_embeddings, x, size)
        return Weighted(y, (scale,))
    energy = call.calculus.contract(x, size)
    held = call.scale(layer.embeddings, call.calculus.contract(Signal(0.0, 1.0), 1))
    return call.calculus.scale(energy.output, math.sqrt(energy.value) * held.deviation)
