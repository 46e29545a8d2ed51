"""One walk over the graph of a module: a signal for every tensor, a scale for every parameter."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gondwana.autoinit.errors import (
    NotIntegrableError,
    SignalError,
    UnsupportedLayerError,
    warn_user,
)
from gondwana.autoinit.frontends.last_layers import last_layers
from gondwana.autoinit.frontends.torch.graph import Graph, Step
from gondwana.autoinit.frontends.torch.modes import first_line
from gondwana.autoinit.frontends.torch.running import constants
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.planned import PlannedCall
from gondwana.autoinit.propagation.calculus import Calculus
from gondwana.autoinit.propagation.exact import ExactCalculus
from gondwana.autoinit.propagation.paper import PaperCalculus
from gondwana.autoinit.settings import Settings
from gondwana.autoinit.signals.fields import field_of
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.torch.calls import Call, Result, Rule, Scale, Weighted, find_rule
from gondwana.autoinit.torch.dependence import Dependence
from gondwana.autoinit.torch.gradients import gradients
from gondwana.autoinit.torch.rules.moves import MOVES
from gondwana.autoinit.torch.simulation import Found, Simulation
from gondwana.autoinit.torch.slopes import slopes_after

_MAX_PASSES = 20


@dataclass(frozen=True)
class Given:
    """What a walk starts from.

    Attributes:
        settings: of the plan.
        kept: why parameters keep their values, by ``id``.
        zeroed: whether biases of drawn layers become 0.
        rules: that take precedence over the registered ones.
        data: examples for inputs of the module, by number.
    """

    settings: Settings
    kept: Mapping[int, str] = field(default_factory=dict)
    zeroed: bool = True
    rules: Mapping[str | type, Rule] = field(default_factory=dict)
    data: Mapping[int, Array] = field(default_factory=dict)


class Walk:
    """One walk over a graph."""

    def __init__(self, graph: Graph, given: Given) -> None:
        self.graph, self.given = graph, given
        self.settings = settings = given.settings
        self.calculus: Calculus = ExactCalculus() if settings.exact else PaperCalculus()
        self.constants = constants(graph)
        self.steps = [step for step in graph.steps if not graph.constant.issuperset(step.outputs)]
        held = {id(weight.parameter) for weight in graph.weights.values()}
        self.drawn = frozenset(held - set(given.kept))
        self.dependence = Dependence(graph, self.drawn)
        uses = Counter(key for step in self.steps for key in self._drawn_weights(step))
        self.shared = {key for key, count in uses.items() if count > 1}
        self.last = last_layers(
            self.steps, graph.outputs, lambda step: self.dependence.variable(step), self._drawn_weights
        )
        self.memory: dict[Hashable, Found] | None = {} if self.shared else None
        self.slopes = (
            {}
            if settings.direction == "forward"
            else slopes_after(graph, self.steps, settings, self.constants)
        )
        self.unknown: list[str] = []
        self.calls: list[PlannedCall] = []
        self.scales: dict[int, Scale] = {}
        self.signals: dict[int, Signal] = {}

    def _drawn_weights(self, step: Step) -> set[int]:
        return {id(parameter) for parameter in self.dependence.weights_of(step)} & self.drawn

    def run(self, inputs: Sequence[Signal]) -> None:
        """Walk until the energies that shared parameters are scaled for no longer move."""
        energies: dict[int, float] = {}
        for _ in range(_MAX_PASSES):
            received = self._walk(inputs, energies)
            fresh = {key: found for key, found in received.items() if key in self.shared}
            if all(
                math.isclose(value, energies.get(key, -1.0), rel_tol=1e-6) for key, value in fresh.items()
            ):
                break
            energies = fresh
        if self.unknown and self.settings.on_unknown == "warn":
            listed = ", ".join(dict.fromkeys(self.unknown))
            warn_user(
                f"no rule for {listed}: the signal is passed through unchanged. Register a rule with "
                "@autoinit.torch.rule, or silence this with on_unknown='passthrough'"
            )

    def _walk(self, inputs: Sequence[Signal], energies: Mapping[int, float]) -> dict[int, float]:
        self.signals = dict(zip(self.graph.inputs, map(self._remembered, inputs), strict=True))
        received: dict[int, list[tuple[bool, float]]] = defaultdict(list)
        self.calls, self.scales, self.unknown = [], {}, []
        self.dependence = Dependence(self.graph, self.drawn)
        kept = {step.outputs[0]: self._reason(step) for step in self.steps}
        simulation = self._simulation(kept)
        for step in self.steps:
            if not any(self.graph.is_float(index) for index in step.outputs):
                self.signals.update(dict.fromkeys(step.outputs, Signal(0.0, 1.0)))
                continue
            self._take(step, simulation, energies, received, kept[step.outputs[0]])
        return {key: _energy(found) for key, found in received.items()}

    def _simulation(self, kept: Mapping[int, str]) -> Simulation:
        return Simulation(
            self.graph,
            self.settings,
            self.signals,
            self.scales,
            self.constants,
            self.dependence,
            {index for index, reason in kept.items() if reason},
            self.given.data,
            self.memory,
        )

    def calls_with_gradients(self) -> tuple[PlannedCall, ...]:
        """Return the calls with what a backward pass brings to their outputs."""
        found = gradients(self.graph, self._simulation({}))
        listed = [step for step in self.steps if self._lists(step)]
        return tuple(
            replace(call, gradient=found.get(step.outputs[0], math.nan))
            for call, step in zip(self.calls, listed, strict=True)
        )

    def _lists(self, step: Step) -> bool:
        return step.kind not in MOVES and any(self.graph.is_float(index) for index in step.outputs)

    def _take(
        self,
        step: Step,
        simulation: Simulation,
        energies: Mapping[int, float],
        received: dict[int, list[tuple[bool, float]]],
        reason: str,
    ) -> None:
        given = tuple(self.signals[index] for index in self.dependence.variable(step))
        call = self._call(step, energies)
        result = self._outcome(simulation, step, call, given)
        signals = result.signal if isinstance(result, Weighted) else result
        outputs = tuple(map(self._remembered, _checked(step, signals)))
        self.signals.update(zip(step.outputs, outputs, strict=True))
        scales = result.scales if isinstance(result, Weighted) else ()
        drawn = tuple(scale for scale in scales if id(scale.weight.parameter) not in self.given.kept)
        for scale in drawn:
            self.scales[id(scale.weight.parameter)] = scale
            if scale.energy > 0:
                received[id(scale.weight.parameter)].append((step.kind == "aten.embedding", scale.energy))
        simulated = not simulation.open.isdisjoint(step.outputs)
        if self._lists(step):
            self.calls.append(
                PlannedCall(
                    step.name,
                    step.label,
                    given,
                    outputs,
                    bool(drawn),
                    simulated=simulated,
                    kept="" if drawn else reason,
                    held=outputs[0].second_moment if drawn else math.nan,
                )
            )
        if self.settings.exact and self.settings.on_unknown == "simulate":
            fan_in = next((scale.fan_in for scale in reversed(drawn) if scale.fan_in), math.inf)
            self.dependence.note(step, simulated=simulated, fan_in=fan_in)

    def _call(self, step: Step, energies: Mapping[int, float]) -> Call:
        return Call(
            step,
            self.graph,
            self.settings.of_outputs if step.outputs[0] in self.last else self.settings,
            self.calculus,
            self.constants,
            self.given.kept,
            self.given.zeroed,
            energies,
            self.slopes.get(step.outputs[0], 1.0),
        )

    def _reason(self, step: Step) -> str:
        """Return why a step keeps all of its weights; empty if it has none, or some are drawn."""
        found = [self.given.kept.get(id(parameter), "") for parameter in self.dependence.weights_of(step)]
        return found[0] if found and all(found) else ""

    def _outcome(self, simulation: Simulation, step: Step, call: Call, given: tuple[Signal, ...]) -> Result:
        """Return what the rule says or, where it says nothing, what draws say."""
        chosen, rule = self.settings.on_unknown, find_rule(step, self.given.rules)
        if rule is None:
            self.unknown.append(f"{step.kind} {step.name!r}")
            if chosen == "error":
                raise UnsupportedLayerError(
                    f"no rule for {step.kind} {step.name!r}. Register one with @autoinit.torch.rule"
                )
            if chosen != "simulate":
                return given[0] if given else Signal(0.0, 1.0)
            return self._simulated(simulation, step, call, None, given)
        if chosen == "simulate" and simulation.needs(step):
            return self._simulated(simulation, step, call, rule, given)
        try:
            return rule(call, *given)
        except (NotIntegrableError, UnsupportedLayerError, ArithmeticError, TypeError, LookupError) as error:
            expected = isinstance(error, NotIntegrableError) or _is_ours(rule)
            if chosen == "error" or not expected:
                raise
            return self._simulated(simulation, step, call, None, given)

    def _simulated(
        self, simulation: Simulation, step: Step, call: Call, rule: Rule | None, given: tuple[Signal, ...]
    ) -> Result:
        try:
            return simulation.run(step)
        except Exception as error:  # noqa: BLE001 - whatever an operation raises: the plan says so and goes on
            done = "the signal is passed through unchanged" if rule is None else "its rule is used"
            warn_user(
                f"{step.label} {step.name!r} could not be simulated ({type(error).__name__}: {first_line(error)}): "
                f"{done}. Register a rule with @autoinit.torch.rule"
            )
        if rule is None:
            return given[0] if given else Signal(0.0, 1.0)
        return rule(call, *given)

    def _remembered(self, signal: Signal) -> Signal:
        """Give every tensor a law of its own, so that paths which start at it know of each other."""
        if not self.settings.exact or signal.law is not None:
            return signal
        return field_of(signal).signal()


def _energy(found: Sequence[tuple[bool, float]]) -> float:
    """Return what a shared parameter is scaled for: the mean over its calls; an embedding decides where it is one."""
    embedded = [energy for is_embedding, energy in found if is_embedding]
    return float(np.mean(embedded or [energy for _, energy in found]))


def _is_ours(rule: Rule) -> bool:
    """Whether a rule belongs to this package: what a user's rule raises is for the user."""
    return rule.__module__.startswith(__name__.rpartition(".")[0])


def _checked(step: Step, signals: Any) -> tuple[Signal, ...]:
    outputs = signals if isinstance(signals, tuple) else (signals,)
    for signal in outputs:
        if not isinstance(signal, Signal):
            raise SignalError(
                f"the rule of {step.label} {step.name!r} must return a Signal per output. Received: {signal!r}"
            )
    if len(outputs) == 1:  # one signal for all outputs
        return outputs * len(step.outputs)
    if len(outputs) != len(step.outputs):
        raise SignalError(
            f"the rule of {step.label} {step.name!r} returned {len(outputs)} signals for {len(step.outputs)} outputs"
        )
    return outputs
