"""Signal: what AutoInit knows about a tensor, and the algebra of signals (Appendix A, arithmetic operators)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gondwana.autoinit.errors import SignalError


class Law(Protocol):
    """Probability distribution of a tensor, kept by the exact propagation; ``fields.field_of`` reads it."""

    @property
    def energy(self) -> float:
        """E[x^2], mean over positions."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Statistics of the entries of a tensor, over weights, inputs and all non-batch axes.

    Attributes:
        mean: E[x].
        variance: Var[x].
        covariance: of the same channel of one example at two different positions; 0 where positions are taken as
            independent, which the ``paper`` propagation always does.
        law: in the ``exact`` propagation, the probability distribution that has these moments, where it is known.

    Raises:
        SignalError: if a number is not finite, or the variance is negative, or the covariance is larger.
    """

    mean: float = 0.0
    variance: float = 1.0
    covariance: float = 0.0
    law: Law | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        finite = all(math.isfinite(number) for number in (self.mean, self.variance, self.covariance))
        if not finite or self.variance < 0:
            raise SignalError(
                "a signal has a finite mean and a finite variance >= 0. "
                f"Received: mean={self.mean!r}, variance={self.variance!r}, covariance={self.covariance!r}"
            )
        if abs(self.covariance) > self.variance * (1 + 1e-9) + 1e-12 * self.mean**2:
            raise SignalError(
                "the covariance between two positions cannot exceed the variance. "
                f"Received: covariance={self.covariance!r}, variance={self.variance!r}"
            )

    @property
    def second_moment(self) -> float:
        """E[x^2], what a layer with weights scales by."""
        return self.variance + self.mean**2

    @property
    def shared_moment(self) -> float:
        """E[x x'] for two different positions of the same channel."""
        return self.covariance + self.mean**2

    @classmethod
    def from_moments(cls, mean: float, second_moment: float, shared_moment: float | None = None) -> Signal:
        """Build a signal from raw moments; differences that rounding made slightly negative become 0."""
        variance = max(second_moment - mean**2, 0.0)
        covariance = 0.0 if shared_moment is None else shared_moment - mean**2
        return cls(mean, variance, min(max(covariance, -variance), variance))

    def affine(self, scale: float, offset: float = 0.0) -> Signal:
        """Return the signal of ``scale * x + offset``."""
        return Signal(scale * self.mean + offset, scale**2 * self.variance, scale**2 * self.covariance)


def add(signals: Sequence[Signal]) -> Signal:
    """Return the signal of a sum of independent tensors (equation 11)."""
    return Signal(
        math.fsum(signal.mean for signal in signals),
        math.fsum(signal.variance for signal in signals),
        math.fsum(signal.covariance for signal in signals),
    )


def multiply(signals: Sequence[Signal]) -> Signal:
    """Return the signal of an elementwise product of independent tensors (equation 14)."""
    mean = math.prod(signal.mean for signal in signals)
    second = math.prod(signal.second_moment for signal in signals)
    shared = math.prod(signal.shared_moment for signal in signals)
    return Signal.from_moments(mean, second, shared)


def mixture(signals: Sequence[Signal], weights: Sequence[float]) -> Signal:
    """Return the signal of a tensor made of parts (equations 15 and 16).

    Args:
        signals: one per part.
        weights: share of each part, such as its number of elements; any positive scale.
    """
    total = math.fsum(weights)
    if not signals or len(signals) != len(weights) or total <= 0 or min(weights) < 0:
        raise SignalError(
            f"a mixture needs one weight >= 0 per signal, not all 0. Received: weights={list(weights)!r}"
        )
    shares = [weight / total for weight in weights]
    mean = math.fsum(share * signal.mean for share, signal in zip(shares, signals, strict=True))
    spread = [(signal.mean - mean) ** 2 for signal in signals]
    # Var = E[Var | part] + Var[mean of the part]; written about the mean, so it is never negative.
    variance = math.fsum(s * (x.variance + d) for s, x, d in zip(shares, signals, spread, strict=True))
    covariance = math.fsum(s * (x.covariance + d) for s, x, d in zip(shares, signals, spread, strict=True))
    return Signal(mean, variance, min(covariance, variance))
