"""Samples of a tensor from what is known of it, and what is known of a tensor from samples of it.

Samples have the shape (examples, positions..., channels). Examples come in groups: what all examples have in common
(it comes from the weights) is drawn anew for each group.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import special

from gondwana.autoinit.draws import Float32
from gondwana.autoinit.errors import NotIntegrableError, warn_user
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.signals.fields import Field, field_of
from gondwana.autoinit.signals.law import Correlations, Part, Z, moments_fixed, new_source
from gondwana.autoinit.signals.signal import Signal

GROUP = 8
"""Examples that share one draw of the weights."""

_MOST_QUANTILES = 1 << 17
_SIGNIFICANT, _UNEVEN = 4.0, 0.05
_AROUND = 0.02
"""Correlation of neighbours, beyond that of all positions, below which it is taken as 0."""


def sampled(
    signal: Signal,
    rows: int,
    shape: Sequence[int],
    rng: np.random.Generator,
    common: np.random.Generator,
    *,
    exact: bool,
    group: int = GROUP,
) -> Float32:
    """Return samples of a tensor.

    Args:
        signal: what is known.
        rows: number of examples.
        shape: of one example, channels last.
        rng: for what belongs to one example.
        common: for what the examples of a group share; calls of one layer share it too.
        exact: whether positions and examples depend on one another; else entries are independent Gaussians.
        group: number of examples that share one draw of the weights.
    """
    if not shape:
        return sampled(signal, rows, (1,), rng, common, exact=exact, group=group)[:, 0]
    if not exact:
        noise = rng.standard_normal((rows, *shape), dtype=np.float32)
        return np.asarray(signal.mean + math.sqrt(signal.variance) * noise, np.float32)
    field = field_of(signal)
    members = _members(field.parts, rows, shape, rng)
    result = np.empty((rows, *shape), np.float32)
    for part, chosen in zip(field.parts, members, strict=True):
        if chosen.any():
            result[..., chosen] = _entries(part, (rows, *shape[:-1], int(chosen.sum())), rng, common, group)
    if field.relief is not None and field.relief.shape == tuple(shape[:-1]):
        result *= np.sqrt(field.relief)[None, ..., None].astype(np.float32)
    return result


def _members(
    parts: Sequence[Part], rows: int, shape: Sequence[int], rng: np.random.Generator
) -> list[np.ndarray]:
    """Return which channels belong to each part: blocks by share, or at random where there are few channels."""
    ends = np.cumsum([part.share for part in parts])
    count = shape[-1]
    middle = (np.arange(count) + 0.5) / count if count >= len(parts) else rng.random(count)
    place = np.minimum(np.searchsorted(ends, middle * ends[-1]), len(parts) - 1)
    return [place == number for number in range(len(parts))]


def _entries(
    part: Part,
    shape: tuple[int, ...],
    rng: np.random.Generator,
    common: np.random.Generator,
    group: int,
) -> Array:
    """Return f(z) for z of the part's correlations between examples, between positions and between neighbours."""
    rows, channels = shape[0], shape[-1]
    ones = (1,) * (len(shape) - 2)
    between = min(max(part.rho.between, 0.0), 1.0)
    across, near = ((min(max(rho, between), 1.0) - between) / max(1 - between, 1e-12) for rho in part.rho[:2])
    z = _within(across, near, shape, rng)
    if between:
        shared = np.repeat(common.standard_normal((-(-rows // group), *ones, channels)), group, axis=0)
        z = math.sqrt(1 - between) * z + math.sqrt(between) * shared[:rows]
    spread = part.loudness.spread
    if spread > 0:
        places = ones if part.loudness.across > 0.5 else shape[1:-1]
        z = z * np.sqrt(common.gamma(1 / spread, spread, (rows, *places, 1)))
    if spread > 0 or part.linear:
        return np.asarray(part.mean + math.sqrt(max(part.second - part.mean**2, 0.0)) * z)
    return np.asarray(np.interp(z, Z, part.values))


def _within(across: float, near: float, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return standard Gaussians that are correlated within an example, on average and between neighbours."""
    sizes = shape[1:-1]
    alone: Array = np.asarray(rng.standard_normal(shape, dtype=np.float32))
    if math.prod(sizes) == 1:
        return alone
    if near - across > _AROUND:
        local, everywhere = _decay(across, near, sizes)
        for axis, size in enumerate(sizes, start=1):
            alone = np.moveaxis(np.tensordot(_chain(round(local, 3), size), alone, axes=(1, axis)), 0, axis)
        across = everywhere
    if across <= 0:
        return alone
    shared = rng.standard_normal((shape[0], *(1 for _ in sizes), shape[-1]), dtype=np.float32)
    return math.sqrt(1 - across) * alone + math.sqrt(across) * shared


def _decay(across: float, near: float, sizes: Sequence[int]) -> tuple[float, float]:
    """Return the correlation of neighbours in a chain, and what all positions share beside it."""
    everywhere = across
    local = 0.0
    for _ in range(8):  # what decays along the axes adds to the mean over all pairs
        local = min(max((near - everywhere) / max(1 - everywhere, 1e-12), 0.0), 0.999)
        total = math.prod(float((_powers(local, size)).sum()) for size in sizes)
        count = math.prod(sizes)
        mean = (total - count) / (count * (count - 1))
        everywhere = min(max((across - mean) / max(1 - mean, 1e-12), 0.0), 1.0)
    return local, everywhere


def _powers(local: float, size: int) -> Array:
    places = np.arange(size)
    return np.asarray(local ** np.abs(places[:, None] - places[None, :]))


@functools.lru_cache(maxsize=64)
def _chain(local: float, size: int) -> Float32:
    """Return a matrix that gives independent Gaussians a correlation of ``local`` to the power of their distance."""
    return np.linalg.cholesky(_powers(local, size) + 1e-9 * np.eye(size)).astype(np.float32)


def measured_signal(values: Array, *, exact: bool) -> Signal:
    """Return the signal of samples, its numbers to four digits; in the exact propagation with its law."""
    if values.ndim < 2:
        values = values.reshape(-1, 1)
    mean, second = float(values.mean()), float(np.square(values).mean())
    variance = _rounded(values.var())
    if not exact:
        return Signal(_rounded(mean), variance)
    if variance <= 1e-12 * mean**2:
        return Signal(_rounded(mean), 0.0)
    relief = _relief(values)
    if relief is not None:
        values = values / np.sqrt(relief)[None, ..., None]
        mean, second = float(values.mean()), float(np.square(values).mean())
    rows = values.reshape(len(values), -1, values.shape[-1])
    wanted = _rounded(mean), _rounded(values.var())
    law = moments_fixed(_quantiles(values), wanted[0], wanted[0] ** 2 + wanted[1])
    part = Part(law, loadings={new_source(): 1.0})
    pairs = (_pairs(rows, 1), _neighbours(values), _between(rows))
    rho = Correlations(*(part.latent(_rounded(_settled(pair, mean, second))) for pair in pairs))
    if rows.shape[1] == 1:
        rho = rho.single()
    return Field((replace(part, rho=rho),), relief).signal()


def _relief(values: Array) -> Array | None:
    """Return how E[x^2] varies over positions, where that is more than the noise of the samples."""
    squares = np.square(values).mean(axis=-1)
    energies = squares.mean(axis=0)
    if energies.size < 2 or len(values) < GROUP or energies.min() <= 0:
        return None
    noise = float(squares.var(axis=0).mean()) / len(values)
    if energies.var() < _SIGNIFICANT * noise or energies.std() < _UNEVEN * energies.mean():
        return None
    return np.array([_rounded(energy) for energy in (energies / energies.mean()).ravel()]).reshape(
        energies.shape
    )


def _settled(pair: float, mean: float, second: float) -> float:
    """Return E[x x'] between what independent and what equal entries have."""
    return min(max(pair, mean**2), second)


def _pairs(values: Array, axis: int) -> float:
    """Return E[x x'] for two different places along an axis."""
    count = values.shape[axis]
    if count < 2:
        return 0.0
    total = np.square(values.sum(axis=axis)) - np.square(values).sum(axis=axis)
    return float(total.mean()) / float(count * (count - 1))


def _neighbours(values: Array) -> float:
    products = [
        float((np.take(values, range(size - 1), axis) * np.take(values, range(1, size), axis)).mean())
        for axis, size in enumerate(values.shape[1:-1], start=1)
        if size > 1
    ]
    return float(np.mean(products)) if products else 0.0


def _between(rows: Array) -> float:
    """Return E[x x'] for the same channel of two examples of a group, at any positions."""
    means = rows.mean(axis=1)
    whole = len(means) // GROUP * GROUP
    if not whole:
        return _pairs(means, 0)
    return _pairs(means[:whole].reshape(-1, GROUP, means.shape[-1]), 1)


def _quantiles(values: Array) -> Array:
    """Return the increasing function of a standard Gaussian, on the grid of the laws, that has these values."""
    flat = values.ravel()
    flat = np.sort(flat[:: flat.size // _MOST_QUANTILES | 1])  # an odd step: no channel is left out
    places = special.ndtri((np.arange(flat.size) + 0.5) / flat.size)
    return np.asarray(np.interp(Z, places, flat))


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def finite_values(where: str, values: Array) -> Array:
    """Return simulated values with their mean in place of those that are not finite, which a warning counts.

    Args:
        where: what put them out, for messages.
        values: any shape.

    Raises:
        NotIntegrableError: if none is finite.
    """
    finite = np.isfinite(values)
    if not finite.any():
        raise NotIntegrableError(f"none of the simulated values of {where} is finite")
    if finite.all():
        return values
    warn_user(
        f"{where} is not defined for all of its inputs: {1 - finite.mean():.2%} of its simulated values are "
        "not finite and are left out of the plan"
    )
    return np.where(finite, values, values[finite].mean())
