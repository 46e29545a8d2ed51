"""Correction of p-values for the number of comparisons made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import stats

from gondwana.nas.statistics.result import StatisticsError

Correction = Literal["holm", "bh", "none"]


def adjust(p_values: Sequence[float], correction: Correction = "holm") -> list[float]:
    """Return adjusted p-values in the same order; NaN stays NaN and does not count as a comparison.

    Args:
        correction: "holm" controls the probability of any false positive, "bh" (Benjamini-Hochberg) the expected
            share of false ones among the positives, "none" changes nothing.

    Raises:
        StatisticsError: if the correction is unknown.
    """
    if correction == "none":
        return list(p_values)
    if correction not in ("holm", "bh"):
        raise StatisticsError(f"unknown correction {correction!r}: choose 'holm', 'bh' or 'none'")
    adjusted = np.array(p_values, dtype=float)
    defined = ~np.isnan(adjusted)
    if defined.any():
        known = adjusted[defined]
        adjusted[defined] = _holm(known) if correction == "holm" else stats.false_discovery_control(known)
    return [float(value) for value in adjusted]


def _holm(p_values: np.ndarray) -> np.ndarray:
    """Return Holm's step-down p-values (1979).

    Written out because statsmodels' ``multipletests`` runs a full garbage collection at every call, which takes longer
    than all tests of a comparison together.
    """
    order = np.argsort(p_values)
    stepped = np.maximum.accumulate(p_values[order] * np.arange(p_values.size, 0, -1))
    result = np.empty_like(stepped)
    result[order] = np.minimum(stepped, 1.0)
    return result
