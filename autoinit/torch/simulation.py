"""Steps that no rule or integral covers: run on seeded draws that have the planned statistics.

The draws start at the inputs of the module, or at tensors whose law the plan knows where that would be too much work,
and run through everything between there and the step, weights as they are planned. What was made stays while later
steps need it, so that all simulations together cost a few forward passes. A graph of aten operations has the sizes of
its example inputs in it: the batch is theirs, and what it lacks in examples comes from several runs.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from gondwana.autoinit.draws import draw, generator
from gondwana.autoinit.frontends.torch.export import called
from gondwana.autoinit.frontends.torch.graph import Graph, Step
from gondwana.autoinit.frontends.torch.running import (
    as_rows,
    from_rows,
    second_moment,
    tensor_of,
    undisturbed,
)
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.propagation.normalization import has_dead_channels
from gondwana.autoinit.settings import Settings
from gondwana.autoinit.signals.fields import Field
from gondwana.autoinit.signals.samples import GROUP, finite_values, measured_signal, sampled
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.torch.calls import Scale
from gondwana.autoinit.torch.dependence import Dependence
from gondwana.autoinit.torch.placement import to_parameter

_ENTRIES = 1 << 19
"""Entries of the largest tensor over all runs, which bounds time and memory."""

_MOST_GROUPS = 8
_MOST_LOOKED_AT = 1 << 20
_MOST_WORK = 1 << 25
"""Entries, over all runs, of the tensors that are made to make the inputs of a step; beyond them, tensors are drawn."""

Found = tuple[tuple[Signal, ...], dict[int, list[Any]]]


class Simulation:
    """Draws of the tensors of one walk over a graph.

    Args:
        graph: that is walked over.
        settings: of the plan.
        signals: of its tensors; the plan adds to them as it walks.
        scales: of the parameters, by ``id``; the plan adds to them too.
        constants: values of tensors that depend on no input.
        dependence: what is known of how entries depend on one another.
        kept: first outputs of the steps that keep their weights; these are run with them.
        data: examples for inputs of the graph, by number.
        memory: what earlier walks over the same graph found; None if there is one walk only.
    """

    def __init__(
        self,
        graph: Graph,
        settings: Settings,
        signals: Mapping[int, Signal],
        scales: Mapping[int, Scale],
        constants: Mapping[int, Any],
        dependence: Dependence,
        kept: Collection[int],
        data: Mapping[int, Array],
        memory: dict[Hashable, Found] | None,
    ) -> None:
        self.graph, self.settings, self.signals, self.scales = graph, settings, signals, scales
        self.constants, self.dependence, self.memory = constants, dependence, memory
        self.kept = frozenset(kept)
        self.producer = {index: number for number, step in enumerate(graph.steps) for index in step.outputs}
        self.last_use = {index: number for number, step in enumerate(graph.steps) for index in step.inputs}
        self.batch = max(graph.shapes[graph.inputs[0]][0] or 1, 1) if graph.shapes[graph.inputs[0]] else 1
        self.per_group = max(-(-GROUP // self.batch), 1)
        largest = max((graph.entries(index) for step in graph.steps for index in step.outputs), default=1)
        groups = int(np.clip(_ENTRIES // (largest * self.per_group), 1, _MOST_GROUPS))
        self.runs = groups * self.per_group
        self.values: dict[int, list[Any]] = {index: self._given(index, rows) for index, rows in data.items()}
        self.open: set[int] = set(self.values)
        self.keys: dict[int, Hashable] = {}
        self.drawn: dict[tuple[int, int], Any] = {}
        self.vocabularies = vocabularies(graph)
        self.first_calls = _first_calls(graph)

    def _given(self, index: int, rows: Array) -> list[Any]:
        """Return the caller's examples, a batch for each run."""
        size = self.graph.shapes[index][0] or 1
        like = (self.graph.dtypes[index], self.graph.device)
        places = (np.arange(size) + run * size for run in range(self.runs))
        return [tensor_of(np.take(rows, place % len(rows), axis=0), like) for place in places]

    def needs(self, step: Step) -> bool:
        """Whether a step that has a rule is simulated all the same."""
        inputs = self.dependence.variable(step)
        if step.outputs[0] in self.kept:
            return True
        if step.kind != "aten.embedding" and not all(self.graph.is_float(index) for index in inputs):
            return True
        if not (self.open.isdisjoint(inputs) or self.dependence.scales_weights(step)):
            return True
        return self.settings.exact and (self.dependence.mixes(step) or self._has_dead_channels(step))

    def _has_dead_channels(self, step: Step) -> bool:
        if step.kind != "aten.batch_norm":
            return False
        field = self.signals[self.dependence.variable(step)[0]].law
        return isinstance(field, Field) and has_dead_channels(field, float(step.arguments[7]))

    def run(self, step: Step) -> tuple[Signal, ...]:
        """Return the signals of the outputs of ``step``.

        Raises:
            Exception: whatever the operation raises.
            NotIntegrableError: if none of the values is finite.
        """
        last = self.producer[step.outputs[0]]
        for index in [index for index in self.values if self.last_use.get(index, 0) < last]:
            del self.values[index]
        region = self._region(step)
        key = self._key(region) if self.memory is not None else None
        known = self.memory.get(key) if self.memory is not None else None
        found = known or self._found(step, region)
        if self.memory is not None:
            self.memory[key] = found
        self.values.update(found[1])
        self.keys.update(dict.fromkeys(found[1], key))
        self.open.update(step.outputs)
        return found[0]

    def _found(self, step: Step, region: Sequence[Step]) -> Found:
        for member in region:
            self._execute(member)
        signals = tuple(self._signal(step, index) for index in step.outputs)
        return signals, {index: self.values[index] for member in region for index in member.outputs}

    def _key(self, region: Sequence[Step]) -> Hashable:
        """Return all that the draws of a region depend on."""
        made = {index for member in region for index in member.outputs}
        read = sorted({i for member in region for i in self.dependence.variable(member)} - made)
        known = [self.keys.get(i) or (i, *_digits(self.signals[i])) for i in read]
        weights = [
            self.graph.weights[i] for member in region for i in member.inputs if i in self.graph.weights
        ]
        scales = [self.scales[id(w.parameter)].deviation for w in weights if id(w.parameter) in self.scales]
        return hash((region[-1].outputs, len(region), tuple(known), tuple(f"{s:.6g}" for s in scales)))

    def _region(self, step: Step) -> list[Step]:
        """Return the steps to be run, the nearest ones first to be taken in, in the order of the graph."""
        chosen, total = {self.producer[step.outputs[0]]}, 0
        waiting = deque(self.dependence.variable(step))
        while waiting:
            index = waiting.popleft()
            number = self.producer.get(index)
            if index in self.values or number is None or number in chosen:
                continue
            member = self.graph.steps[number]
            cost = self.graph.entries(index) * self.runs
            drawable = index not in self.open and self.graph.is_float(index)
            if total + cost > _MOST_WORK and drawable:
                continue
            chosen.add(number)
            total += cost
            waiting.extend(self.dependence.variable(member))
        return [self.graph.steps[number] for number in sorted(chosen)]

    def _execute(self, step: Step) -> None:
        if all(index in self.values for index in step.outputs):
            return
        planned = self.dependence.scales_weights(step) and self.settings.weights == "scaled"
        outputs: list[list[Any]] = []
        for run in range(self.runs):
            seed = int(generator(self.settings.seed, step.outputs[0], 1, run).integers(1 << 31))
            with undisturbed(seed, self.graph.device):
                outputs.append(called(step, [self.value(index, run) for index in step.inputs]))
        for place, index in enumerate(step.outputs):
            made = [part[place] for part in outputs]
            self.values[index] = self._as_loud_as_planned(index, made) if planned else made

    def _as_loud_as_planned(self, index: int, made: list[Any]) -> list[Any]:
        """Scale draws to the second moment of the plan, which few draws of weights miss by chance."""
        planned = self.signals[index].second_moment if index in self.signals else 0.0
        drawn = second_moment(made)
        if not (planned > 0 and 0 < drawn < math.inf):
            return made
        return [x * math.sqrt(planned / drawn) for x in made]

    def value(self, index: int, run: int) -> Any:
        """Return a tensor of one run: a constant, what was made, or a draw of what the plan knows."""
        if index in self.graph.constant:
            return self._constant(index, run // self.per_group)
        if index not in self.values:
            self.values[index] = [self._draw(index, number) for number in range(self.runs)]
        return self.values[index][run]

    def _constant(self, index: int, group: int) -> Any:
        """Return a constant; a parameter that the plan draws is drawn anew for each group of examples."""
        weight = self.graph.weights.get(index)
        scale = None if weight is None else self.scales.get(id(weight.parameter))
        if weight is None or scale is None or self.settings.weights == "actual":
            return self.constants[index]
        number = self.producer.get(index)
        if number is not None:
            step = self.graph.steps[number]
            outputs = called(step, [self._constant(given, group) for given in step.inputs])
            return outputs[step.outputs.index(index)]
        key = (id(weight.parameter), group)
        if key not in self.drawn:
            self.drawn[key] = self._planned(weight.parameter, scale, group)
        return self.drawn[key]

    def _planned(self, parameter: Any, scale: Scale, group: int) -> Any:
        """Return a parameter as it is planned, those of each output with the sum of squares that is expected."""
        rng = generator(self.settings.seed, self._number_of(parameter), group, 1 << 19)
        shape = to_parameter(scale, parameter)
        values = draw(rng, shape.drawn, scale.deviation, "truncated_normal")
        if len(shape.drawn) > 1:
            lengths = np.sqrt(np.mean(np.square(values.reshape(-1, values.shape[-1])), axis=0))
            values = values * (scale.deviation / np.maximum(lengths, 1e-30))
        return tensor_of(shape.placed(values), (parameter.dtype, parameter.device))

    def _number_of(self, parameter: Any) -> int:
        return next(index for index, held in self.graph.held.items() if held is parameter)

    def _draw(self, index: int, run: int) -> Any:
        graph, signal = self.graph, self.signals[index]
        like = (graph.dtypes[index], graph.device)
        rng = generator(self.settings.seed, index, run)
        if not graph.is_float(index):
            vocabulary = self.vocabularies.get(index)
            if vocabulary is None:
                return graph.examples[index]
            return tensor_of(rng.integers(0, vocabulary, graph.shapes[index]), like)
        layout, shape = graph.layouts[index], graph.shapes[index]
        common = generator(
            self.settings.seed, self.first_calls.get(index, index), run // self.per_group, 1 << 20
        )
        exact = self.settings.exact
        if len(shape) < 2:
            values = sampled(signal, int(np.prod(shape)) or 1, (1,), rng, common, exact=exact)
            return tensor_of(values.reshape(shape), like)
        count = int(shape[layout.batch] or 1)  # all examples of a run have their weights in common
        rows = sampled(signal, count, graph.lasting(index), rng, common, exact=exact, group=count)
        return from_rows(rows, layout.batch, layout.channel, like)

    def _signal(self, step: Step, index: int) -> Signal:
        if not self.graph.is_float(index):
            return Signal(0.0, 1.0)
        layout = self.graph.layouts.get(index, (0, 0))
        whole = [as_rows(x, *layout) for x in self.values[index]]
        rows = np.concatenate(whole).astype(np.float64)
        if len(whole[0]) < GROUP:  # the examples of a group have one draw of the weights in common
            size = len(whole[0]) * self.per_group
            groups = [rows[start : start + size][:GROUP] for start in range(0, len(rows), size)]
            rows = np.concatenate(groups)
        return signal_of_rows(f"{step.label} {step.name!r}", rows, exact=self.settings.exact)


def signal_of_rows(where: str, values: Array, *, exact: bool) -> Signal:
    """Return the signal of simulated values, (examples, positions..., channels).

    Raises:
        NotIntegrableError: if none of the values is finite.
    """
    if values.ndim > 1:
        apart = values.size // _MOST_LOOKED_AT + 1
        values = values[..., :: min(apart, max(values.shape[-1] // 8, 1))]
    values = finite_values(where, values)
    return measured_signal(values, exact=exact)


def vocabularies(graph: Graph) -> dict[int, int]:
    """Return the number of rows of the embedding that takes each input of integers, possibly reshaped before."""
    found: dict[int, int] = {}
    for step in reversed(graph.steps):
        variable = [index for index in step.inputs if index not in graph.constant]
        if step.kind == "aten.embedding" and step.inputs[0] in graph.constant:
            found.update(dict.fromkeys(variable, int(graph.shapes[step.inputs[0]][0] or 1)))
        elif (
            len(variable) == 1
            and step.outputs
            and step.outputs[0] in found
            and not graph.is_float(variable[0])
        ):
            found.setdefault(variable[0], found[step.outputs[0]])
    return found


def _first_calls(graph: Graph) -> dict[int, int]:
    """Return, for tensors that a weight leads to, the first tensor that the same weight leads to."""
    found: dict[int, int] = {}
    first: dict[tuple[int, ...], int] = {}
    for step in graph.steps:
        held = tuple(sorted(index for index in step.inputs if index in graph.weights))
        for index in step.outputs if held else ():
            found[index] = first.setdefault((*held, step.outputs.index(index)), index)
    return found


def _digits(signal: Signal) -> tuple[str, ...]:
    return tuple(f"{number:.6g}" for number in (signal.mean, signal.variance, signal.covariance))
