"""Activation functions applied to fields, by composition on the grid on which a part's function is held.

Where E[x^2] depends on the position (a field's *relief*) or on the example (its *loudness*, ``signals/law.py``), the
function is evaluated at several sizes of its argument.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from gondwana.autoinit.errors import NotIntegrableError
from gondwana.autoinit.moments.functions import ScalarFunction
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.signals.fields import Field, tidy_relief
from gondwana.autoinit.signals.law import (
    STEADY,
    WEIGHTS,
    Correlations,
    Loudness,
    Part,
    Z,
    moments_fixed,
    scales,
)

_SIZES = 9
"""Number of sizes of the argument at which a function is evaluated where the size depends on the position."""

_LARGEST = 1e150
"""Values whose squares, and products of these with weights, are still numbers."""

_TAIL = 0.05
_SILENT = 1e-3
"""Relative variance of E[x^2] among examples below which it is taken as 0."""


def composed(field: Field, f: ScalarFunction) -> Field:
    """Return the field of f(x), with f applied to every entry of the field x.

    Where examples differ in size, f(x)^2 of a steep f may have no finite mean although that of any one example has:
    then the field is that of examples of the mean size.
    """
    try:
        return _composed(field, f)
    except NotIntegrableError:
        if all(part.loudness == STEADY for part in field.parts) and field.loudness == STEADY:
            raise
        return _composed(replace(field, parts=tuple(map(_steady, field.parts)), loudness=STEADY), f)


def _steady(part: Part) -> Part:
    """Return a Gaussian of the same mean and variance that does not differ from example to example."""
    if part.loudness == STEADY:
        return part
    deviation = math.sqrt(max(part.second - part.mean**2, 0.0))
    return replace(part, values=part.mean + deviation * Z, loudness=STEADY)


def _composed(field: Field, f: ScalarFunction) -> Field:
    values = np.stack([part.values for part in field.parts])
    plain = _finite(f, values)  # one call of f for all parts: most of the time goes into calls
    if field.relief is None:
        parts = zip(field.parts, plain, strict=True)
        result = replace(
            field, parts=tuple(_applied(part, f, part.mapped(new)) for part, new in parts), common=None
        )
    else:
        result = _over_relief(field, f, values, plain)
    return replace(result, loudness=_response(field, f, values, plain))


def _applied(part: Part, f: ScalarFunction, new: Part) -> Part:
    """Return ``new``, which is f of ``part``, with the correlations that a variance in common brings to f(x)."""
    spread, across, near, _ = part.loudness
    if spread == 0:
        return new
    amplitudes, weights = scales(spread)
    deviation = math.sqrt(max(part.second - part.mean**2, 0.0))
    values = _finite(f, part.mean + deviation * amplitudes[:, None] * Z)
    means = values @ WEIGHTS
    second = float(weights @ (_squares(f, values) @ WEIGHTS))
    if (
        second > 0 and abs(math.log(new.second / second)) > _TAIL
    ):  # steep functions see what the grid makes of tails
        new = new.mapped(moments_fixed(new.values, float(weights @ means), second))
    extra = float(weights @ means**2 - (weights @ means) ** 2)
    pairs = zip(part.rho[:2], (across, near), strict=True)
    latent = [new.latent(new.shared(rho) + overlap * extra) for rho, overlap in pairs]
    return replace(new, rho=Correlations(latent[0], latent[1], part.rho.between), loudness=STEADY)


def _response(field: Field, f: ScalarFunction, values: Array, plain: Array) -> Loudness:
    """Return how E[f(x)^2] differs between examples when E[x^2] does."""
    if field.loudness.spread < _SILENT:
        return STEADY
    amplitudes, weights = scales(float(f"{min(field.loudness.spread, 4.0):.2g}"))
    shares = np.array([part.share for part in field.parts])
    found = _finite(f, amplitudes[:, None, None] * values)
    largest = (
        float(np.abs(found).max()) or 1.0
    )  # squares of what an exponential makes of a loud example overflow
    energies = ((found / largest) ** 2 @ WEIGHTS) @ shares
    mean = float(weights @ energies)
    spread = float(weights @ (energies - mean) ** 2) / mean**2 if mean > 0 else 0.0
    # A bent function of few Gaussians is no Gaussian any more, whatever weights come next; a linear one is.
    loudness = field.loudness
    kept = loudness.excess + _bent(shares, plain) * max(loudness.spread - loudness.excess, 0.0)
    return loudness._replace(spread=spread, excess=spread / loudness.spread * kept)


def _bent(shares: Array, plain: Array) -> float:
    """Return the share of the variance of f(x) that is not linear in the Gaussian."""
    means = plain @ WEIGHTS
    total = float(shares @ np.maximum(plain**2 @ WEIGHTS - means**2, 0.0))
    linear = float(shares @ (plain @ (WEIGHTS * Z)) ** 2)
    return 1 - linear / total if total > 0 else 0.0


def _over_relief(field: Field, f: ScalarFunction, values: Array, plain: Array) -> Field:
    """Apply f where the size of its argument depends on the position: at a few sizes, and interpolated between them."""
    relief = np.asarray(field.relief)
    sizes = np.unique(np.quantile(relief, np.linspace(0, 1, _SIZES)))
    tables = _finite(f, np.sqrt(sizes)[:, None, None] * values)
    means, squares = tables @ WEIGHTS, _squares(f, tables) @ WEIGHTS
    shares = np.array([part.share for part in field.parts])
    new, level = tidy_relief(np.interp(relief, sizes, squares @ shares))
    amplitude = 1.0 if new is None else float(np.sqrt(new).mean())
    if level <= 0:
        return Field(tuple(part.mapped(np.zeros_like(part.values)) for part in field.parts))
    between = _interpolation(relief, sizes)
    parts = (
        _applied(part, f, part.mapped(moments_fixed(fixed, mean / amplitude, second)))
        for part, fixed, mean, second in zip(
            field.parts, plain, (between @ means).tolist(), (between @ squares).tolist(), strict=True
        )
    )
    return Field(tuple(parts), new)


def _interpolation(relief: Array, sizes: Array) -> Array:
    """Return the weights with which values at ``sizes`` make the mean over ``relief`` of their interpolation."""
    return np.array([np.interp(relief, sizes, row).mean() for row in np.eye(len(sizes))])


def _finite(f: ScalarFunction, x: Array) -> Array:
    values = f(x)
    if not np.isfinite(values).all():
        raise NotIntegrableError(
            f"the function {f.name!r} is not finite at x = {x[~np.isfinite(values)][0]:.6g}"
        )
    return values


def _squares(f: ScalarFunction, values: Array) -> Array:
    """Return squares of values of f. Raises NotIntegrableError if one overflows: E[f(x)^2] is no number then."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest > _LARGEST:
        raise NotIntegrableError(f"the function {f.name!r} grows beyond what can be squared: {largest:.3g}")
    return np.square(values)
