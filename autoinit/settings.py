"""What holds for a whole plan, whatever framework the model is written in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias, get_args

from gondwana.autoinit.errors import AutoInitError

Propagation: TypeAlias = Literal["paper", "exact"]
Direction: TypeAlias = Literal["forward", "backward", "both"]
OnUnknown: TypeAlias = Literal["simulate", "warn", "passthrough", "error"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for a whole plan.

    Attributes:
        propagation: ``"paper"`` follows Appendix A to the letter, ``"exact"`` is the mean-field theory.
        signal_variance: variance that layers with weights are scaled to.
        on_unknown: what to do with a layer that has no rule.
        samples: entries drawn per unit in simulations (recurrent layers and unusual activations only).
        seed: of these simulations.
        direction: signal that the scale of the weights is to keep: ``"forward"``, the gradient for ``"backward"``, or
            the harmonic mean of the two for ``"both"`` (Glorot and Bengio's compromise, for a linear layer).
        weights: ``"scaled"`` predicts the signals of the model as it will be initialized, ``"actual"`` those of the
            model with the weights it has.
        output_variance: variance that the layers that make the outputs are scaled to; None: ``signal_variance``.
    """

    propagation: Propagation = "paper"
    signal_variance: float = 1.0
    on_unknown: OnUnknown = "simulate"
    samples: int = 4096
    seed: int = 0
    weights: Literal["scaled", "actual"] = "scaled"
    direction: Direction = "forward"
    output_variance: float | None = None

    def __post_init__(self) -> None:
        _one_of("propagation", self.propagation, get_args(Propagation))
        _one_of("direction", self.direction, get_args(Direction))
        _one_of("on_unknown", self.on_unknown, get_args(OnUnknown))
        for name in ("signal_variance", "output_variance"):
            wanted: Any = getattr(self, name)  # what callers pass is not always what the annotation says
            if wanted is None and name == "output_variance":
                continue
            if (
                isinstance(wanted, bool)
                or not isinstance(wanted, Real)
                or not 0 < float(wanted) < float("inf")
            ):
                raise AutoInitError(f"{name} must be positive and finite. Received: {wanted!r}")
        samples: Any = self.samples
        if isinstance(samples, bool) or not isinstance(samples, Integral) or samples < 1:
            raise AutoInitError(
                f"the number of samples must be a whole number, at least 1. Received: {samples!r}"
            )

    @property
    def of_outputs(self) -> Settings:
        """The settings that hold for the layers that make the outputs."""
        return self if self.output_variance is None else replace(self, signal_variance=self.output_variance)

    @property
    def exact(self) -> bool:
        """Whether the propagation is the exact one."""
        return self.propagation == "exact"


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise AutoInitError(f"{name} must be one of {', '.join(map(repr, allowed))}. Received: {value!r}")
