"""The steps of a network: its layers, their shapes and numbers of parameters, before any of them is made.

A plan follows from the spec and the task alone, without Keras. The search uses it to keep to the parameter budget, and
`build.py` turns it into a model, step by step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gondwana.nas.searches.codeepneat.genes.activation_genes import graph_of, is_text
from gondwana.nas.searches.codeepneat.layers import (  # noqa: F401  registers the layer types
    builtin as _builtin_layers,
)
from gondwana.nas.searches.codeepneat.layers.registry import Shape, layer_type, merge_type


class SpecError(ValueError):
    """A spec does not describe a network for the task."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of one layer.

    Attributes:
        name: name of the tensor that it gives.
        kind: name of a layer or merge type, or of a fixed part: ``Input``, ``Embedding``, ``Projection``, ``Pool``,
            ``Function``, ``Flatten``, ``GlobalAverage``, ``GlobalMaximum``, ``Head``.
        genes: hyperparameters.
        inputs: names of the tensors that it takes.
        shape: shape of the tensor that it gives, without the batch.
        parameters: weights that it adds to the network, trainable and not.
        layer: name of the layer that it calls: its own name, or an earlier step's where weights are shared.
    """

    name: str
    kind: str
    genes: Mapping[str, Any]
    inputs: tuple[str, ...]
    shape: Shape
    parameters: int
    layer: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a network, in an order in which they can be taken.

    Attributes:
        steps: the steps, the input first.
        outputs: names of the output tensors, one per head, in the task's order.
    """

    steps: tuple[Step, ...]
    outputs: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """Number of weights of the network."""
        return sum(step.parameters for step in self.steps)

    @property
    def multiply_adds(self) -> int:
        """About how many multiply-adds a forward pass of one example takes: weights times the positions they serve."""
        return sum(s.parameters * math.prod(s.shape[:-1]) for s in self.steps if s.kind != "Embedding")


@dataclass(slots=True)
class Planner:
    """Collects steps, and knows the shape of every tensor so far.

    The methods each add what their name says and return the name of the resulting tensor.
    """

    share_weights: bool = False
    steps: list[Step] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    _shared: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def part(
        self, name: str, kind: str, inputs: Sequence[str], shape: Shape, parameters: int, **genes: Any
    ) -> str:
        """Add a step whose shape and number of parameters the caller knows."""
        return self._add(Step(name, kind, genes, tuple(inputs), shape, parameters, name))

    def layer(
        self, name: str, kind: str, genes: Mapping[str, Any], source: str, role: tuple[str, ...]
    ) -> str:
        """Add a layer; one that does not fit on its input is left out, and the input itself is returned.

        Args:
            name: name of the step.
            kind: name of a layer type.
            genes: the layer's hyperparameters.
            source: the input.
            role: what the layer is in its module; with ``share_weights``, equal roles on inputs of equal width share
                a layer.

        Raises:
            SpecError: if a gene is missing or unknown, or the type does not work on such tensors.
            UnknownLayerError: if there is no such layer type.
        """
        record = layer_type(kind)
        before = self.shapes[source]
        values = dict(record.defaults or {}) | dict(genes)
        if set(values) != set(record.genes):
            wrong = sorted(set(values) ^ set(record.genes))
            raise SpecError(
                f"layer {name!r}: {kind} has the hyperparameters {sorted(record.genes)}; check {wrong}"
            )
        if len(before) not in record.ranks:
            raise SpecError(
                f"layer {name!r}: {kind} works on tensors of rank {sorted(record.ranks)} (without the batch). "
                f"Received: shape {before}"
            )
        shape = record.shape(before, values)
        if shape is None:
            return source
        key = (*role, before[-1])
        owner = self._shared.setdefault(key, name) if self.share_weights else name
        parameters = record.parameters(before, values) if owner == name else 0
        function = values.get("activation")
        if not is_text(function):
            return self._add(Step(name, kind, values, (source,), shape, parameters, owner))
        values["activation"] = "linear"
        linear = self._add(Step(name, kind, values, (source,), shape, parameters, owner))
        return self._function(linear, str(function), owner)

    def _function(self, source: str, text: str, owner: str) -> str:
        """Add an activation function that is given as a text: a layer of its own, which has its parameters."""
        shape = self.shapes[source]
        try:
            parameters = graph_of(text).parameters * shape[-1]
        except ValueError as error:
            raise SpecError(f"layer {source!r}: {error}") from error
        name = f"{source}_activation"
        shared = owner != source
        layer = f"{owner}_activation"
        return self._add(
            Step(name, "Function", {"text": text}, (source,), shape, 0 if shared else parameters, layer)
        )

    def merge(self, prefix: str, kind: str | None, sources: Sequence[str]) -> str:
        """Join several tensors: pool to the smallest map, project to the widest where needed, then merge.

        Args:
            prefix: start of the names of the steps.
            kind: name of a merge type; may be None for a single source, which is returned as it is.
            sources: names of the tensors, at least one.

        Raises:
            SpecError: if there are several sources and no ``kind``, or their ranks differ.
            UnknownLayerError: if there is no such merge type.
        """
        if len(sources) == 1:
            return sources[0]
        if kind is None:
            raise SpecError(
                f"node {prefix!r} has {len(sources)} inputs and no 'merge' that says how to join them"
            )
        record = merge_type(kind)
        if len({len(self.shapes[source]) for source in sources}) > 1:
            raise SpecError(
                f"node {prefix!r} joins tensors of different ranks: {[self.shapes[s] for s in sources]}"
            )
        smallest = tuple(min(sizes) for sizes in zip(*(self.shapes[s][:-1] for s in sources), strict=True))
        tensors = [self._pooled(f"{prefix}_pool{i}", s, smallest) for i, s in enumerate(sources, start=1)]
        if record.equal_widths:
            widest = max(self.shapes[tensor][-1] for tensor in tensors)
            tensors = [
                self.projected(f"{prefix}_project{i}", t, widest) for i, t in enumerate(tensors, start=1)
            ]
        width = record.width(tuple(self.shapes[tensor][-1] for tensor in tensors))
        name = f"{prefix}_{kind.lower()}"
        return self.part(name, kind, tensors, (*smallest, width), record.parameters(len(tensors)))

    def projected(self, name: str, source: str, width: int) -> str:
        """Bring a tensor to ``width`` channels by a linear map that is the same at every position."""
        *sizes, before = self.shapes[source]
        if before == width:
            return source
        return self.part(name, "Projection", [source], (*sizes, width), (before + 1) * width, filters=width)

    def _pooled(self, name: str, source: str, smallest: tuple[int, ...]) -> str:
        *sizes, width = self.shapes[source]
        if tuple(sizes) == smallest:
            return source
        strides = tuple(size // small for size, small in zip(sizes, smallest, strict=True))
        # Sizes that came about by floor division are met by windows as wide as the stride, others by wider ones.
        exact = all(
            size // stride == small for size, stride, small in zip(sizes, strides, smallest, strict=True)
        )
        wide = tuple(n - (k - 1) * stride for n, stride, k in zip(sizes, strides, smallest, strict=True))
        pool = strides if exact else wide
        return self.part(name, "Pool", [source], (*smallest, width), 0, pool_size=pool, strides=strides)

    def _add(self, step: Step) -> str:
        if step.name in self.shapes:
            raise SpecError(f"two layers are named {step.name!r}")
        self.steps.append(step)
        self.shapes[step.name] = step.shape
        return step.name
