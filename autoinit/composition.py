"""Functions applied to fields: composition on the grid, and what depends on the size of the argument."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from autoinit.errors import NotIntegrableError
from autoinit.fields import Field, tidy_relief
from autoinit.functions import ScalarFunction
from autoinit.gaussian import Array
from autoinit.law import STEADY, WEIGHTS, Correlations, Loudness, Part, Z, moments_fixed, scales

_SIZES = 9
"""Number of sizes of the argument at which a function is evaluated where the size depends on the position."""

_SILENT = 1e-3
"""Spread of E[x^2] among examples that is not followed further."""


def composed(field: Field, f: ScalarFunction) -> Field:
    """Return f(x)."""
    if field.relief is None:
        result = field.mapped(lambda part: _applied(part, f, part.mapped(_finite(f, part.values))))
    else:
        result = _over_relief(field, f)
    return replace(result, loudness=_response(field, f))


def _applied(part: Part, f: ScalarFunction, new: Part) -> Part:
    """Return ``new``, which is f of ``part``, with the correlations that a variance in common brings to f(x)."""
    spread, across, near, _ = part.loudness
    if spread == 0:
        return new
    amplitudes, weights = scales(spread)
    deviation = math.sqrt(max(part.second - part.mean**2, 0.0))
    means = np.array([_finite(f, part.mean + deviation * a * Z) @ WEIGHTS for a in amplitudes])
    extra = float(weights @ means**2 - (weights @ means) ** 2)
    pairs = zip(part.rho[:2], (across, near), strict=True)
    latent = [new.latent(new.shared(rho) + overlap * extra) for rho, overlap in pairs]
    return replace(new, rho=Correlations(latent[0], latent[1], part.rho.between), loudness=STEADY)


def _response(field: Field, f: ScalarFunction) -> Loudness:
    """Return how E[f(x)^2] differs between examples when E[x^2] does."""
    if field.loudness.spread < _SILENT:
        return STEADY
    amplitudes, weights = scales(float(f"{min(field.loudness.spread, 4.0):.2g}"))
    energies = np.array(
        [
            math.fsum(p.share * float(_finite(f, a * p.values) ** 2 @ WEIGHTS) for p in field.parts)
            for a in amplitudes
        ]
    )
    mean = float(weights @ energies)
    spread = float(weights @ (energies - mean) ** 2) / mean**2 if mean > 0 else 0.0
    # A bent function of few Gaussians is no Gaussian any more, whatever weights come next; a linear one is.
    loudness = field.loudness
    kept = loudness.excess + _bent(field, f) * max(loudness.spread - loudness.excess, 0.0)
    return loudness._replace(spread=spread, excess=spread / loudness.spread * kept)


def _bent(field: Field, f: ScalarFunction) -> float:
    """Return the share of the variance of f(x) that is not linear in the Gaussian."""
    total = linear = 0.0
    for part in field.parts:
        applied = part.mapped(_finite(f, part.values))
        total += part.share * max(applied.second - applied.mean**2, 0.0)
        linear += part.share * float(applied.powers[1])
    return 1 - linear / total if total > 0 else 0.0


def _over_relief(field: Field, f: ScalarFunction) -> Field:
    """Apply f where the size of its argument depends on the position: at a few sizes, and interpolated between them."""
    relief = np.asarray(field.relief)
    sizes = np.unique(np.quantile(relief, np.linspace(0, 1, _SIZES)))
    amplitudes = np.sqrt(sizes)
    tables = [
        np.stack([_finite(f, amplitude * part.values) for amplitude in amplitudes]) for part in field.parts
    ]
    shares = np.array([part.share for part in field.parts])
    energies = shares @ np.array([table**2 @ WEIGHTS for table in tables])
    output = np.interp(relief, sizes, energies)
    new, level = tidy_relief(output)
    amplitude = 1.0 if new is None else float(np.sqrt(new).mean())
    if level <= 0:
        return Field(tuple(part.mapped(np.zeros_like(part.values)) for part in field.parts))

    def applied(part: Part, table: Array) -> Part:
        mean = float(np.interp(relief, sizes, table @ WEIGHTS).mean())
        second = float(np.interp(relief, sizes, table**2 @ WEIGHTS).mean())
        return _applied(
            part, f, part.mapped(moments_fixed(_finite(f, part.values), mean / amplitude, second))
        )

    return Field(tuple(applied(part, table) for part, table in zip(field.parts, tables, strict=True)), new)


def _finite(f: ScalarFunction, x: Array) -> Array:
    values = f(x)
    if not np.isfinite(values).all():
        raise NotIntegrableError(
            f"the function {f.name!r} is not finite at x = {x[~np.isfinite(values)][0]:.6g}"
        )
    return values
