"""Options of a comparison that make no sense are refused by name, before anything is computed."""

from __future__ import annotations

import math
from typing import get_args

from gondwana.nas.statistics.multiplicity import Correction
from gondwana.nas.statistics.result import StatisticsError


def refuse(
    *,
    chance: float | None,
    margin: float,
    alpha: float,
    power: float,
    seed: int,
    resamples: int,
    correction: str,
) -> None:
    """Refuse options of :func:`gondwana.nas.statistics.compare` that make no sense.

    Raises:
        StatisticsError: naming the first one that does not, and what it may be.
    """
    finite = {
        name: isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        for name, value in (("chance", chance), ("margin", margin), ("alpha", alpha), ("power", power))
    }
    whole = {
        name: isinstance(value, int) and not isinstance(value, bool)
        for name, value in (("seed", seed), ("resamples", resamples))
    }
    choices = get_args(Correction)
    checks = (
        (
            "chance",
            chance,
            chance is None or finite["chance"],
            "is a finite number, or None if there is none",
        ),
        ("margin", margin, finite["margin"] and margin >= 0, "is a finite number of at least 0"),
        ("alpha", alpha, finite["alpha"] and 0 < alpha < 1, "lies between 0 and 1, both excluded"),
        ("power", power, finite["power"] and 0 < power < 1, "lies between 0 and 1, both excluded"),
        ("seed", seed, whole["seed"] and seed >= 0, "is a whole number of at least 0"),
        ("resamples", resamples, whole["resamples"] and resamples >= 1, "is a whole number of at least 1"),
        ("correction", correction, correction in choices, f"is one of {', '.join(map(repr, choices))}"),
    )
    for name, value, good, wanted in checks:
        if not good:
            raise StatisticsError(f"{name} {wanted}. Received: {value!r}")
