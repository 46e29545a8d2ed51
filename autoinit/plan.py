"""Plan: what a model's signals will be, and how each weight has to be drawn for it (Algorithm 1). Changes nothing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import keras
import numpy as np

import gondwana.autoinit.rules  # noqa: F401 (registers the rules)
from gondwana.autoinit.draws import Distribution, check_distribution
from gondwana.autoinit.errors import AutoInitError, SignalError
from gondwana.autoinit.frontends.keras.graph import Graph, Step, trace
from gondwana.autoinit.frontends.keras.inputs import Statistic, per_input
from gondwana.autoinit.gradients.backward import entries, input_gradients
from gondwana.autoinit.gradients.slopes import Slopes, activation_of
from gondwana.autoinit.propagation.calculus import Calculus
from gondwana.autoinit.propagation.exact import ExactCalculus
from gondwana.autoinit.propagation.paper import PaperCalculus
from gondwana.autoinit.registry import (
    Call,
    Direction,
    OnUnknown,
    Propagation,
    Rule,
    Scale,
    Settings,
    Weighted,
    check_rules,
    find_rules,
    has_rule,
    result_signals,
)
from gondwana.autoinit.signals.fields import field_of
from gondwana.autoinit.signals.signal import Signal, mixture
from gondwana.autoinit.signals.window import positions
from gondwana.autoinit.simulation.dependence import scales_weights
from gondwana.autoinit.simulation.outcome import before_activation, outcome
from gondwana.autoinit.simulation.simulator import Found, Simulation

__all__ = ["Plan", "PlannedCall", "PlannedWeight", "plan"]

_MAX_PASSES = 20


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call of a layer or operation, and the signals around it.

    Attributes:
        name: of the layer, ``outer/inner`` inside nested models.
        kind: its class.
        inputs, outputs: a signal per tensor.
        weighted: whether weights are scaled here.
        gradient: mean square of the gradient at the first output, where it is 1 at the outputs of the model.
        simulated: whether the outputs were measured on seeded draws.
    """

    name: str
    kind: str
    inputs: tuple[Signal, ...]
    outputs: tuple[Signal, ...]
    weighted: bool
    gradient: float = math.nan
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class PlannedWeight:
    """How one weight is to be drawn.

    Attributes:
        index: position in ``model.weights``.
        path: of the Keras variable.
        shape: of it.
        deviation: standard deviation of its entries; the mean is 0.
        fan_in: number of inputs that one output entry sums.
    """

    index: int
    path: str
    shape: tuple[int, ...]
    deviation: float
    fan_in: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Signals and scales of a model; printing it gives a table.

    Attributes:
        model: name of the model.
        calls: in the order of evaluation.
        weights: to be drawn.
        settings: what the plan was made with.
        distribution: to draw from.
    """

    model: str
    calls: tuple[PlannedCall, ...]
    weights: tuple[PlannedWeight, ...]
    settings: Settings
    distribution: Distribution

    @property
    def estimates(self) -> dict[str, tuple[float, float]]:
        """Mean and variance that leave each layer, by name; of the last call if there are several."""
        return {
            call.name: (call.outputs[0].mean, call.outputs[0].variance) for call in self.calls if call.outputs
        }

    def __str__(self) -> str:
        width = max((len(call.name) for call in self.calls), default=5) + 2
        lines = [f"{'layer':{width}}{'class':24}{'mean':>10}{'variance':>11}{'gradient':>11}   weights"]
        for call in self.calls:
            signal = call.outputs[0]
            marks = [("scaled", call.weighted), ("simulated", call.simulated)]
            mark = ", ".join(word for word, holds in marks if holds)
            lines.append(
                f"{call.name:{width}}{call.kind:24}{signal.mean:10.4f}{signal.variance:11.4f}"
                f"{call.gradient:11.4g}   {mark}"
            )
        return "\n".join(line.rstrip() for line in lines)


def plan(
    model: keras.Model,
    *,
    input_mean: Statistic = 0.0,
    input_variance: Statistic = 1.0,
    propagation: Propagation = "paper",
    signal_variance: float = 1.0,
    distribution: str = "truncated_normal",
    on_unknown: OnUnknown = "simulate",
    rules: Mapping[type, Rule] | None = None,
    samples: int = 4096,
    seed: int = 0,
    weights: Literal["scaled", "actual"] = "scaled",
    direction: Direction = "forward",
) -> Plan:
    """Predict the signals of ``model`` and the scale of its weights. The model is neither changed nor run.

    Args:
        model: built Keras model.
        input_mean, input_variance: of the entries of the inputs, one for all or one per input.
        propagation: ``"paper"`` (Appendix A) or ``"exact"`` (mean-field theory).
        signal_variance: wanted variance after each layer with weights.
        distribution: ``truncated_normal``, ``untruncated_normal``, ``uniform``, ``orthogonal`` or
            ``delta_orthogonal``.
        on_unknown: what to do with layers that have no rule: ``"simulate"`` them on seeded draws, ``"warn"`` and pass
            their signal through, ``"passthrough"``, or ``"error"``.
        rules: rules by class that take precedence over the registered ones.
        samples: entries per simulation, where one is needed (recurrent layers).
        seed: of these simulations.
        weights: ``"actual"`` predicts the signals of the model as it is, without scaling.
        direction: whether weights keep the variance of signals (``"forward"``), of gradients (``"backward"``), or a
            compromise (``"both"``).

    Raises:
        ModelError: if the model cannot be walked.
        UnsupportedLayerError: for an unknown layer with ``on_unknown="error"``.
        NotIntegrableError: if an activation has no finite variance, with ``on_unknown="error"``; else it is simulated.
        AutoInitError: if a layer cannot be scaled because it receives only zeros, or an argument makes no sense.
    """
    settings = Settings(propagation, signal_variance, on_unknown, samples, seed, weights, direction)
    chosen = check_distribution(distribution)
    extra = check_rules(rules)
    graph = trace(model, lambda operation: has_rule(operation, extra))
    walk = _Propagation(graph, settings, extra)
    walk.run(_input_signals(graph, settings, input_mean, input_variance))
    planned = _planned_weights(model, walk.scales)
    return Plan(model.name, walk.calls_with_gradients(), planned, settings, chosen)


class _Propagation:
    """One walk over a graph."""

    def __init__(self, graph: Graph, settings: Settings, extra: Mapping[type, Rule]) -> None:
        self.graph = graph
        self.settings = settings
        self.calculus: Calculus = _calculus(settings)
        self.steps = [step.without_masks() for step in graph.steps]
        self.rules = _rules_of(self.steps, graph.outputs, settings, extra)
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
            self.scales.update((id(scale.variable), scale) for scale in scales)
            if scales:
                received[id(step.operation)].append(given)
            self.made.append((call, scales))
            kind = type(step.operation).__name__
            self.calls.append(PlannedCall(step.name, kind, given, outputs, bool(scales)))
            simulated = not (simulation.open | simulation.measured).isdisjoint(step.outputs)
            self.calls[-1] = replace(self.calls[-1], simulated=simulated)
            fan_in = scales[-1].fan_in if scales else math.inf
            simulation.note(step, simulated=simulated, fan_in=fan_in)
        return received

    def _simulation(self, signals: Mapping[int, Signal]) -> Simulation:
        graph = self.graph
        return Simulation(
            self.steps,
            graph.inputs,
            graph.shapes,
            graph.dtypes,
            self.settings,
            signals,
            self.scales,
            self._before_activation,
            self.memory,
        )

    def _before_activation(self, step: Step) -> Signal:
        """Return the signal of a layer with weights before its activation."""
        found = before_activation(*self.activated[step.outputs[0]])
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
            settings=self.settings,
            calculus=self.calculus,
            weights_for=targets,
            slope=self.slopes.get(step.outputs[0], 1.0),
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


def _calculus(settings: Settings) -> Calculus:
    return ExactCalculus() if settings.exact else PaperCalculus()


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


def _input_signals(graph: Graph, settings: Settings, means: Statistic, variances: Statistic) -> list[Signal]:
    pairs = zip(
        per_input("input_mean", means, graph), per_input("input_variance", variances, graph), strict=True
    )
    signals = []
    for (mean, variance), index in zip(pairs, graph.inputs, strict=True):
        # Entries of an image or a text are independent; what has one position only shares it with itself.
        single = settings.exact and positions(graph.shapes[index][1:-1]) == 1
        signals.append(Signal(mean, variance, variance if single else 0.0))
    return signals


def _planned_weights(model: Any, scales: Mapping[int, Scale]) -> tuple[PlannedWeight, ...]:
    planned = []
    for index, weight in enumerate(model.weights):
        scale = scales.get(id(weight))
        if scale is not None:
            _require_representable(weight, scale.deviation)
            shape = tuple(weight.shape)
            planned.append(PlannedWeight(index, weight.path, shape, scale.deviation, scale.fan_in))
    return tuple(planned)


def _require_representable(weight: Any, deviation: float) -> None:
    """Refuse a scale at which the weights would all be 0, or infinite, in the precision of the variable."""
    precision = np.finfo(np.float16 if weight.dtype == "float16" else np.float32)
    low, high = 32 * float(precision.smallest_subnormal), float(precision.max) / 32
    if not low <= deviation <= high and deviation != 0:
        raise AutoInitError(
            f"weight {weight.path} needs a standard deviation of {deviation:.3g}, which {weight.dtype} cannot hold. "
            "Rescale the inputs of the model, or give it another dtype"
        )
