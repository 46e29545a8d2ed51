"""Which operations mix entries that depend on one another in a way that no rule covers (exact propagation).

What matters of a tensor, beside its signal:

- *rough*: positions close by are alike in a pattern (nearest upsampling, what was simulated). Pooling sees it: a mean
  over four copies is no mean over four entries.
- *tied*: entries add up to a constant (softmax), or depend on entries elsewhere (means, what was rolled). A combination
  with another tensor sees it.
- *narrow*: it comes from weights that sum few inputs, whose size differs between positions, or from one more layer. A
  maximum over many entries sees it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.frontends.keras.graph import Step
from gondwana.autoinit.rules.recurrent import RECURRENT
from gondwana.autoinit.signals.window import Shape, positions

layers = keras.layers

_NARROW = 16
"""Number of inputs per output up to which a tensor is narrow."""

_WIDE, _THIN = 16, 9
"""Entries from which on a maximum is ruled by its largest weights; of fewer it is where ``_THIN`` inputs are summed."""

REACH = 3
"""Number of layers with weights after which a pattern among positions is taken as gone."""

UPSAMPLING = (layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
_COPIES = ("Repeat", "Tile", "Resize", "BroadcastTo")
_PRODUCTS = ("Matmul", "Einsum", "Dot", "Tensordot", "Inner", "Vdot")
_WEIGHTED = (*_PRODUCTS, "Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose")
_SIDE_BY_SIDE = ("Concatenate", "Stack")
_MOVED = ("Roll", "Flip")
_REDUCTIONS = ("Sum", "Mean", "Max", "Min")
_ATTENTION = (
    layers.MultiHeadAttention,
    layers.GroupQueryAttention,
    layers.Attention,
    layers.AdditiveAttention,
)
_POOLS = tuple(
    kind
    for family in ("", "Global", "Adaptive")
    for how in ("Average", "Max")
    for rank in (1, 2, 3)
    if (kind := getattr(layers, f"{family}{how}Pooling{rank}D", None)) is not None
)
_GLOBAL_POOLS = tuple(kind for kind in _POOLS if kind.__name__.startswith("Global"))
_POOL_OPERATIONS = ("MaxPool", "AveragePool")
_NORMS = (
    layers.BatchNormalization,
    layers.LayerNormalization,
    layers.GroupNormalization,
    layers.RMSNormalization,
    layers.Normalization,
    layers.PReLU,
    *RECURRENT,
)


def scales_weights(step: Step) -> bool:
    """Whether an operation multiplies by weights of its own, which the plan scales."""
    if isinstance(step.operation, keras.Layer):
        return bool(step.operation.weights) and not isinstance(step.operation, _NORMS)
    return any(isinstance(argument, keras.Variable) for argument in step.arguments)


def is_product(step: Step) -> bool:
    """Whether an operation sums products of entries of two tensors; attention without projections does."""
    if isinstance(step.operation, (layers.Dot, layers.Attention, layers.AdditiveAttention)):
        return True
    return type(step.operation).__name__ in _PRODUCTS and len(step.inputs) > 1


def is_constant_product(step: Step) -> bool:
    """Whether an operation sums products of entries with constants, which are no random weights and have a pattern."""
    alone = len(step.inputs) == 1 and not isinstance(step.operation, keras.Layer)
    return alone and type(step.operation).__name__ in _WEIGHTED and not scales_weights(step)


class Dependence:
    """What is known of each tensor of a graph while a plan walks along it.

    Args:
        shapes: of the tensors.
    """

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self.shapes = shapes
        self.rough: dict[int, int] = {}
        self.tied: set[int] = set()
        self.narrow: dict[int, int] = {}
        self.thin: set[int] = set()

    def mixes(self, step: Step) -> bool:
        """Whether only draws tell what the operation puts out."""
        operation, kind = step.operation, type(step.operation).__name__
        if is_product(step) or is_constant_product(step):
            return True
        if getattr(operation, "interpolation", "nearest") != "nearest":
            return True
        if isinstance(operation, RECURRENT):
            return True
        pools = self._pools(operation, kind)
        if pools and not self.tied.isdisjoint(step.inputs):
            return True
        joins = len(step.inputs) > 1 and kind not in _SIDE_BY_SIDE and not scales_weights(step)
        if joins and not self.tied.isdisjoint(step.inputs):
            return True
        if kind in _REDUCTIONS and not isinstance(operation, keras.Layer):
            axis, rank = operation.axis, len(self.shapes[step.inputs[0]])
            axes = range(rank) if axis is None else (axis,) if isinstance(axis, int) else axis
            if any(a % rank in (0, rank - 1) for a in axes):
                return True
        if pools and "Max" in kind:
            ruled = self.narrow if _is_wide(operation) else self.thin
            if not set(ruled).isdisjoint(step.inputs):
                return True
        return pools and any(index in self.rough for index in step.inputs)

    def note(self, step: Step, *, simulated: bool, fan_in: float = math.inf) -> None:
        """Remember what the outputs of an operation are like; ``fan_in`` is that of its last weight."""
        before = [self.narrow[index] for index in step.inputs if index in self.narrow]
        depth = 0 if fan_in <= _NARROW else min(before, default=2) + scales_weights(step)
        if depth < 2:
            self.narrow.update(dict.fromkeys(step.outputs, depth))
        if fan_in <= _THIN or (not scales_weights(step) and not self.thin.isdisjoint(step.inputs)):
            self.thin.update(step.outputs)
        operation, kind = step.operation, type(step.operation).__name__
        several = [i for i in step.outputs if (positions(self.shapes[i][1:-1]) or 2) > 1]
        if (
            simulated
            or isinstance(operation, (*UPSAMPLING, layers.RepeatVector, *_ATTENTION))
            or kind in _COPIES
        ):
            depth = 0
        else:
            before = [self.rough[index] for index in step.inputs if index in self.rough]
            depth = min(before, default=REACH + 1) + scales_weights(step)
        if depth <= REACH:
            self.rough.update(dict.fromkeys(several, depth))
        ties = _is_softmax(operation, kind) or self._summarizes(operation, kind)
        if ties or (not scales_weights(step) and not self.tied.isdisjoint(step.inputs)):
            self.tied.update(step.outputs)

    @staticmethod
    def _summarizes(operation: Any, kind: str) -> bool:
        """Whether entries of the output depend on those of the input that lie elsewhere."""
        if isinstance(operation, keras.Layer):
            return isinstance(operation, _GLOBAL_POOLS)
        return kind in _REDUCTIONS or kind in _MOVED

    @staticmethod
    def _pools(operation: Any, kind: str) -> bool:
        if isinstance(operation, keras.Layer):
            return isinstance(operation, _POOLS)
        return kind in _POOL_OPERATIONS or kind in _REDUCTIONS


def _is_wide(operation: Any) -> bool:
    """Whether an operation takes the maximum of many entries: of all of an axis, or of a large window."""
    window = getattr(operation, "pool_size", None)
    return window is None or np.prod(window) >= _WIDE


def _is_softmax(operation: Any, kind: str) -> bool:
    activation: Callable[..., Any] | None = getattr(operation, "activation", None)
    return kind == "Softmax" or (
        activation is keras.activations.softmax and not isinstance(operation, RECURRENT)
    )
