"""Operations that no rule or integral covers: run on seeded draws that have the planned statistics.

The draws start at tensors whose law the plan knows (inputs of the model, outputs of layers with weights) and run
through everything between there and the operation. What is positive by construction is positive in the draws too, and
tensors that come from the same source depend on one another as they do in the model. A layer without a rule runs with
the weights that it has; its own initializers have drawn them, and initialization leaves them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

from gondwana.autoinit.draws import draw, generator
from gondwana.autoinit.frontends.keras.functions import is_elementwise
from gondwana.autoinit.frontends.keras.graph import Graph, Slot, Step
from gondwana.autoinit.frontends.keras.running import run
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.propagation.normalization import has_dead_channels
from gondwana.autoinit.registry import Scale
from gondwana.autoinit.rules.pooling import UNKNOWN_SIZE
from gondwana.autoinit.rules.recurrent import RECURRENT, recurrent_output
from gondwana.autoinit.settings import Settings
from gondwana.autoinit.signals.fields import Field, field_of
from gondwana.autoinit.signals.samples import GROUP, measured_signal, sampled
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Shape
from gondwana.autoinit.simulation.checked import signal_of
from gondwana.autoinit.simulation.dependence import REACH, UPSAMPLING, Dependence, is_product, scales_weights
from gondwana.autoinit.simulation.products import kernel_of, product

_ENTRIES, _MOST_ENTRIES = 1 << 17, 1 << 19
"""Entries of the largest tensor of a simulation, which bound time and memory; more, if they are few examples."""

_EXAMPLES = 64
"""Examples that what is measured over examples, such as a distance between two images, asks for."""

_PIECE = 24
"""Positions along an axis, and channels, of the piece of a map on which upsampling is measured."""

_MAX_ROWS, _MIN_ROWS = 1024, 4
_DRAWS = 8
"""Draws of the weights of a layer that is run with weights as they are planned."""

_FEW_SEQUENCES, _SEQUENCE_ENTRIES = 16, 1 << 12
"""Least number of sequences that a recurrent layer meets; up to four times as many if they have fewer entries."""

_MOST_STEPS, _FEW_STEPS = 48, 12
"""Operations that are run to make the inputs of one; beyond them, or fewer of wide ones, tensors are drawn."""

_ALIKE = 0.05


Found: TypeAlias = tuple[tuple[Signal, ...], dict[int, Any]]
"""Signals of what was asked for, and draws of all tensors that were made on the way."""


class Simulation:
    """Draws of the tensors of one walk over a graph.

    Args:
        steps: of the graph, in order, without masks.
        graph: that is walked over.
        settings: of the plan.
        signals: of its tensors; the plan adds to them as it walks.
        scales: of the weights, by the ``id`` of the variable; the plan adds to them too.
        activated: the signal before the activation of a layer with weights.
        memory: what earlier walks over the same graph found, which is not run again while the signals are the same;
            None if there is one walk only.
        kept: first outputs of the steps that keep their weights; these are run with them.
        data: examples for inputs of the graph, by tensor.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        graph: Graph,
        settings: Settings,
        signals: Mapping[int, Signal],
        scales: Mapping[int, Scale],
        activated: Callable[[Step], Signal],
        memory: dict[Hashable, Found] | None,
        kept: Collection[int] = (),
        data: Mapping[int, Array] | None = None,
    ) -> None:
        self.steps, self.shapes, self.dtypes, self.settings = steps, graph.shapes, graph.dtypes, settings
        self.signals, self.scales, self.activated = signals, scales, activated
        self.memory = memory
        self.keys: dict[int, Hashable] = {}
        self.producer = {index: number for number, step in enumerate(steps) for index in step.outputs}
        self.last_use = {index: number for number, step in enumerate(steps) for index in step.inputs}
        self.batch = next((graph.shapes[index][0] for index in graph.inputs if graph.shapes[index][0]), None)
        self.dependence = Dependence(graph.shapes)
        self.kept = frozenset(kept)
        self.values: dict[int, Any] = {
            index: keras.ops.convert_to_tensor(rows, dtype=graph.dtypes[index])
            for index, rows in (data or {}).items()
        }
        self.open: set[int] = set(self.values)
        self.measured: set[int] = set()
        self.grouped = False  # whether a tensor was drawn whose examples have something in common

    def needs(self, step: Step) -> bool:
        """Whether an operation that has a rule is simulated all the same."""
        if step.outputs[0] in self.kept or not (self.open.isdisjoint(step.inputs) or scales_weights(step)):
            return True
        return self.settings.exact and (self.dependence.mixes(step) or self._has_dead_channels(step))

    def _has_dead_channels(self, step: Step) -> bool:
        """Whether channels come to a batch normalization that hardly vary from example to example."""
        if not isinstance(step.operation, keras.layers.BatchNormalization):
            return False
        field = self.signals[step.inputs[0]].law
        return isinstance(field, Field) and has_dead_channels(field, step.operation.epsilon)

    def note(self, step: Step, *, simulated: bool, fan_in: float) -> None:
        """Remember how the entries of what the operation puts out depend on one another."""
        if self.settings.exact and self.settings.on_unknown == "simulate":
            self.dependence.note(step, simulated=simulated, fan_in=fan_in)

    def run(self, step: Step) -> tuple[Signal, ...]:
        """Return the signals of the outputs of ``step``.

        Raises:
            Exception: whatever the operation raises.
            NotIntegrableError: if none of the values is finite.
        """
        if isinstance(step.operation, UPSAMPLING) and self.open.isdisjoint(step.inputs):
            return (self._interpolated(step),)
        last = self.producer[step.outputs[0]]
        for index in [index for index in self.values if self.last_use.get(index, 0) < last]:
            del self.values[index]
        region = self._region(step)
        key = self._key(region)
        known = self.memory.get(key) if self.memory is not None else None
        result, values = found = known or self._found(step, region)
        if self.memory is not None:
            self.memory[key] = found
        self.values.update(values)
        self.keys.update(dict.fromkeys(values, key))
        self.open.update(step.outputs)
        return result

    def _interpolated(self, step: Step) -> Signal:
        """Return the signal after upsampling, of a piece of the map: it does the same everywhere."""
        index = step.inputs[0]
        sizes = [min(size or UNKNOWN_SIZE, _PIECE) for size in self.shapes[index][1:]]
        rows = self._most_rows((None, *self.shapes[step.outputs[0]][1:]))
        if sizes != list(self.shapes[index][1:]):
            rows = max(_MOST_ENTRIES // int(np.prod(sizes)) // 8 // GROUP, 1) * GROUP
        rngs = (generator(self.settings.seed, index, stream) for stream in range(2))
        values = sampled(self.signals[index], rows, sizes, *rngs, exact=self.settings.exact)
        made = run(step.operation, [keras.ops.convert_to_tensor(values, dtype=self.dtypes[index])], {})[0]
        self.measured.update(step.outputs)
        signal = measured_signal(np.asarray(keras.ops.convert_to_numpy(made), np.float64), exact=True)
        fits = tuple(made.shape[1:-1]) == self.shapes[step.outputs[0]][1:-1]
        return signal if fits else field_of(signal).flat().signal()

    def _found(self, step: Step, region: Sequence[Step]) -> Found:
        rows = self._rows(region)
        for member in region:
            self._execute(member, rows)
        result = self._signals(step)
        return result, {index: self.values[index] for member in region for index in member.outputs}

    def _signals(self, step: Step) -> tuple[Signal, ...]:
        return tuple(signal_of(step, self.values[index], exact=self.settings.exact) for index in step.outputs)

    def _key(self, region: Sequence[Step]) -> Hashable:
        """Return all that the draws of a region depend on."""
        made = {index for member in region for index in member.outputs}
        read = sorted({index for member in region for index in member.inputs} - made)
        known = [self.keys.get(index) or (index, *_digits(self.signals[index])) for index in read]
        weights = [v for member in region for v in getattr(member.operation, "weights", ())]
        drawn = [f"{self.scales[id(v)].deviation:.6g}" for v in weights if id(v) in self.scales]
        return hash((region[-1].outputs, len(region), tuple(known), tuple(drawn)))

    def activation(self, step: Step) -> tuple[Signal, ...]:
        """Return the signal after the activation of a layer with weights, of draws from before it."""
        shape = self.shapes[step.outputs[0]]
        self._activate(step, self._most_rows(shape))
        result = self._signals(step)[:1]
        self.measured.update(step.outputs)
        return result

    def _region(self, step: Step) -> list[Step]:
        """Return the operations to be run, the nearest ones first to be taken in, in the order of the graph."""
        chosen, total = {self.producer[step.outputs[0]]}, 0
        near = 1 if is_product(step) or isinstance(step.operation, keras.layers.BatchNormalization) else 0
        waiting = deque((index, 0) for index in step.inputs)
        while waiting:
            index, depth = waiting.popleft()
            number = self.producer.get(index)
            if index in self.values or number is None or number in chosen:
                continue
            member = self.steps[number]
            closed = scales_weights(member) and index not in self.open
            known = index in self.dependence.rough or index in self.dependence.narrow
            followed = depth < near or (known and depth < REACH)
            if closed and not followed:
                continue
            wide = len(chosen) >= _FEW_STEPS and total > _MOST_ENTRIES
            if (wide or len(chosen) >= _MOST_STEPS) and index not in self.open:
                continue
            chosen.add(number)
            total += _entries(self.shapes[index])
            waiting.extend((given, depth + closed) for given in member.inputs)
        return [self.steps[number] for number in sorted(chosen)]

    def _rows(self, region: Sequence[Step]) -> int:
        """Return the number of examples that all operations of a region can bear."""
        touched = [self.shapes[index] for member in region for index in (*member.inputs, *member.outputs)]
        rows = min(self._most_rows(shape) for shape in touched)
        if any(isinstance(member.operation, RECURRENT) for member in region):
            largest = max(_entries(shape) for shape in touched)
            least = int(np.clip(_SEQUENCE_ENTRIES // largest, 1, 4)) * _FEW_SEQUENCES
            bearable = int(np.clip(self.settings.samples // largest, least, 256))
            rows = min(rows, bearable - bearable % _FEW_SEQUENCES)
        return rows

    def _most_rows(self, shape: Shape) -> int:
        entries = _entries(shape)
        rows = max(_ENTRIES // entries, min(_EXAMPLES, _MOST_ENTRIES // entries))
        rows = int(np.clip(rows, _MIN_ROWS, _MAX_ROWS))
        if rows >= GROUP:
            rows -= rows % (GROUP * min(_DRAWS, rows // GROUP))
        return self.batch or rows

    def _value(self, index: int, rows: int) -> Any:
        if index not in self.values:
            number = self.producer.get(index)
            step = None if number is None else self.steps[number]
            if step is not None and self._is_bent(step):
                self._activate(step, rows)
            else:
                self.values[index] = self._drawn(index, self.signals[index], rows)
        return self.values[index]

    def _is_bent(self, step: Step) -> bool:
        """Whether the activation of a layer with weights has no integral, or is not elementwise: no law is known."""
        function = getattr(step.operation, "activation", None)
        if not callable(function) or not scales_weights(step):
            return False
        return not self.measured.isdisjoint(step.outputs) or not is_elementwise(function)

    def _activate(self, step: Step, rows: int) -> None:
        index = step.outputs[0]
        before = self._drawn(index, self.activated(step), rows)
        self.values[index] = step.operation.activation(before)

    def _execute(self, step: Step, rows: int) -> None:
        if all(index in self.values for index in step.outputs):
            return
        tensors = self._equally_long([(index, self._value(index, rows)) for index in step.inputs])

        def filled(value: Any) -> Any:
            return tensors[value.position] if isinstance(value, Slot) else value

        arguments = keras.tree.map_structure(filled, step.arguments)
        keywords = keras.tree.map_structure(filled, dict(step.keywords))
        weighted = scales_weights(step) and self._is_planned(step)
        if weighted or isinstance(step.operation, keras.layers.BatchNormalization):
            outputs = self._by_group(
                step, arguments, keywords, _DRAWS if weighted or not self.grouped else rows
            )
        else:
            outputs = self._ran(step, arguments, keywords)
        if weighted:
            outputs = [self._as_loud_as_planned(i, x) for i, x in zip(step.outputs, outputs, strict=True)]
        self.values.update(zip(step.outputs, outputs, strict=True))

    def _as_loud_as_planned(self, index: int, values: Any) -> Any:
        """Scale draws to the second moment of the plan, which few draws of weights miss by chance."""
        planned = self.signals[index].second_moment if index in self.signals else 0.0
        drawn = float(keras.ops.mean(keras.ops.square(keras.ops.cast(values, "float32"))))
        if not (planned > 0 and 0 < drawn < math.inf):
            return values
        return values * keras.ops.cast(math.sqrt(planned / drawn), values.dtype)

    def _ran(self, step: Step, arguments: Any, keywords: Any, draw_number: int = 0) -> list[Any]:
        if isinstance(step.operation, RECURRENT) and len(arguments) == 1 and keywords.get("mask") is None:
            return recurrent_output(step.operation, arguments[0], keywords.get("initial_state"))
        weighted = scales_weights(step) and self._is_planned(step)
        return run(
            step.operation,
            arguments,
            keywords,
            training=not isinstance(step.operation, RECURRENT),
            weights=self._planned(step, draw_number) if weighted else (),
            seed=int(generator(self.settings.seed, step.outputs[0], 1).integers(1 << 31)),
        )

    def _by_group(self, step: Step, arguments: Any, keywords: Any, most: int) -> list[Any]:
        """Run an operation on at most so many groups of examples, each by itself: they differ in their weights."""
        tensors = [x for x in keras.tree.flatten((arguments, keywords)) if keras.ops.is_tensor(x)]
        rows = len(tensors[0])
        cuts = max(1, min(most, rows // GROUP))
        if rows % (cuts * GROUP) or any(len(x) != rows for x in tensors):
            return self._ran(step, arguments, keywords)
        kernel = kernel_of(step.operation)
        if id(kernel) in self.scales:
            drawn = [self._planned(step, number) for number in range(cuts)]
            kernels = [next(x for v, x in pairs if v is kernel) for pairs in drawn]
            return [product(step.operation, tensors[0], kernels)]
        size = rows // cuts

        def piece(number: int) -> list[Any]:
            def cut(value: Any) -> Any:
                return value[number * size :][:size] if keras.ops.is_tensor(value) else value

            return self._ran(
                step,
                keras.tree.map_structure(cut, arguments),
                keras.tree.map_structure(cut, keywords),
                number,
            )

        pieces = [piece(number) for number in range(cuts)]
        if cuts == 1:
            return pieces[0]
        return [keras.ops.concatenate(parts, axis=0) for parts in zip(*pieces, strict=True)]

    def _is_planned(self, step: Step) -> bool:
        """Whether the weights of an operation will be drawn by the plan."""
        return self.settings.weights == "scaled" and any(
            id(variable) in self.scales for variable in getattr(step.operation, "weights", ())
        )

    def _planned(self, step: Step, draw_number: int) -> list[tuple[Any, Any]]:
        """Return weights as they are planned, those of each output with the sum of squares that is expected."""
        pairs = []
        for number, variable in enumerate(step.operation.weights):
            scale = self.scales.get(id(variable))
            if scale is None:
                continue
            rng = generator(self.settings.seed, self._first_call(step.outputs[0]), number, draw_number)
            values = draw(rng, tuple(variable.shape), scale.deviation, "truncated_normal")
            lengths = np.sqrt(np.mean(np.square(values.reshape(-1, values.shape[-1])), axis=0))
            pairs.append((variable, values * (scale.deviation / np.maximum(lengths, 1e-30))))
        return pairs

    def _equally_long(self, tensors: Sequence[tuple[int, Any]]) -> list[Any]:
        """Cut tensors with a batch axis to the length of the shortest."""
        lengths = [len(x) for index, x in tensors if self._has_batch(index)]
        if len(set(lengths)) < 2:
            return [x for _, x in tensors]
        least = min(lengths)
        return [x[:least] if self._has_batch(index) else x for index, x in tensors]

    def _has_batch(self, index: int) -> bool:
        shape = self.shapes[index]
        return len(shape) > 0 and shape[0] == self.batch

    def _drawn(self, index: int, signal: Signal, rows: int) -> Any:
        shape = self.shapes[index]
        sizes = tuple(size or UNKNOWN_SIZE for size in shape[1:])
        count = rows if not shape or shape[0] is None else shape[0]
        rng = generator(self.settings.seed, index)
        if not keras.backend.is_float_dtype(self.dtypes[index]) or index in self._tokens():
            values: NDArray[Any] = rng.integers(0, self._tokens().get(index, 2), (count, *sizes))
        else:
            shared = generator(self.settings.seed, self._first_call(index), 1 << 20)
            self.grouped |= isinstance(signal.law, Field) and signal.law.correlations.between > _ALIKE
            values = sampled(signal, count, sizes, rng, shared, exact=self.settings.exact)
        return keras.ops.convert_to_tensor(values, dtype=self.dtypes[index])

    def _first_call(self, index: int) -> int:
        """Return the first tensor that the same layer puts out: its calls share their weights."""
        number = self.producer.get(index)
        if number is None:
            return index
        operation = self.steps[number].operation
        return next(step.outputs[0] for step in self.steps if step.operation is operation)

    def _tokens(self) -> dict[int, int]:
        """Return the size of the vocabulary for each tensor of tokens."""
        return {
            index: int(step.operation.input_dim)
            for step in self.steps
            if isinstance(step.operation, keras.layers.Embedding)
            for index in step.inputs
        }


def _entries(shape: Shape) -> int:
    return int(np.prod([size or UNKNOWN_SIZE for size in shape[1:]], dtype=np.int64))


def _digits(signal: Signal) -> tuple[str, ...]:
    return tuple(f"{number:.6g}" for number in (signal.mean, signal.variance, signal.covariance))
