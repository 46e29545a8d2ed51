"""Which operations mix entries that depend on one another in a way that no rule covers (exact propagation).

The words are those of ``autoinit/simulation/dependence.py``: *rough* tensors have a pattern among positions close by,
*tied* ones have entries that determine one another, *narrow* ones come from weights that sum few inputs.
"""

from __future__ import annotations

import math
from typing import Any

from gondwana.autoinit.frontends.torch.graph import Graph, Step
from gondwana.autoinit.torch.rules.moves import MOVES

_NARROW, _THIN, _WIDE = 16, 9, 16
REACH = 3
"""Number of layers with weights after which a pattern among positions is taken as gone."""

RECURRENT = frozenset({"aten.lstm", "aten.gru", "aten.rnn_tanh", "aten.rnn_relu"})
PRODUCTS = frozenset(
    {"aten.matmul", "aten.mm", "aten.bmm", "aten.baddbmm", "aten.einsum", "aten.addmm", "aten.dot"}
)
ATTENTION = "aten.scaled_dot_product_attention"
_CONTRACTIONS = PRODUCTS | {"aten.linear", "aten.convolution", "aten.embedding"}
_CONTRACTIONS |= {f"aten.conv{how}{n}d" for how in ("", "_transpose") for n in (1, 2, 3)}
_REDUCTIONS = frozenset({"aten.mean", "aten.sum", "aten.amax", "aten.amin"})
_SOFTMAX = frozenset({"aten.softmax", "aten._softmax", "aten.log_softmax"})
_COPIES = ("aten.repeat", "aten.tile", "aten.upsample", "aten.interpolate")
_SIDE_BY_SIDE = frozenset({"aten.cat", "aten.concat", "aten.stack"})
_MOVED = frozenset({"aten.roll", "aten.flip"})


def pools(step: Step) -> bool:
    """Whether an operation takes means or maxima over positions."""
    return "pool" in step.kind or step.kind in _REDUCTIONS


class Dependence:
    """What is known of each tensor of a graph while a plan walks along it.

    Args:
        graph: that is walked over.
        drawn: parameters, by ``id``, that the plan draws.
    """

    def __init__(self, graph: Graph, drawn: frozenset[int]) -> None:
        self.graph, self.drawn = graph, drawn
        self.rough: dict[int, int] = {}
        self.tied: set[int] = set()
        self.narrow: dict[int, int] = {}
        self.thin: set[int] = set()

    def variable(self, step: Step) -> tuple[int, ...]:
        """Return the inputs of a step that are not constant."""
        return tuple(index for index in step.inputs if index not in self.graph.constant)

    def weights_of(self, step: Step) -> list[Any]:
        """Return the parameters that a step multiplies by, biases aside."""
        if step.owner is None and step.kind not in _CONTRACTIONS:
            return []
        known = [index for index in step.inputs if index in self.graph.weights]
        return [self.graph.weights[index].parameter for index in known if len(self.graph.shapes[index]) > 1]

    def scales_weights(self, step: Step) -> bool:
        """Whether a step multiplies by parameters that the plan draws."""
        return any(id(parameter) in self.drawn for parameter in self.weights_of(step))

    def is_product(self, step: Step) -> bool:
        """Whether a step sums products of entries of two tensors."""
        return (step.kind in PRODUCTS and len(self.variable(step)) > 1) or step.kind == ATTENTION

    def mixes(self, step: Step) -> bool:
        """Whether only draws tell what the step puts out."""
        if self.is_product(step) or step.kind in RECURRENT:
            return True
        if step.owner is None and step.kind in _CONTRACTIONS and not self.scales_weights(step):
            return True
        inputs = self.variable(step)
        tied = not self.tied.isdisjoint(inputs)
        joins = len(inputs) > 1 and step.kind not in _SIDE_BY_SIDE and not self.scales_weights(step)
        if tied and (joins or pools(step)):
            return True
        if step.kind in _REDUCTIONS and self._sums_channels(step):
            return True
        if pools(step) and "max" in step.kind:
            ruled = self.narrow if self._is_wide(step) else self.thin
            if not set(ruled).isdisjoint(inputs):
                return True
        return pools(step) and any(index in self.rough for index in inputs)

    def _sums_channels(self, step: Step) -> bool:
        index = self.variable(step)[0]
        axes = step.arguments[1] if len(step.arguments) > 1 else None
        if axes is None or axes == []:
            return True
        rank = len(self.graph.shapes[index])
        given = {int(axis) % rank for axis in ([axes] if isinstance(axes, int) else axes)}
        return not given.isdisjoint(self.graph.layouts[index])

    def _is_wide(self, step: Step) -> bool:
        if step.kind in _REDUCTIONS or "adaptive" in step.kind:
            return True
        taps = step.arguments[1]
        return (math.prod(taps) if isinstance(taps, list | tuple) else taps**2) >= _WIDE

    def note(self, step: Step, *, simulated: bool, fan_in: float = math.inf) -> None:
        """Remember what the outputs of a step are like; ``fan_in`` is that of its last weight."""
        inputs, weighted = self.variable(step), self.scales_weights(step)
        before = [self.narrow[index] for index in inputs if index in self.narrow]
        depth = 0 if fan_in <= _NARROW else min(before, default=2) + weighted
        if depth < 2:
            self.narrow.update(dict.fromkeys(step.outputs, depth))
        if fan_in <= _THIN or (not weighted and not self.thin.isdisjoint(inputs)):
            self.thin.update(step.outputs)
        several = [index for index in step.outputs if math.prod(self.graph.lasting(index)[:-1]) > 1]
        if (simulated and step.kind not in MOVES) or step.kind.startswith(_COPIES):
            depth = 0
        else:
            depth = (
                min((self.rough[index] for index in inputs if index in self.rough), default=REACH + 1)
                + weighted
            )
        if depth <= REACH:
            self.rough.update(dict.fromkeys(several, depth))
        ties = (
            step.kind in _SOFTMAX
            or step.kind in _REDUCTIONS
            or step.kind in _MOVED
            or "adaptive" in step.kind
        )
        if ties or (not weighted and not self.tied.isdisjoint(inputs)):
            self.tied.update(step.outputs)
