"""Normalization of fields: batch normalization over examples, layer and group normalization over channels.

It changes the correlations of a field (what all examples share is subtracted), its *relief* (how E[x^2] varies over
positions, ``signals/fields.py``) and its *loudness* (how E[x^2] varies over examples, ``signals/law.py``).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from gondwana.autoinit.propagation.calculus import Over
from gondwana.autoinit.signals.fields import Field, tidy_relief
from gondwana.autoinit.signals.law import STEADY, Correlations, Part, Z, coarse, scale_mixture

_ALIVE = 0.95
_ALIKE = 0.05
"""Correlation of examples up to which all channels vary alike."""


def per_channel(field: Field, epsilon: float) -> Field:
    """Return the field after normalization over examples and positions, channel by channel."""
    relief, level = (None, 1.0) if field.relief is None else tidy_relief(field.relief)
    inside = None
    if field.common is not None:  # what is left at each position without the mean over examples and positions
        left = np.maximum((1.0 if field.relief is None else field.relief) - field.common, 0.0)
        relief, inside = tidy_relief(left)

    def normalized(part: Part) -> Part:
        spread = part.second - part.mean**2
        kept = (
            max(part.second - part.shared(part.rho.between), 0.0) * level
            if inside is None
            else inside * spread
        )
        if spread <= 0:
            return part.mapped(np.zeros_like(part.values))
        common = part.rho.between
        factor = math.sqrt(_brought_to_one(part, kept, epsilon) / spread) if kept > 0 else 0.0
        rho = part.rho.mapped(lambda value: 1.0 if common >= 1 - 1e-12 else (value - common) / (1 - common))
        if part.loudness.spread > 0:  # the weights' own share of the spread goes with each channel's variance
            shape = scale_mixture(float(f"{part.loudness.excess:.2g}"))
            part = part.mapped(part.mean + math.sqrt(spread) * shape)
        return replace(part.affine(factor, -factor * part.mean), rho=rho._replace(between=0.0))

    return Field(tuple(normalized(part) for part in field.parts), relief, loudness=field.loudness)


def _brought_to_one(part: Part, variance: float, epsilon: float) -> float:
    """Return E[v / (v + epsilon)] over channels of different variance v; a channel that is dead stays at 0.

    Channels differ in what all their examples have in common: given it, a function that is flat there hardly varies.

    Args:
        part: before normalization.
        variance: within a channel, mean over channels.
        epsilon: of the layer.
    """
    bent = not part.linear and part.loudness.spread == 0
    if not bent or not _ALIKE < part.rho.between < 1 - 1e-9:
        return variance / (variance + epsilon)
    z, weights, _ = coarse()
    latent = math.sqrt(part.rho.between) * z[:, None] + math.sqrt(1 - part.rho.between) * z[None, :]
    values = np.interp(latent, Z, part.values)
    within = np.maximum(values**2 @ weights - (values @ weights) ** 2, 0.0)
    mean = float(weights @ within)
    if mean <= 0:
        return 0.0
    within *= variance / mean
    return float(weights @ (within / (within + epsilon)))


def has_dead_channels(field: Field, epsilon: float) -> bool:
    """Whether normalization of a field leaves a part of the channels at 0."""
    for part in field.parts:
        variance = max(part.second - part.shared(part.rho.between), 0.0)
        if _brought_to_one(part, variance, epsilon) < _ALIVE * variance / (variance + epsilon):
            return True
    return False


def per_example(field: Field, over: Over, count: float | None, epsilon: float, centered: bool) -> Field:
    """Return the field after normalization over channels, or positions and channels, example by example."""
    if over != "channels":
        field = field.flat()
    mean = math.fsum(part.share * part.mean for part in field.parts) if centered else 0.0
    second = field.second - mean**2
    level = 1.0 if field.relief is None else float(field.relief.mean())
    factor = (
        math.sqrt(level / (second * level + epsilon)) / math.sqrt(level) if second > 0 and level > 0 else 0.0
    )
    # What all channels of an example have in common is divided out.
    steady = (replace(part, loudness=STEADY) for part in field.parts)
    result = Field(tuple(part.affine(factor, -factor * mean) for part in steady))
    if over == "group" and centered and count == 1:  # one channel to a group: its mean over positions goes
        parts = (replace(part, rho=Correlations()) for part in result.parts)
        return Field(tuple(parts))
    return result
