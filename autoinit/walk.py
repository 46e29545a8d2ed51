"""One walk over the graph of a model: a signal for every tensor, a scale for every weight, and the way back."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras

import gondwana.autoinit.rules  # noqa: F401 (registers the rules)
from gondwana.autoinit.errors import SignalError
from gondwana.autoinit.frontends.keras.chosen import Choice
from gondwana.autoinit.frontends.keras.graph import Graph, Step
from gondwana.autoinit.frontends.last_layers import last_layers
from gondwana.autoinit.gradients.backward import entries, input_gradients
from gondwana.autoinit.gradients.slopes import Slopes, activation_of
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.planned import PlannedCall
from gondwana.autoinit.propagation.calculus import Calculus
from gondwana.autoinit.propagation.exact import ExactCalculus
from gondwana.autoinit.propagation.paper import PaperCalculus
from gondwana.autoinit.registry import (
    Call,
    Result,
    Rule,
    Scale,
    Weighted,
    find_rules,
    result_signals,
)
from gondwana.autoinit.settings import Settings
from gondwana.autoinit.signals.fields import field_of
from gondwana.autoinit.signals.signal import Signal, mixture
from gondwana.autoinit.simulation.dependence import scales_weights
from gondwana.autoinit.simulation.outcome import before_activation, outcome
from gondwana.autoinit.simulation.simulator import Found, Simulation

_MAX_PASSES = 20


@dataclass(frozen=True)
class Given:
    """What a walk starts from.

    Attributes:
        settings: of the plan.
        choice: which weights are drawn.
        rules: that take precedence over the registered ones.
        data: examples for inputs of the model, by the index of the tensor.
    """

    settings: Settings
    choice: Choice
    rules: Mapping[type, Rule] = field(default_factory=dict)
    data: Mapping[int, Array] = field(default_factory=dict)


class Walk:
    """One walk over a graph."""

    def __init__(self, graph: Graph, given: Given) -> None:
        self.graph = graph
        self.given = given
        self.settings = settings = given.settings
        self.calculus: Calculus = ExactCalculus() if settings.exact else PaperCalculus()
        self.steps = [step.without_masks() for step in graph.steps]
        self.rules = _rules_of(self.steps, graph.outputs, settings, given.rules)
        self.kept = {
            step.outputs[0]: given.choice.reason(step.operation, step.arguments) for step in self.steps
        }
        self.last = last_layers(self.steps, graph.outputs, lambda step: step.inputs, _weights_of)
        self.calls: list[PlannedCall] = []
        self.scales: dict[int, Scale] = {}
        self.made: list[tuple[Call, tuple[Scale, ...]]] = []
        calls = Counter(id(step.operation) for step in self.steps if scales_weights(step))
        self.memory: dict[Hashable, Found] | None = {} if max(calls.values(), default=1) > 1 else None
        self.activated: dict[int, tuple[Call, Rule, tuple[Signal, ...]]] = {}
        self.slope = Slopes()
        self.slopes = _slopes_after(graph, settings, self.slope) if settings.direction != "forward" else {}

    def run(self, inputs: Sequence[Signal]) -> None:
        """Walk until the signals that shared layers are scaled for no longer move."""
        targets: dict[int, tuple[Signal, ...]] = {}
        for _ in range(_MAX_PASSES):
            received = self._walk(inputs, targets)
            fresh = {key: _mixed(calls) for key, calls in received.items() if len(calls) > 1}
            if all(_close(fresh[key], targets.get(key)) for key in fresh):
                return
            targets = fresh

    def _walk(
        self, inputs: Sequence[Signal], targets: Mapping[int, tuple[Signal, ...]]
    ) -> dict[int, list[tuple[Signal, ...]]]:
        signals: dict[int, Signal] = dict(zip(self.graph.inputs, self._remembered(inputs), strict=True))
        received: dict[int, list[tuple[Signal, ...]]] = defaultdict(list)
        self.calls, self.scales, self.made = [], {}, []
        simulation = self._simulation(signals)
        for step in self.steps:
            given = tuple(signals[index] for index in step.inputs)
            call = self._call(step, targets.get(id(step.operation), ()))
            self.activated[step.outputs[0]] = (call, self.rules[id(step.operation)], given)
            result = outcome(simulation, step, *self.activated[step.outputs[0]])
            outputs = self._remembered(_checked(step, result_signals(result)))
            signals.update(zip(step.outputs, outputs, strict=True))
            scales = result.scales if isinstance(result, Weighted) else ()
            drawn = () if self.kept[step.outputs[0]] else self._drawn(scales)
            self.scales.update((id(scale.variable), scale) for scale in drawn)
            if drawn:
                received[id(step.operation)].append(given)
            self.made.append((call, scales))
            simulated = not (simulation.open | simulation.measured).isdisjoint(step.outputs)
            self.calls.append(
                self._planned_call(step, given, outputs, drawn=bool(drawn), simulated=simulated)
            )
            fan_in = drawn[-1].fan_in if drawn else math.inf
            simulation.note(step, simulated=simulated, fan_in=fan_in)
        return received

    def _drawn(self, scales: Sequence[Scale]) -> tuple[Scale, ...]:
        """Return the scales of the weights that do not keep their values."""
        return tuple(scale for scale in scales if id(scale.variable) not in self.given.choice.reasons)

    def _planned_call(
        self,
        step: Step,
        given: tuple[Signal, ...],
        outputs: tuple[Signal, ...],
        *,
        drawn: bool,
        simulated: bool,
    ) -> PlannedCall:
        return PlannedCall(
            step.name,
            type(step.operation).__name__,
            given,
            outputs,
            drawn,
            simulated=simulated,
            kept="" if drawn else self.kept[step.outputs[0]],
            held=self._held(step, outputs[0]) if drawn else math.nan,
        )

    def _held(self, step: Step, output: Signal) -> float:
        """Return the second moment before the activation of a layer with drawn weights."""
        if getattr(step.operation, "activation", None) in (None, keras.activations.linear):
            return output.second_moment
        call = self.activated[step.outputs[0]][0]
        if (
            self.settings.direction == "forward"
            and self.settings.weights == "scaled"
            and not call.weights_for
        ):
            return call.settings.signal_variance
        return self._before_activation(step).second_moment

    def _simulation(self, signals: Mapping[int, Signal]) -> Simulation:
        return Simulation(
            self.steps,
            self.graph,
            self.settings,
            signals,
            self.scales,
            self._before_activation,
            self.memory,
            kept={index for index, reason in self.kept.items() if reason},
            data=self.given.data,
        )

    def _before_activation(self, step: Step) -> Signal:
        """Return the signal of a layer with weights before its activation."""
        found: Result = before_activation(*self.activated[step.outputs[0]])
        return result_signals(found)[0]

    def _remembered(self, signals: Sequence[Signal]) -> tuple[Signal, ...]:
        """Give every tensor a law of its own, so that paths which start at it know of each other."""
        if not self.settings.exact:
            return tuple(signals)
        return tuple(signal if signal.law is not None else field_of(signal).signal() for signal in signals)

    def _call(self, step: Step, targets: tuple[Signal, ...]) -> Call:
        shapes = self.graph.shapes
        return Call(
            operation=step.operation,
            name=step.name,
            input_shapes=tuple(shapes[index] for index in step.inputs),
            output_shapes=tuple(shapes[index] for index in step.outputs),
            arguments=step.arguments,
            keywords=step.keywords,
            settings=self.settings.of_outputs if step.outputs[0] in self.last else self.settings,
            calculus=self.calculus,
            weights_for=targets,
            slope=self.slopes.get(step.outputs[0], 1.0),
            kept=self.given.choice.reasons,
        )

    def calls_with_gradients(self) -> tuple[PlannedCall, ...]:
        """Return the calls with what the backward pass brings to their outputs."""
        gradients: dict[int, float] = defaultdict(float)
        gradients.update(dict.fromkeys(self.graph.outputs, 1.0))
        found = []
        for step, planned, (call, scales) in reversed(
            list(zip(self.steps, self.calls, self.made, strict=True))
        ):
            gradient = self._leaving(step, gradients)
            found.append(replace(planned, gradient=gradient))
            for index, part in zip(
                step.inputs,
                input_gradients(call, planned.inputs, planned.outputs[0], scales, gradient, self.slope),
                strict=True,
            ):
                gradients[index] += part
        return tuple(reversed(found))

    def _leaving(self, step: Step, gradients: Mapping[int, float]) -> float:
        """Return the gradient at the first output; of an operation with several, what all of them bring back."""
        first = gradients[step.outputs[0]]
        if len(step.outputs) == 1 or isinstance(step.operation, keras.Layer):
            return first
        sizes = [entries(self.graph.shapes[index]) for index in step.outputs]
        return (
            math.fsum(gradients[index] * n for index, n in zip(step.outputs, sizes, strict=True)) / sizes[0]
        )


def _weights_of(step: Step) -> set[int]:
    """Return the ``id`` of each variable that an operation multiplies by."""
    if not scales_weights(step):
        return set()
    held = [*getattr(step.operation, "weights", ()), *step.arguments]
    return {id(value) for value in held if isinstance(value, keras.Variable)}


def _rules_of(
    steps: Sequence[Step], outputs: Sequence[int], settings: Settings, extra: Mapping[type, Rule]
) -> dict[int, Rule]:
    """Return the rule of each operation; nobody is warned of one that makes nothing but masks."""
    needed = set(outputs)
    data: dict[int, Any] = {}
    masking: dict[int, Any] = {}
    for step in reversed(steps):
        kept = not needed.isdisjoint(step.outputs)
        needed.update(step.inputs if kept else ())
        (data if kept else masking)[id(step.operation)] = step.operation
    found = find_rules(list(masking.values()), "passthrough", extra)
    return found | find_rules(list(reversed(data.values())), settings.on_unknown, extra)


def _slopes_after(graph: Graph, settings: Settings, slope: Slopes) -> dict[int, float]:
    """Return E[f'^2] of the activation that acts on each tensor that a layer with weights puts out."""
    x = Signal(0.0, settings.signal_variance)
    consumers: dict[int, list[Step]] = defaultdict(list)
    for step in graph.steps:
        for index in step.inputs:
            consumers[index].append(step)
    slopes = {}
    for step in graph.steps:
        following = consumers[step.outputs[0]]
        own = activation_of(step.operation)
        if own is not None and own.name == "linear" and len(following) == 1:
            own = activation_of(following[0].operation)
        gain = 1.0 if own is None else slope(own, x)
        slopes[step.outputs[0]] = gain if math.isfinite(gain) else 1.0
    return slopes


def _mixed(calls: Sequence[tuple[Signal, ...]]) -> tuple[Signal, ...]:
    """Return what a shared layer receives, taken over its calls."""
    return tuple(mixture(signals, [1.0] * len(signals)) for signals in zip(*calls, strict=True))


def _close(first: tuple[Signal, ...], second: tuple[Signal, ...] | None) -> bool:
    return second is not None and all(
        math.isclose(a.second_moment, b.second_moment, rel_tol=1e-9, abs_tol=1e-300)
        for a, b in zip(first, second, strict=True)
    )


def _checked(step: Step, outputs: tuple[Signal, ...]) -> tuple[Signal, ...]:
    for signal in outputs:
        if not isinstance(signal, Signal):
            raise SignalError(
                f"the rule of {type(step.operation).__name__} {step.name!r} must return a Signal per output. "
                f"Received: {signal!r}"
            )
    if len(outputs) == 1 and len(step.outputs) > 1:  # one signal for all outputs, as the states of an RNN
        return outputs * len(step.outputs)
    if len(outputs) != len(step.outputs):
        raise SignalError(
            f"the rule of {type(step.operation).__name__} {step.name!r} returned {len(outputs)} signals "
            f"for {len(step.outputs)} outputs"
        )
    return outputs
