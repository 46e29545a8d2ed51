"""Which rule maps the signals of which layer: registration, look-up, and what to do when there is none."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import keras
import numpy as np

from gondwana.autoinit.errors import AutoInitError, UnsupportedLayerError
from gondwana.autoinit.frontends.keras.graph import values_of
from gondwana.autoinit.propagation.calculus import Calculus, Energy
from gondwana.autoinit.propagation.paper import PaperCalculus
from gondwana.autoinit.settings import OnUnknown, Settings
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Shape


@dataclass(frozen=True, slots=True)
class Scale:
    """How one weight is to be drawn: with mean 0 and this standard deviation.

    Attributes:
        variable: the Keras variable.
        deviation: standard deviation of its entries.
        fan_in: number of inputs that one output entry sums.
    """

    variable: Any
    deviation: float
    fan_in: float


@dataclass(frozen=True, slots=True)
class Weighted:
    """Result of a rule for a layer with weights: the signal that comes out, and how to draw the weights."""

    signal: Signal | tuple[Signal, ...]
    scales: tuple[Scale, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a layer or operation in a model: what a rule gets beside the signals.

    Attributes:
        operation: the ``keras.Layer`` or ``keras.Operation`` that is called; a rule never changes it.
        name: where it is, ``outer/inner`` for nested models.
        input_shapes, output_shapes: with the batch axis, ``None`` where the size is not known.
        arguments, keywords: of the call, with slots in place of tensors.
        settings: of the plan.
        calculus: the theory in force; what most rules are made of.
        weights_for: signals for which the layer's weights are scaled, where these are not its inputs: a layer that
            is called several times is scaled for the mixture of what it receives.
        slope: E[f'^2] of the activation that follows the weights, for scales that look at the gradient.
        kept: the ``id`` of each variable that keeps its value, and why.
    """

    operation: Any
    name: str
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    calculus: Calculus = field(default_factory=PaperCalculus)
    weights_for: tuple[Signal, ...] = ()
    slope: float = 1.0
    kept: Mapping[int, str] = field(default_factory=dict)

    @property
    def layer(self) -> Any:
        """Another name of :attr:`operation`."""
        return self.operation

    def scale(self, variable: Any, energy: Energy) -> Scale:
        """Return the scale that gives inputs of this energy an output of variance ``settings.signal_variance``.

        Raises:
            AutoInitError: if the layer receives nothing but zeros, or has no inputs.
        """
        if self.settings.weights == "actual" or id(variable) in self.kept:
            values = values_of(variable).astype(np.float64)
            return Scale(variable, float(np.sqrt(np.mean(values**2))), energy.fan_in)
        if not energy.value > 0:
            raise AutoInitError(
                f"layer {self.name!r} cannot be scaled: its input is zero everywhere, or it has no inputs. "
                f"Received: sum of second moments={energy.value!r}, fan_in={energy.fan_in!r}"
            )
        forward = self.settings.signal_variance / energy.value
        return Scale(variable, float(self._directed(forward, energy.fan_in) ** 0.5), energy.fan_in)

    def _directed(self, forward: float, fan_in: float) -> float:
        """Return the weight variance for the wanted direction."""
        if self.settings.direction == "forward":
            return forward
        sizes = [
            math.prod(size or 1 for size in shapes[0][1:])
            for shapes in (self.input_shapes, self.output_shapes)
        ]
        backward = 1 / (fan_in * sizes[1] / sizes[0] * max(self.slope, 1e-12))
        return backward if self.settings.direction == "backward" else 2 / (1 / forward + 1 / backward)


Result: TypeAlias = Signal | tuple[Signal, ...] | Weighted
Rule: TypeAlias = Callable[..., Result]
"""``rule(call, *signals) -> signal``: pure, one signal per input tensor in, one per output tensor out."""

_R = TypeVar("_R", bound=Rule)
_RULES: dict[type, Rule] = {}


def rule(*kinds: type) -> Callable[[_R], _R]:
    """Register the decorated function as the rule of layer (or operation) classes.

    The rule holds for subclasses too, unless they define ``call`` anew.

    Raises:
        AutoInitError: if a class has a rule already.

    Examples:
        >>> @rule(MyScaledIdentity)                              # doctest: +SKIP
        ... def my_scaled_identity(call: Call, x: Signal) -> Signal:
        ...     return x.affine(call.layer.scale)
    """

    def register(function: _R) -> _R:
        for kind in kinds:
            if kind in _RULES:
                raise AutoInitError(
                    f"{kind.__name__} already has the rule {_RULES[kind].__name__}; "
                    f"{function.__name__} cannot be a second one"
                )
        _RULES.update(dict.fromkeys(kinds, function))
        return function

    return register


def registered_rules() -> Mapping[type, Rule]:
    """Return a copy of the registry."""
    return dict(_RULES)


def rule_for(operation: Any, extra: Mapping[type, Rule] | None = None) -> Rule:
    """Return the rule of a layer or operation.

    Args:
        operation: the layer.
        extra: rules that take precedence over the registered ones.

    Raises:
        UnsupportedLayerError: if there is none.
    """
    for kind in type(operation).__mro__:
        for rules in (extra or {}, _RULES):
            if kind in rules:
                return rules[kind]
        if "call" in vars(kind):  # new behaviour needs its own rule
            break
    raise UnsupportedLayerError(
        f"no rule for {type(operation).__name__} {operation.name!r}. Register one with @autoinit.rule, "
        "or let the signal pass unchanged with on_unknown='passthrough'"
    )


def pass_through(call: Call, *signals: Signal) -> Signal:
    """Rule of last resort, the paper's Appendix E: mean and variance are not changed (several inputs: of the first)."""
    if not signals:
        raise UnsupportedLayerError(
            f"{type(call.operation).__name__} {call.name!r} has no input to pass through"
        )
    return signals[0]


def simulate(call: Call, *signals: Signal) -> Signal:
    """Stand for the rule of an operation that the plan runs on seeded draws; it has none of its own.

    Raises:
        UnsupportedLayerError: always, for no draws are at hand here.
    """
    raise UnsupportedLayerError(
        f"{type(call.operation).__name__} {call.name!r} is simulated by the plan only"
    )


def check_rules(rules: Mapping[type, Rule] | None) -> dict[type, Rule]:
    """Return a copy of rules by class.

    Raises:
        AutoInitError: if they are not callables by class.
    """
    given = {} if rules is None else rules
    if not isinstance(given, Mapping):
        raise AutoInitError(f"rules are a mapping from layer classes to rules. Received: {given!r}")
    for kind, function in given.items():
        if not isinstance(kind, type) or not callable(function):
            raise AutoInitError(
                "rules map layer classes, such as keras.layers.Dense, to functions "
                f"rule(call, *signals) -> signal. Received: {kind!r}: {function!r}"
            )
    return dict(given)


def find_rules(
    operations: Sequence[Any],
    on_unknown: OnUnknown,
    extra: Mapping[type, Rule] | None = None,
) -> dict[int, Rule]:
    """Return the rule of each operation, by its ``id``; for unknown ones, what ``on_unknown`` says.

    With ``"warn"``, one warning names all of them.

    Raises:
        UnsupportedLayerError: if there is an unknown operation and ``on_unknown`` is ``"error"``.
    """
    found: dict[int, Rule] = {}
    unknown: list[str] = []
    for operation in operations:
        try:
            found[id(operation)] = rule_for(operation, extra)
        except UnsupportedLayerError:
            if on_unknown == "error":
                raise
            found[id(operation)] = simulate if on_unknown == "simulate" else pass_through
            unknown.append(f"{type(operation).__name__} {operation.name!r}")
    if unknown and on_unknown == "warn":
        listed = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        warnings.warn(
            f"no rule for {listed}: the signal is passed through unchanged. Register a rule with @autoinit.rule, "
            "or silence this with on_unknown='passthrough'",
            stacklevel=5,
        )
    return found


def result_signals(result: Result) -> tuple[Signal, ...]:
    """Return the signals in what a rule returned."""
    signal = result.signal if isinstance(result, Weighted) else result
    return signal if isinstance(signal, tuple) else (signal,)


def has_rule(operation: Any, extra: Mapping[type, Rule] | None = None) -> bool:
    """Return whether :func:`rule_for` finds a rule that can do the operation as a whole.

    The rule of ``TimeDistributed`` can where the layer inside has a registered rule.
    """
    try:
        rule_for(operation, extra)
    except UnsupportedLayerError:
        return False
    if not isinstance(operation, keras.layers.TimeDistributed) or type(operation) in (extra or {}):
        return True
    inner = operation.layer
    return has_rule(inner) and not any(kind in (extra or {}) for kind in type(inner).__mro__)
