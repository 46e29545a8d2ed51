"""Calculus: the operations that layers perform on signals, as one interface with two implementations.

A rule (``autoinit/rules``) translates a layer into these operations. `paper.PaperCalculus` computes them as Appendix A
of the paper does; :class:`gondwana.autoinit.propagation.exact.ExactCalculus` by mean-field theory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from gondwana.autoinit.moments.functions import ScalarFunction
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Shape, Window

Over: TypeAlias = Literal["batch", "channels", "group"]
"""What a normalization averages over: batch and positions; channels of one position; positions and some channels."""


@dataclass(frozen=True, slots=True)
class Energy:
    """Sum of squares of the inputs that the weights of one output entry are multiplied with.

    Attributes:
        value: sum of E[x^2] over the inputs of one output entry (mean over positions): ``1 / value`` is the weight
            variance that gives an output variance of 1.
        output: the output for a value of 1: mean 0 and variance 1.
        fan_in: number of inputs of one output entry.
    """

    value: float
    output: Signal
    fan_in: float


class Calculus(Protocol):
    """Operations on signals. Each returns a new signal and leaves its arguments as they are."""

    def elementwise(self, x: Signal, f: ScalarFunction) -> Signal:
        """Return the signal of f(x), with f applied to every entry."""
        ...

    def combine(
        self, signals: Sequence[Signal], how: Literal["add", "multiply", "maximum", "minimum"]
    ) -> Signal:
        """Elementwise combination of several tensors, broadcast where needed."""
        ...

    def scale(self, x: Signal, factor: float, offset: float = 0.0) -> Signal:
        """factor * x + offset."""
        ...

    def concatenate(self, signals: Sequence[Signal], sizes: Sequence[float]) -> Signal:
        """Tensors side by side along an axis; ``sizes`` are their numbers of entries."""
        ...

    def contract(self, x: Signal, channels: float, window: Window | None = None) -> Energy:
        """Inner product with independent weights of mean 0 over ``channels`` and the taps of ``window``."""
        ...

    def average(self, x: Signal, window: Window) -> Signal:
        """Mean over each window."""
        ...

    def largest(self, x: Signal, window: Window) -> Signal:
        """Maximum over each window."""
        ...

    def drop(self, x: Signal, rate: float, *, spatial: bool = False) -> Signal:
        """Dropout as trained: a share ``rate`` set to 0, the rest divided by ``1 - rate``."""
        ...

    def noise(self, x: Signal, *, factor: float = 0.0, deviation: float = 0.0) -> Signal:
        """``x * (1 + factor * n) + deviation * n'`` with independent standard Gaussians."""
        ...

    def pad(self, x: Signal, before: Shape, after: Shape, corner: tuple[int, ...]) -> Signal:
        """Zeros around the positions; ``corner`` is where the old first position lies."""
        ...

    def rearrange(self, x: Signal, before: Shape, after: Shape, *, crossed: bool = False) -> Signal:
        """The same entries in other places, or some of them; shapes without the batch, channels last.

        ``crossed`` says that channels become positions.
        """
        ...

    def normalize(
        self, x: Signal, over: Over, count: float | None, epsilon: float, *, centered: bool = True
    ) -> Signal:
        """Subtract the mean (if ``centered``) and divide by the root of the second moment plus ``epsilon``.

        ``count`` is the number of entries that are averaged over, None where not known.
        """
        ...
