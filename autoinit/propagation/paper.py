"""The paper's Appendix A, to the letter.

Entries of a tensor are independent Gaussians, and so are different tensors. Known to be inexact: dropout and zero
padding ignore the mean, pooling ignores correlation, ``same`` padding is ignored. The one liberty taken: the maximum of
independent Gaussians is integrated instead of sampled (equations 9 and 10 estimate the same number).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from gondwana.autoinit.moments.functions import ScalarFunction
from gondwana.autoinit.moments.gaussian import gaussian_moments
from gondwana.autoinit.propagation.calculus import Energy, Over
from gondwana.autoinit.propagation.maxima import largest, standard_maximum
from gondwana.autoinit.signals import signal as algebra
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Shape, Window, positions


class PaperCalculus:
    """See :class:`gondwana.autoinit.propagation.calculus.Calculus`; equation numbers are those of the paper."""

    def __init__(self) -> None:
        self._known: dict[tuple[ScalarFunction, float, float], Signal] = {}

    def elementwise(self, x: Signal, f: ScalarFunction) -> Signal:
        """Equations 5 and 6."""
        key = (f, x.mean, x.variance)
        if key not in self._known:
            moments = gaussian_moments(f, x.mean, x.variance, f.kinks, tolerance=f.tolerance)
            self._known[key] = Signal(moments.mean, moments.variance)
        return self._known[key]

    def combine(
        self, signals: Sequence[Signal], how: Literal["add", "multiply", "maximum", "minimum"]
    ) -> Signal:
        """Equations 11 and 14; maximum and minimum of independent Gaussians."""
        if how == "add":
            return algebra.add(signals)
        if how == "multiply":
            return algebra.multiply(signals)
        return largest(signals, 1.0 if how == "maximum" else -1.0)

    def scale(self, x: Signal, factor: float, offset: float = 0.0) -> Signal:
        """Scale and shift mean and variance, which needs no approximation."""
        return x.affine(factor, offset)

    def concatenate(self, signals: Sequence[Signal], sizes: Sequence[float]) -> Signal:
        """Equations 15 and 16."""
        return algebra.mixture(signals, sizes)

    def contract(self, x: Signal, channels: float, window: Window | None = None) -> Energy:
        """Equation 3: ``fan_in * (variance + mean^2)``."""
        fan_in = channels * (window.gathered if window else 1)
        return Energy(fan_in * x.second_moment, Signal(0.0, 1.0), fan_in)

    def average(self, x: Signal, window: Window) -> Signal:
        """Equations 7 and 8 for the mean: K independent entries."""
        return Signal(x.mean, x.variance / window.taps)

    def largest(self, x: Signal, window: Window) -> Signal:
        """Equations 7 and 8 for the maximum."""
        mean, variance = standard_maximum(window.taps)
        return Signal(x.mean + x.variance**0.5 * mean, x.variance * variance)

    def drop(self, x: Signal, rate: float, *, spatial: bool = False) -> Signal:
        """The paper's dropout rules, which ignore the mean in the variance; exact is ``v/(1-p) + m^2 p/(1-p)``.

        SpatialDropout is unscaled in the paper, although Keras 3 scales it as it scales Dropout.
        """
        keep = 1 - rate
        return Signal(x.mean * keep, x.variance * keep) if spatial else Signal(x.mean, x.variance / keep)

    def noise(self, x: Signal, *, factor: float = 0.0, deviation: float = 0.0) -> Signal:
        """Not in the paper; exact."""
        return Signal(x.mean, x.variance + factor**2 * x.second_moment + deviation**2)

    def pad(self, x: Signal, before: Shape, after: Shape, corner: tuple[int, ...]) -> Signal:
        """The paper's padding rule; exact would add ``m^2 r (1-r)`` to the variance."""
        old, new = positions(before), positions(after)
        share = 1.0 if old is None or new is None else old / new
        return Signal(x.mean * share, x.variance * share)

    def rearrange(self, x: Signal, before: Shape, after: Shape, *, crossed: bool = False) -> Signal:
        """Shape adjustment layers change nothing."""
        return x

    def normalize(
        self, x: Signal, over: Over, count: float | None, epsilon: float, *, centered: bool = True
    ) -> Signal:
        """Mean 0 and variance 1, whatever comes in; without centering, second moment 1."""
        if centered or x.second_moment == 0:
            return Signal(0.0, 1.0)
        return x.affine(x.second_moment**-0.5)
