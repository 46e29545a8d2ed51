"""Fields: the distribution of a tensor, position by position, and the way from signals to fields and back.

A field consists of *parts*, one for each kind of channel, and of a *relief*: how E[x^2] varies over the positions of a
map, which zero padding makes smaller at the border. *Loudness* says how E[x^2] varies from example to example
(``law.py``).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.signals.law import (
    STEADY,
    WEIGHTS,
    Correlations,
    Loudness,
    Part,
    gaussian,
    moments_fixed,
    new_source,
    redistributed,
)
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Shape

_MOST_PARTS = 12
_FLAT = 1e-9


@dataclass(frozen=True, eq=False)
class Field:
    """x at position p is sqrt(relief[p]) * f(z), with f and z those of a part.

    Attributes:
        parts: one for each group of channels that are distributed alike; their shares add up to 1.
        relief: E[x^2] at each position, divided by that of the parts, as an array over positions; None if 1 everywhere.
        common: how much smaller the relief becomes when each channel's mean over examples and positions is subtracted,
            where that depends on the position: ``2 E[x m] - E[m^2]`` with m that mean. Set by convolutions only.
        loudness: how E[x^2] differs from example to example.
    """

    parts: tuple[Part, ...]
    relief: Array | None = None
    common: Array | None = None
    loudness: Loudness = STEADY

    @property
    def energy(self) -> float:
        """E[x^2], mean over positions."""
        return self.second * (1.0 if self.relief is None else float(self.relief.mean()))

    @property
    def amplitude(self) -> float:
        """Mean over positions of sqrt(relief)."""
        return 1.0 if self.relief is None else float(np.sqrt(self.relief).mean())

    @property
    def second(self) -> float:
        """E[x^2] where the relief is 1."""
        return math.fsum(part.share * part.second for part in self.parts)

    @property
    def shared(self) -> float:
        """E[x x'] for two positions where the relief is 1."""
        return math.fsum(part.share * part.shared(part.rho.across) for part in self.parts)

    @property
    def correlations(self) -> Correlations:
        """E[x x'] / E[x^2], for the pairs that :class:`gondwana.autoinit.signals.law.Correlations` names."""
        second = self.second
        if second <= 0:
            return Correlations(1.0, 1.0, 1.0)
        pairs = [[part.share * part.shared(rho) / second for rho in part.rho] for part in self.parts]
        return Correlations(*(min(max(math.fsum(column), -1.0), 1.0) for column in zip(*pairs, strict=True)))

    def signal(self) -> Signal:
        """Return the signal of this field."""
        mean = self.amplitude * math.fsum(part.share * part.mean for part in self.parts)
        variance = max(self.energy - mean**2, 0.0)
        covariance = self.amplitude**2 * self.shared - mean**2
        return Signal(mean, variance, min(max(covariance, -variance), variance), self)

    def mapped(self, function: Callable[[Part], Part], *, keep: bool = False) -> Field:
        """Return the field with another function of each part; ``keep`` says that it is a multiple."""
        parts = tuple(function(part) for part in self.parts)
        return replace(self, parts=parts, common=self.common if keep else None)

    def flat(self) -> Field:
        """Return a field of the same moments without relief."""
        if self.relief is None:
            return self
        energy, amplitude = float(self.relief.mean()), self.amplitude

        def flattened(part: Part) -> Part:
            values = moments_fixed(part.values, amplitude * part.mean, energy * part.second)
            new = Part(values, share=part.share, loadings={new_source(): 1.0}, loudness=part.loudness)
            return new.like(part, lambda shared: amplitude**2 * shared)

        return Field(tuple(flattened(part) for part in self.parts), loudness=self.loudness)


def field_of(signal: Signal) -> Field:
    """Return the field behind a signal; a Gaussian one if none is known."""
    if isinstance(signal.law, Field):
        return signal.law
    across = signal.covariance / signal.variance if signal.variance else 1.0
    return Field((gaussian(signal.mean, signal.variance, Correlations(across, across)),))


def tidy_relief(relief: Array) -> tuple[Array | None, float]:
    """Return the relief scaled to mean 1, None if it is flat, and its mean."""
    mean = float(relief.mean())
    if mean <= 0 or not math.isfinite(mean):
        return None, max(mean, 0.0)
    scaled = relief / mean
    return (None if float(np.abs(scaled - 1).max()) < _FLAT else scaled), mean


def aligned(first: Sequence[Part], second: Sequence[Part]) -> list[tuple[Part, Part, float]]:
    """Return which parts of two tensors meet channel by channel, with the share of the channels."""
    if len(first) == 1 or len(second) == 1:
        return [(a, b, a.share * b.share) for a in first for b in second]
    ends = [np.cumsum([part.share for part in parts]) for parts in (first, second)]
    cuts = np.unique(np.concatenate([[0.0], *(np.round(end, 9) for end in ends)]))
    met = []
    for low, high in itertools.pairwise(cuts):
        middle = (low + high) / 2
        a, b = (
            parts[min(int(np.searchsorted(end, middle)), len(parts) - 1)]
            for parts, end in zip((first, second), ends, strict=True)
        )
        met.append((a, b, float(high - low)))
    return met


def condensed(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return at most a dozen parts: equally distributed ones are joined first, then all that is left over."""
    if len(parts) <= _MOST_PARTS:
        return tuple(parts)
    groups: dict[tuple[float, ...], list[Part]] = {}
    for part in parts:
        key = tuple(float(f"{n:.2g}") for n in (part.mean, part.second, *part.rho))
        groups.setdefault(key, []).append(part)
    joined = [_joined(group) for group in groups.values()]
    return tuple(joined) if len(joined) <= _MOST_PARTS else (_joined(joined),)


def _joined(parts: Sequence[Part]) -> Part:
    """Return one part distributed as the mixture of several."""
    share = math.fsum(part.share for part in parts)
    if len(parts) == 1:
        return parts[0]
    shares = np.array([part.share / share for part in parts])
    values, _ = redistributed(
        np.concatenate([part.values for part in parts]), np.concatenate([s * WEIGHTS for s in shares])
    )
    mean = float(shares @ [part.mean for part in parts])
    second = float(shares @ [part.second for part in parts])
    new = Part(moments_fixed(values, mean, second), loadings={new_source(): 1.0}, share=share)
    pairs = (shares @ [part.shared(part.rho[kind]) for part in parts] for kind in range(3))
    return replace(new, rho=Correlations(*(new.latent(float(pair)) for pair in pairs)))


def relief_or_ones(relief: Array | None, shape: Shape) -> Array:
    """Return the relief over positions of this shape."""
    wanted = tuple(int(n or 1) for n in shape)
    if relief is None:
        return np.ones(wanted)
    return np.broadcast_to(relief, wanted)


def weakened(part: Part, lean: float) -> dict[int, float]:
    """Return the loadings after an independent Gaussian was added; ``lean`` is the correlation of old and new."""
    kept = {key: lean * loading for key, loading in part.loadings.items()}
    kept[new_source()] = math.sqrt(max(1 - math.fsum(loading**2 for loading in kept.values()), 0.0))
    return kept


def unit(value: float) -> float:
    """Return ``value`` moved into [-1, 1]."""
    return min(max(value, -1.0), 1.0)
