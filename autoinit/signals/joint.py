"""Elementwise combinations of two parts: sums, products and maxima of functions of (possibly dependent) Gaussians."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.signals.law import (
    Correlations,
    Part,
    Z,
    coarse,
    correlation,
    moments_fixed,
    new_source,
    redistributed,
)

How: TypeAlias = Literal["add", "multiply", "maximum", "minimum"]

_FUNCTIONS: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
_FORGOTTEN = 1e-3
"""Loadings below this are dropped."""


def combined(first: Part, second: Part, how: How, share: float) -> Part:
    """Return the combination of two parts, with this share of the channels.

    The latent Gaussians z1 and z2 may have common sources; z2 is written as ``r z1 + sqrt(1 - r^2) e``, and everything
    is integrated over the independent z1 and e. Parts of the same field are combined without integration.
    """
    function = _FUNCTIONS[how]
    first, second = _rising(first), _rising(second)
    r = correlation(first, second)
    if _constant(second) or abs(r) > 1 - 1e-9:
        other = second.values if r >= 0 or _constant(second) else np.interp(-Z, Z, second.values)
        return Part(function(first.values, other), first.rho, first.loadings, share)
    if _constant(first):
        return Part(function(first.values, second.values), second.rho, second.loadings, share)
    if how == "add" and first.linear and second.linear:
        return _sum_of_gaussians(first, second, r, share)
    return _integrated(first, second, how, r, share)


def _rising(part: Part) -> Part:
    """Return a falling Gaussian as a rising function of the mirrored field; other parts as they are."""
    if part.values[-1] >= part.values[0] or part.loudness.spread > 0:
        return part
    if part.powers[2:].sum() > 1e-10 * max(part.second, 1e-300):
        return part
    mirrored = {key: -loading for key, loading in part.loadings.items()}
    return replace(part, values=part.values[::-1].copy(), loadings=mirrored)


def _constant(part: Part) -> bool:
    return part.second - part.mean**2 <= 1e-14 * part.second


def _sum_of_gaussians(first: Part, second: Part, r: float, share: float) -> Part:
    a, b = (math.sqrt(part.second - part.mean**2) for part in (first, second))
    deviation = math.sqrt(max(a**2 + b**2 + 2 * a * b * r, 1e-300))

    def mixed(one: float, two: float) -> float:
        crossed = r * math.sqrt(max(one, 0.0) * max(two, 0.0))
        return (a**2 * one + b**2 * two + 2 * a * b * crossed) / deviation**2

    loadings = _mixed_loadings(((a / deviation, first.loadings), (b / deviation, second.loadings)))
    values = first.mean + second.mean + deviation * Z
    return Part(values, _paired(first, second, mixed), loadings, share)


def _integrated(first: Part, second: Part, how: How, r: float, share: float) -> Part:
    z, weights, projection = coarse()
    rest = math.sqrt(1 - r**2)
    other = np.interp(r * z[:, None] + rest * z[None, :], Z, second.values)
    table = _FUNCTIONS[how](np.interp(z, Z, first.values)[:, None], other)
    mass = np.outer(weights, weights)
    mean, square = _moments(first, second, table, mass, how, r)
    values, places = redistributed(table.ravel(), mass.ravel())
    part = Part(moments_fixed(values, mean, square), share=share)
    places = places.reshape(table.shape) * mass
    along = float((places.sum(axis=1) * z).sum()), float((places.sum(axis=0) * z).sum())
    residual = _mixed_loadings(((1 / rest, second.loadings), (-r / rest, first.loadings)))
    loadings = _mixed_loadings(((along[0], first.loadings), (along[1], residual)))
    powers = (projection @ table @ projection.T) ** 2

    def latent(one: float, two: float) -> float:
        alone = min(max((two - r**2 * one) / rest**2, -1.0), 1.0)
        degrees = np.arange(len(powers))
        shared = float(one**degrees @ powers @ alone**degrees)
        left = max(square - float(powers.sum()), 0.0)
        return part.latent(shared + left * max(one * alone, 0.0) ** len(powers))

    return replace(part, rho=_paired(first, second, latent), loadings=loadings)


def _moments(first: Part, second: Part, table: Array, mass: Array, how: How, r: float) -> tuple[float, float]:
    """Return E[y] and E[y^2], in closed form where there is one."""
    if how == "add":
        crossed = float((first.coefficients * second.coefficients) @ r ** np.arange(len(first.coefficients)))
        return first.mean + second.mean, first.second + second.second + 2 * crossed
    if how == "multiply" and r == 0:
        return first.mean * second.mean, first.second * second.second
    return float((mass * table).sum()), float((mass * table**2).sum())


def _paired(first: Part, second: Part, function: Callable[[float, float], float]) -> Correlations:
    values = (function(one, two) for one, two in zip(first.rho, second.rho, strict=True))
    return Correlations(*(min(max(value, -1.0), 1.0) for value in values))


def _mixed_loadings(terms: Sequence[tuple[float, Mapping[int, float]]]) -> dict[int, float]:
    """Return the loadings of a weighted sum; what is forgotten becomes a source of its own."""
    total: dict[int, float] = {}
    for weight, loadings in terms:
        for key, loading in loadings.items():
            total[key] = total.get(key, 0.0) + weight * loading
    kept = {key: loading for key, loading in total.items() if abs(loading) > _FORGOTTEN}
    left = 1 - math.fsum(loading**2 for loading in kept.values())
    if left > _FORGOTTEN:
        kept[new_source()] = math.sqrt(left)
    return kept
