"""What a rule gets and returns, and which rule belongs to which operation or class of modules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import numpy as np

from gondwana.autoinit.errors import AutoInitError, UnsupportedLayerError
from gondwana.autoinit.frontends.torch.graph import Graph, Slot, Step, Weight
from gondwana.autoinit.frontends.torch.running import numbers
from gondwana.autoinit.propagation.calculus import Calculus, Energy
from gondwana.autoinit.settings import Settings
from gondwana.autoinit.signals.signal import Signal


@dataclass(frozen=True, slots=True)
class Scale:
    """How one parameter is to be drawn: with mean 0 and this standard deviation.

    Attributes:
        weight: the parameter, as the operation sees it.
        deviation: standard deviation of its entries.
        fan_in: number of inputs that one output entry sums.
        order: axes of what the operation sees in the order (taps..., inputs, outputs).
        energy: sum of the second moments of the inputs of one output entry; 0 for a bias.
    """

    weight: Weight
    deviation: float
    fan_in: float
    order: tuple[int, ...] = ()
    energy: float = 0.0


@dataclass(frozen=True, slots=True)
class Weighted:
    """Result of a rule for an operation with weights: the signal that comes out, and how to draw the weights."""

    signal: Signal | tuple[Signal, ...]
    scales: tuple[Scale, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One step of a module: what a rule gets beside the signals.

    Attributes:
        step: the call.
        graph: where it is.
        settings: of the plan.
        calculus: the theory in force; what most rules are made of.
        constants: values of tensors that depend on no input, by number.
        kept: why a parameter keeps its values, by its ``id``.
        zeroed: whether biases of drawn layers become 0.
        energies: for parameters that are used several times, the energy that they are scaled for, by ``id``.
        slope: E[f'^2] of the activation that follows the weights, for scales that look at the gradient.
    """

    step: Step
    graph: Graph
    settings: Settings
    calculus: Calculus
    constants: Mapping[int, Any] = field(default_factory=dict)
    kept: Mapping[int, str] = field(default_factory=dict)
    zeroed: bool = True
    energies: Mapping[int, float] = field(default_factory=dict)
    slope: float = 1.0

    def argument(self, place: int, default: Any = None) -> Any:
        """Return a positional argument of the call; a :class:`Slot` for a tensor."""
        arguments = self.step.arguments
        return arguments[place] if place < len(arguments) else default

    def number_of(self, place: int) -> int | None:
        """Return the number of the tensor that is an argument, None if it is none."""
        value = self.argument(place)
        return self.step.inputs[value.position] if isinstance(value, Slot) else None

    def constant(self, place: int) -> Any:
        """Return an argument that is a constant tensor or a number as an array, None if it is neither."""
        value = self.argument(place)
        if isinstance(value, Slot):
            index = self.step.inputs[value.position]
            return numbers(self.constants[index]) if index in self.graph.constant else None
        return None if value is None or isinstance(value, str) else np.asarray(value, np.float64)

    def shape(self, place: int) -> tuple[int, ...]:
        """Return the shape of a tensor argument as PyTorch has it."""
        index = self.number_of(place)
        if index is None:
            raise UnsupportedLayerError(f"{self.step.name!r} has no tensor as argument {place}")
        return self.graph.shapes[index]

    def variable_inputs(self) -> tuple[int, ...]:
        """Return the numbers of the inputs that are not constant."""
        return tuple(index for index in self.step.inputs if index not in self.graph.constant)

    def before(self, number: int = 0) -> tuple[int, ...]:
        """Return the shape of an example of an input that is not constant, (positions..., channels)."""
        return self.graph.lasting(self.variable_inputs()[number])

    def after(self, number: int = 0) -> tuple[int, ...]:
        """Return the shape of an example of an output, (positions..., channels)."""
        return self.graph.lasting(self.step.outputs[number])

    def with_channels(self, x: Signal, axis: int, number: int = 0) -> Signal:
        """Return a signal with this axis of the tensor as channels, whatever it was before."""
        index = self.variable_inputs()[number]
        shape, layout = self.graph.shapes[index], self.graph.layouts[index]
        if len(shape) < 2 or axis % len(shape) == layout.channel:
            return x
        wanted = axis % len(shape)
        positions = [int(n or 1) for a, n in enumerate(shape) if a not in (layout.batch, wanted)]
        after = (*positions, int(shape[wanted] or 1))
        return self.calculus.rearrange(x, self.graph.lasting(index), after, crossed=True)

    def draws(self, place: int) -> bool:
        """Whether an argument is a parameter that the plan draws."""
        index = self.number_of(place)
        weight = None if index is None else self.graph.weights.get(index)
        return weight is not None and id(weight.parameter) not in self.kept

    def scale(self, place: int, energy: Energy, order: tuple[int, ...]) -> Scale:
        """Return the scale of a weight that gives inputs of this energy the wanted variance.

        Raises:
            AutoInitError: if nothing but zeros comes in, or there are no inputs.
            UnsupportedLayerError: if the argument is no parameter.
        """
        index = self.number_of(place)
        weight = None if index is None else self.graph.weights.get(index)
        if index is None or weight is None:
            raise UnsupportedLayerError(f"{self.step.name!r} has no parameter as argument {place}")
        if self.settings.weights == "actual" or id(weight.parameter) in self.kept:
            values = numbers(self.constants[index])
            return Scale(weight, float(np.sqrt(np.mean(values**2))), energy.fan_in, order, energy.value)
        value = self.energies.get(id(weight.parameter), energy.value)
        if not value > 0:
            raise AutoInitError(
                f"{self.step.name!r} cannot be scaled: its input is zero everywhere, or it has no inputs. "
                f"Received: sum of second moments={value!r}, fan_in={energy.fan_in!r}"
            )
        forward = self.settings.signal_variance / value
        return Scale(
            weight, math.sqrt(self._directed(forward, energy.fan_in)), energy.fan_in, order, energy.value
        )

    def _directed(self, forward: float, fan_in: float) -> float:
        """Return the weight variance for the wanted direction."""
        if self.settings.direction == "forward":
            return forward
        sizes = [self.graph.entries(index) for index in (self.variable_inputs()[0], self.step.outputs[0])]
        backward = 1 / (fan_in * sizes[1] / sizes[0] * max(self.slope, 1e-12))
        return backward if self.settings.direction == "backward" else 2 / (1 / forward + 1 / backward)


Result: TypeAlias = Signal | tuple[Signal, ...] | Weighted
Rule: TypeAlias = Callable[..., Result]
"""``rule(call, *signals) -> signal``: one signal per input that is not constant, one per output."""

_R = TypeVar("_R", bound=Rule)
_RULES: dict[str | type, Rule] = {}


def rule(*kinds: str | type) -> Callable[[_R], _R]:
    """Register the decorated function as the rule of operations (``"aten.relu"``) or of classes of modules.

    A module of a class with a rule is taken as a whole; the rule holds for subclasses that do not define ``forward``
    anew.

    Raises:
        AutoInitError: if one has a rule already.

    Examples:
        >>> @rule(MyScale)                                        # doctest: +SKIP
        ... def my_scale(call: Call, x: Signal) -> Signal:
        ...     return call.calculus.scale(x, call.step.owner.factor)
    """

    def register(function: _R) -> _R:
        for kind in kinds:
            if kind in _RULES:
                raise AutoInitError(f"{kind} already has the rule {_RULES[kind].__name__}")
        _RULES.update(dict.fromkeys(kinds, function))
        return function

    return register


def registered_rules() -> Mapping[str | type, Rule]:
    """Return a copy of the registry."""
    return dict(_RULES)


def find_rule(step: Step, extra: Mapping[str | type, Rule]) -> Rule | None:
    """Return the rule of a step, None if there is none."""
    if step.owner is not None:
        for kind in type(step.owner).__mro__:
            for rules in (extra, _RULES):
                if kind in rules:
                    return rules[kind]
            if "forward" in vars(kind):
                break
    for rules in (extra, _RULES):
        if step.kind in rules:
            return rules[step.kind]
    return None


def whole_classes(module: Any, extra: Mapping[str | type, Rule]) -> tuple[type, ...]:
    """Return the classes of parts of a module that have a rule as a whole."""
    known = {kind for kind in (*extra, *_RULES) if isinstance(kind, type)}
    found = set()
    for part in module.modules():
        for kind in type(part).__mro__:
            if kind in known:
                found.add(type(part))
            if "forward" in vars(kind):
                break
    return tuple(found)


def check_rules(rules: Mapping[str | type, Rule] | None) -> dict[str | type, Rule]:
    """Return a copy of a caller's rules.

    Raises:
        AutoInitError: if they are not callables by operation or class.
    """
    given = {} if rules is None else rules
    if not isinstance(given, Mapping) or not all(
        isinstance(kind, str | type) and callable(function) for kind, function in given.items()
    ):
        raise AutoInitError(
            "rules= maps operations, such as 'aten.relu', or classes of modules to functions rule(call, *signals). "
            f"Received: {rules!r}"
        )
    return dict(given)
