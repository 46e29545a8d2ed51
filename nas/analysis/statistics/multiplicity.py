"""Correction of p-values for the number of comparisons made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from statsmodels.stats.multitest import multipletests

from nas.analysis.statistics.result import StatisticsError

Correction = Literal["holm", "bh", "none"]

_METHODS = {"holm": "holm", "bh": "fdr_bh"}


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
    if correction not in _METHODS:
        raise StatisticsError(f"unknown correction {correction!r}: choose 'holm', 'bh' or 'none'")
    adjusted = np.array(p_values, dtype=float)
    defined = ~np.isnan(adjusted)
    if defined.any():
        adjusted[defined] = multipletests(adjusted[defined], method=_METHODS[correction])[1]
    return [float(value) for value in adjusted]
