"""Mean-field theory of wide networks at initialization: the exact propagation.

Beside mean and variance it follows, for every tensor: the covariance between positions and between examples; how E[x^2]
varies from the border to the middle of a map (*relief*, ``signals/fields.py``) and from example to example
(*loudness*); and of which Gaussian the tensor is a function (its *law*, the probability distribution; both in
``signals/law.py``). What it neglects is of the order of one over the width of a layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from gondwana.autoinit.moments.functions import ScalarFunction
from gondwana.autoinit.moments.gaussian import Array, gaussian_moments
from gondwana.autoinit.propagation.calculus import Energy, Over
from gondwana.autoinit.propagation.normalization import per_channel, per_example
from gondwana.autoinit.signals.composition import composed
from gondwana.autoinit.signals.fields import (
    Field,
    aligned,
    condensed,
    field_of,
    relief_or_ones,
    tidy_relief,
    unit,
    weakened,
)
from gondwana.autoinit.signals.joint import combined
from gondwana.autoinit.signals.law import (
    HERMITE,
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
from gondwana.autoinit.signals.maps import (
    Axis,
    axes_of,
    correlation_kept,
    gathered,
    inputs_in_common,
    neighbours_kept,
    shared_profile,
)
from gondwana.autoinit.signals.order_statistics import maximum
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Shape, Window, positions

_NEGLIGIBLE = 1e-9
_KURTOSIS = 0.8
"""E[w^4] / (3 E[w^2]^2) of a truncated normal weight."""

_QUIET = 0.02
"""Spread of E[x^2] over examples (:class:`~gondwana.autoinit.signals.law.Loudness`) below which it is taken as 0."""


class ExactCalculus:
    """The operations of :class:`gondwana.autoinit.propagation.calculus.Calculus` by mean-field theory."""

    def __init__(self) -> None:
        self._integrable: set[tuple[ScalarFunction, float, float]] = set()

    def elementwise(self, x: Signal, f: ScalarFunction) -> Signal:
        """Compose: f(g(z)) is a function of the same z."""
        field = field_of(x)
        self._check(f, x)
        if field.relief is not None and (field.relief <= 0).any() and abs(float(f(np.zeros(1))[0])) > 1e-12:
            field = field.flat()
        return composed(field, f).signal()

    def _check(self, f: ScalarFunction, x: Signal) -> None:
        """Refuse functions with poles, which a fixed grid would step over."""
        key = (f, float(f"{x.mean:.3g}"), float(f"{x.variance:.3g}"))
        if not f.tame and key not in self._integrable:
            gaussian_moments(f, key[1], key[2], f.kinks, tolerance=f.tolerance)
            self._integrable.add(key)

    def combine(
        self, signals: Sequence[Signal], how: Literal["add", "multiply", "maximum", "minimum"]
    ) -> Signal:
        """Combine pairwise; tensors that were made from a common Gaussian source are taken as dependent."""
        result = field_of(signals[0])
        for signal in signals[1:]:
            other = field_of(signal)
            met = aligned(result.parts, other.parts)
            parts = condensed([combined(a, b, how, share) for a, b, share in met])
            result = Field(
                parts, _combined_relief(result, other, how), loudness=_combined_loudness(result, other, how)
            )
        return result.signal()

    def scale(self, x: Signal, factor: float, offset: float = 0.0) -> Signal:
        """An affine map of every part."""
        field = field_of(x)
        if offset and field.relief is not None:
            field = field.flat()
        return field.mapped(lambda part: part.affine(factor, offset), keep=not offset).signal()

    def concatenate(self, signals: Sequence[Signal], sizes: Sequence[float]) -> Signal:
        """Join the parts of several fields; each keeps its share of the channels."""
        total = math.fsum(sizes)
        fields = [field_of(signal) for signal in signals]
        parts = [
            replace(part, share=part.share * size / total)
            for field, size in zip(fields, sizes, strict=True)
            for part in field.parts
        ]
        reliefs = [field.relief for field in fields]
        if all(relief is None for relief in reliefs) or not _same_shape(reliefs):
            fields = [field.flat() for field in fields]
            flat = [
                replace(part, share=part.share * size / total)
                for field, size in zip(fields, sizes, strict=True)
                for part in field.parts
            ]
            return Field(condensed(flat)).signal()
        energies = [size * field.second for field, size in zip(fields, sizes, strict=True)]
        mixed = sum(
            e * (1.0 if r is None else r) for e, r in zip(energies, reliefs, strict=True)
        ) / math.fsum(energies)
        relief, level = tidy_relief(np.asarray(mixed))
        return Field(condensed([part.affine(math.sqrt(level)) for part in parts]), relief).signal()

    def contract(self, x: Signal, channels: float, window: Window | None = None) -> Energy:
        """Sum over the taps that lie inside the input, position by position.

        The output is Gaussian; its correlations are those of the raw input, c / E[x^2].
        """
        field = field_of(x)
        second, rho = field.second, field.correlations
        axes = None if window is None else axes_of(window)
        if window is None or axes is None:
            fan_in = channels * (1.0 if window is None else window.gathered)
            relief, level = (None, 1.0) if field.relief is None else tidy_relief(field.relief)
            own, inherited = _loudness(field, channels, 1.0, None, None)
            part = gaussian(0.0, 1.0, rho, audible(own))
            output = Field((part,), relief if window is None else None, loudness=inherited)
            return Energy(fan_in * second * level, output.signal(), fan_in)
        energy = relief_or_ones(field.relief, window.inputs)
        summed = gathered(axes, energy)
        kept = correlation_kept(axes, energy, summed)
        steps = (1,) * len(axes) if window.transposed else window.strides
        near = neighbours_kept(axes, steps, energy, summed)
        relief, level = tidy_relief(summed)
        rho = Correlations(unit(rho.across * kept), unit(rho.near * near), unit(rho.between * kept))
        rho = rho.single() if summed.size == 1 else rho
        common = None
        if not window.transposed and field.correlations.between > _NEGLIGIBLE and level > 0:
            common = field.correlations.between / level * shared_profile(axes, energy)
        taps = float(gathered(axes, np.ones_like(energy)).mean())
        own, inherited = _loudness(field, channels, taps, axes, window)
        output = Field((gaussian(0.0, 1.0, rho, audible(own)),), relief, common, inherited)
        return Energy(channels * second * level, output.signal(), channels * taps)

    def average(self, x: Signal, window: Window) -> Signal:
        """E[y^2] = q/K + c (K-1)/K, each Hermite component of the distribution damped by itself."""
        field = field_of(x)
        axes = axes_of(window)
        if axes is None:
            return (
                field.flat()
                .mapped(lambda part: _averaged(part, float(window.taps), everywhere=False))
                .signal()
            )
        ones = np.ones(tuple(int(n or 1) for n in window.inputs))
        energy = relief_or_ones(field.relief, window.inputs)
        count = gathered(axes, ones)
        alone = gathered(axes, energy) / count**2
        together = (gathered(axes, np.sqrt(energy)) / count) ** 2
        everywhere = count.size == 1
        shared = math.fsum(part.share * part.shared(_pooled(part, everywhere)) for part in field.parts)
        relief, level = tidy_relief((field.second - shared) * alone + shared * together)
        taps, size = max(float(count.mean()), 1.0), float(np.sqrt(together).mean())
        weight = float(alone.mean()), float(together.mean())

        def averaged(part: Part) -> Part:
            new = _averaged(part, taps, everywhere)
            joined = part.shared(_pooled(part, everywhere))
            second = (part.second - joined) * weight[0] + joined * weight[1]
            new = replace(new, values=moments_fixed(new.values, part.mean * size, second))
            new = new.like(part, lambda value: value * size**2)
            return replace(new, rho=new.rho.single()) if everywhere else new

        return Field(tuple(averaged(part) for part in field.parts), relief if level > 0 else None).signal()

    def largest(self, x: Signal, window: Window) -> Signal:
        """Order statistics of equicorrelated Gaussians. Padded zeros are left out, as they are after a ReLU."""
        field = field_of(x)
        axes = axes_of(window)
        taps, relief, everywhere = float(window.taps), None, False
        if axes is not None:
            energy = relief_or_ones(field.relief, window.inputs)
            present = (energy > 0).astype(float)
            count = gathered(axes, present)
            everywhere = count.size == 1
            taps = max(float(count.mean()), 1.0)
            relief = gathered(axes, energy) / np.maximum(count, 1.0)
            relief = np.where(count > 0, relief, 0.0)
        relief, level = (None, 1.0) if relief is None else tidy_relief(relief)
        root = math.sqrt(level)
        parts = tuple(maximum(part, taps, everywhere).affine(root) for part in field.parts)
        return Field(parts, relief).signal()

    def drop(self, x: Signal, rate: float, *, spatial: bool = False) -> Signal:
        """E[y^2] = E[x^2] / (1 - rate), and the covariance stays, unless whole channels are dropped."""
        if rate == 0:
            return x
        keep = 1 - rate

        def dropped(part: Part) -> Part:
            values, _ = redistributed(np.append(part.values / keep, 0.0), np.append(WEIGHTS * keep, rate))
            new = Part(moments_fixed(values, part.mean, part.second / keep), share=part.share)
            loadings = weakened(
                part, math.sqrt(keep)
            )  # what a source leads to elsewhere is not dropped with it
            if not spatial:
                return replace(new.like(part), loadings=loadings)
            # A dropped channel is dropped at every position of its example.
            whole = new.like(part, lambda shared: shared / keep)
            return replace(
                whole, rho=whole.rho._replace(between=new.like(part).rho.between), loadings=loadings
            )

        return field_of(x).mapped(dropped).signal()

    def noise(self, x: Signal, *, factor: float = 0.0, deviation: float = 0.0) -> Signal:
        """Adds ``factor^2 E[x^2] + deviation^2`` to the variance; covariances stay."""
        field = field_of(x).flat() if deviation else field_of(x)

        def noisy(part: Part) -> Part:
            spread = np.sqrt((factor * part.values) ** 2 + deviation**2)
            table = part.values[:, None] + spread[:, None] * HERMITE[1][None, ::4]
            weights = WEIGHTS[:, None] * (WEIGHTS[::4] / WEIGHTS[::4].sum())[None, :]
            values, _ = redistributed(table.ravel(), weights.ravel())
            second = part.second * (1 + factor**2) + deviation**2
            new = Part(moments_fixed(values, part.mean, second), share=part.share)
            lean = math.sqrt(part.second / second) if second else 1.0
            return replace(new.like(part), loadings=weakened(part, lean))

        return field.mapped(noisy).signal()

    def pad(self, x: Signal, before: Shape, after: Shape, corner: tuple[int, ...]) -> Signal:
        """Positions with an amplitude of 0 around the others."""
        field = field_of(x)
        if positions(before) is None or positions(after) is None:
            return x
        energy = relief_or_ones(field.relief, before)
        around = [
            (start, int(m or 0) - int(n or 0) - start)
            for n, m, start in zip(before, after, corner, strict=True)
        ]
        return replace(field, relief=np.pad(energy, around)).signal()

    def rearrange(self, x: Signal, before: Shape, after: Shape, *, crossed: bool = False) -> Signal:
        """Positions are lost track of, unless they stay as they are."""
        field = field_of(x)
        old, new = positions(before[:-1]), positions(after[:-1])
        same = old == new and before[-1] == after[-1] and len(before) == len(after)
        if not crossed and (before == after or same):
            return field.signal() if before == after else field.flat().signal()
        flat = field.flat()

        def moved(part: Part) -> Part:
            if new == 1:
                rho = part.rho.single()
            elif crossed or (old == 1 and before[-1] != after[-1]):  # channels become positions
                apart = part.latent(part.mean**2)
                rho = Correlations(apart, apart, part.rho.between)
            else:
                rho = part.rho
            return replace(part, rho=rho, loadings={new_source(): 1.0})

        return flat.mapped(moved).signal()

    def normalize(
        self, x: Signal, over: Over, count: float | None, epsilon: float, *, centered: bool = True
    ) -> Signal:
        """Per channel, what all examples share is removed; per position, what all channels share."""
        field = field_of(x)
        if over == "batch":
            return per_channel(field, epsilon).signal()
        return per_example(field, over, count, epsilon, centered).signal()


def _pooled(part: Part, everywhere: bool) -> float:
    """Return the correlation between the entries of a window: of all positions, or of neighbours."""
    return part.rho.across if everywhere else part.rho.near


def _averaged(part: Part, taps: float, everywhere: bool) -> Part:
    rho = _pooled(part, everywhere)
    coefficients = HERMITE @ (WEIGHTS * part.values)
    damping = np.sqrt((1 + (taps - 1) * max(rho, 0.0) ** np.arange(len(coefficients))) / taps)
    values = (coefficients * damping) @ HERMITE
    second = part.second / taps + part.shared(rho) * (1 - 1 / taps)
    new = Part(moments_fixed(values, part.mean, second), share=part.share, loadings={new_source(): 1.0})
    return new.like(part)


def _combined_relief(first: Field, second: Field, how: str) -> Array | None:
    one, two = first.relief, second.relief
    if one is None and two is None:
        return None
    if how == "multiply":
        product = (1.0 if one is None else one) * (1.0 if two is None else two)
        return np.asarray(product)
    total = first.second + second.second
    mixed = (
        first.second * (1.0 if one is None else one) + second.second * (1.0 if two is None else two)
    ) / total
    return np.asarray(mixed)


def _combined_loudness(first: Field, second: Field, how: str) -> Loudness:
    if how != "add":
        return max(first.loudness, second.loudness)
    total = first.second + second.second
    if total <= 0:
        return STEADY
    # The smaller spread is taken as common to both tensors, because one mostly comes from the other (a residual sum).
    one, two = first.second / total, second.second / total
    spread, excess = (
        min(a, b) + one**2 * (a - min(a, b)) + two**2 * (b - min(a, b))
        for a, b in (
            (first.loudness.spread, second.loudness.spread),
            (first.loudness.excess, second.loudness.excess),
        )
    )
    return first.loudness.joined(second.loudness, one, two)._replace(spread=spread, excess=excess)


def _loudness(
    field: Field, channels: float, taps: float, axes: Sequence[Axis] | None, window: Window | None
) -> tuple[Loudness, Loudness]:
    """Return how much the mean of x^2 over the inputs of one output entry differs between examples.

    Returns:
        The loudness of an output entry, and the loudness that all channels of the output have in common.
    """
    if field.second <= 0:
        return STEADY, STEADY
    common = (0.0, 0.0)
    if axes is not None and window is not None and not window.transposed:
        common = inputs_in_common(axes, window.strides)
    inherited = _over_taps(field.loudness, taps, common)
    total = excess = 0.0
    for part in field.parts:
        square = part.mapped(part.values**2)
        between = square.shared(part.rho.between)
        alone, together = square.second - between, max(square.shared(part.rho.near) - between, 0.0)
        total += part.share * (alone / taps + together * (1 - 1 / taps))
        variance = part.second - part.mean**2
        fourth = float(WEIGHTS @ (part.values - part.mean) ** 4)
        excess += part.share * max(fourth - 3 * variance**2, 0.0) / max(variance**2, 1e-300)
    # The kurtosis of x contains what is inherited.
    spread = max(total / field.second**2 - inherited.spread, 0.0) / channels
    left = _KURTOSIS * max(excess / taps - inherited.excess, 0.0) / channels
    own = Loudness(spread, *common, min(left, spread))
    joined = inherited.joined(own)
    return joined, (inherited if channels == 1 else joined)


def _over_taps(loudness: Loudness, taps: float, common: tuple[float, float]) -> Loudness:
    """Return the loudness of a mean over the taps of a window; what differs between positions averages out."""
    spread, across, near, excess = loudness
    single = (1 - near) / taps
    level = near + single
    if spread * level <= 0:
        return STEADY
    return Loudness(
        spread * level,
        min((across + single * common[0]) / level, 1.0),
        min((near + single * common[1]) / level, 1.0),
        excess * level,
    )


def audible(loudness: Loudness) -> Loudness:
    """Return the loudness to two digits, and none if its spread is too small to matter."""
    spread = min(loudness.spread, 4.0)
    return loudness._replace(spread=float(f"{spread:.2g}")) if spread > _QUIET else STEADY


def _same_shape(reliefs: Sequence[Array | None]) -> bool:
    return len({relief.shape for relief in reliefs if relief is not None}) <= 1
