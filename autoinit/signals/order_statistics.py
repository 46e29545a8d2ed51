"""The largest of several equicorrelated entries of a part (maximum pooling in the exact propagation)."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.signals.law import Part, Z, coarse, new_source

_CELLS = np.concatenate(
    [np.linspace(-8.5, -4.0, 19)[:-1], np.linspace(-4.0, 4.0, 257), np.linspace(4.0, 8.5, 19)[1:]]
)
"""Edges of the cells into which the latent Gaussian is cut."""


def maximum(part: Part, count: float, everywhere: bool) -> Part:
    """Return the distribution of the largest of ``count`` entries of one channel.

    Given what the entries share, they are independent: P(max <= v) = E_u[P(x <= v | u)^count]. That windows may overlap
    is neglected.

    Args:
        part: of the entries.
        count: entries per window, not necessarily whole.
        everywhere: whether the window covers all positions; else it joins neighbours.
    """
    rho = part.rho.across if everywhere else part.rho.near
    middle = (_CELLS[:-1] + _CELLS[1:]) / 2
    values = np.interp(middle, Z, part.values)
    order = np.argsort(values, kind="stable")
    below, mass = _below(max(rho, 0.0), order, part) ** count, coarse()[1]
    cumulated = mass @ below
    z = special.ndtri(np.clip((np.append(0.0, cumulated[:-1]) + cumulated) / 2, 1e-17, 1 - 1e-16))
    result = Part(np.interp(Z, z, values[order]), share=part.share, loadings={new_source(): 1.0})

    # Given what the entries of a window share, t, its maximum has the mean g(t). The t of two windows are correlated
    # by the correlation of their entries over that within a window, so Mehler's formula holds for g.
    conditional = np.diff(below, axis=1, prepend=0.0) @ values[order]
    powers = (coarse()[2] @ conditional) ** 2
    left = max(float(mass @ conditional**2) - float(powers.sum()), 0.0)
    degrees = np.arange(len(powers))

    def latent(one: float) -> float:
        """Correlation between the maxima of two windows whose entries are correlated by ``one`` at most."""
        ratio = min(max(one, 0.0) / rho, 1.0) if rho > 0 else 0.0
        return result.latent(float(ratio**degrees @ powers) + left * ratio ** len(powers))

    result = replace(result, rho=part.rho.mapped(latent))
    return replace(result, rho=result.rho.single()) if everywhere else result


def _below(rho: float, order: NDArray[np.intp], part: Part) -> Array:
    """Return for each u and each cell in the order of its value the probability of the cells up to there."""
    monotone = bool((np.diff(part.values) >= 0).all())
    if monotone:
        return _ordered(round(rho, 6))
    inside = np.diff(_conditional(round(rho, 6)), axis=1)
    return np.clip(np.cumsum(inside[:, order], axis=1), 0.0, 1.0)


@functools.lru_cache(maxsize=64)
def _conditional(rho: float) -> Array:
    """Return P(z <= edge | u), one row per u; a correlation of 1 is approached."""
    u = coarse()[0]
    return np.asarray(
        special.ndtr((_CELLS[None, :] - np.sqrt(rho) * u[:, None]) / np.sqrt(max(1 - rho, 1e-6)))
    )


def _ordered(rho: float) -> Array:
    return _conditional(rho)[:, 1:]
