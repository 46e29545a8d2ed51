"""Multiplication by constants, and addition of constants, that differ from channel to channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from gondwana.autoinit.propagation.calculus import Calculus
from gondwana.autoinit.signals.signal import Signal

_MOST_PAIRS = 256
"""Different pairs of scale and offset that are followed one by one."""


def per_channel(calculus: Calculus, x: Signal, scale: Any, offset: Any) -> Signal:
    """Return ``scale * x + offset`` with constants that may differ from channel to channel."""
    scale, offset = np.asarray(scale), np.asarray(offset)
    if scale.size and offset.size and np.ptp(scale) == 0 and np.ptp(offset) == 0:
        return calculus.scale(x, float(scale.flat[0]), float(offset.flat[0]))
    pairs, counts = _representatives(scale, offset)
    return calculus.concatenate([calculus.scale(x, a, b) for a, b in pairs], counts)


def _representatives(scale: Any, offset: Any) -> tuple[list[tuple[float, float]], list[float]]:
    """Return few pairs (scale, offset), with weights, of the same first and second moments as all pairs.

    Mean, second moment and covariance of ``scale * x + offset`` depend on nothing else.
    """
    table = np.stack([np.ravel(a) for a in np.broadcast_arrays(scale, offset)], axis=1).astype(np.float64)
    pairs, repeats = np.unique(table, axis=0, return_counts=True)
    counts = repeats.astype(np.float64)
    if len(pairs) > _MOST_PAIRS:
        spreads, axes = np.linalg.eigh(np.cov(table.T, bias=True))
        steps = np.sqrt(2 * np.maximum(spreads, 0.0))[:, None] * axes.T
        pairs = table.mean(axis=0) + np.concatenate([steps, -steps])
        counts = np.ones(len(pairs))
    return [(float(a), float(b)) for a, b in pairs], counts.tolist()
