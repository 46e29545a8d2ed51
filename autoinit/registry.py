"""Which rule maps the signals of which layer: registration, look-up, and what to do when there is none."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from autoinit.errors import AutoInitError, UnsupportedLayerError
from autoinit.signal import Signal

Shape: TypeAlias = tuple[int | None, ...]
Propagation: TypeAlias = Literal["paper", "exact"]
OnUnknown: TypeAlias = Literal["warn", "passthrough", "error"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for a whole plan.

    Attributes:
        propagation: ``"paper"`` follows Appendix A to the letter, ``"exact"`` is the mean-field theory.
        signal_variance: variance that layers with weights are scaled to.
        on_unknown: what to do with a layer that has no rule.
        samples: entries drawn per unit in simulations (recurrent layers only).
        seed: of these simulations.
    """

    propagation: Propagation = "paper"
    signal_variance: float = 1.0
    on_unknown: OnUnknown = "warn"
    samples: int = 4096
    seed: int = 0

    def __post_init__(self) -> None:
        _one_of("propagation", self.propagation, get_args(Propagation))
        _one_of("on_unknown", self.on_unknown, get_args(OnUnknown))
        if not 0 < self.signal_variance < float("inf"):
            raise AutoInitError(
                f"signal_variance must be positive and finite. Received: {self.signal_variance!r}"
            )
        if self.samples < 1:
            raise AutoInitError(f"the number of samples must be at least 1. Received: {self.samples!r}")

    @property
    def exact(self) -> bool:
        """Whether the propagation is the exact one."""
        return self.propagation == "exact"


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a layer or operation in a model: what a rule gets beside the signals.

    Attributes:
        operation: the ``keras.Layer`` or ``keras.Operation`` that is called; a rule never changes it.
        name: where it is, ``outer/inner`` for nested models.
        input_shapes, output_shapes: with the batch axis, ``None`` where the size is not known.
        arguments, keywords: of the call, with ``None`` in place of tensors.
        settings: of the plan.
        is_output: whether the result reaches an output of the model through nothing that has weights.
    """

    operation: Any
    name: str
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    is_output: bool = False

    @property
    def layer(self) -> Any:
        """Another name of :attr:`operation`."""
        return self.operation


@dataclass(frozen=True, slots=True)
class Scale:
    """How one weight is to be drawn: with mean 0 and this standard deviation.

    Attributes:
        variable: the Keras variable.
        deviation: standard deviation of its entries.
        fan_in: number of inputs that one output entry sums, as used for ``deviation``.
    """

    variable: Any
    deviation: float
    fan_in: float


@dataclass(frozen=True, slots=True)
class Weighted:
    """Result of a rule for a layer with weights: the signal after scaling, and the scales."""

    signal: Signal | tuple[Signal, ...]
    scales: tuple[Scale, ...]


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


def find_rule(operation: Any, on_unknown: OnUnknown, extra: Mapping[type, Rule] | None = None) -> Rule:
    """Return the rule of ``operation``, or what ``on_unknown`` says.

    Raises:
        UnsupportedLayerError: if there is none and ``on_unknown`` is ``"error"``.
    """
    try:
        return rule_for(operation, extra)
    except UnsupportedLayerError as error:
        if on_unknown == "error":
            raise
        if on_unknown == "warn":
            warnings.warn(f"{error}. Its signal is passed through unchanged.", stacklevel=3)
        return pass_through


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise AutoInitError(f"{name} must be one of {', '.join(map(repr, allowed))}. Received: {value!r}")
