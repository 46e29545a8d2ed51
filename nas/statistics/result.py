"""The plain values that the tests return."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

UNDEFINED = math.nan
"""Statistic, p-value or bound that does not exist; the result's note says why."""
SMALLEST = float(np.finfo(float).tiny)
"""Stands for p-values too small for a floating-point number: no p-value is 0."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval; bounds are NaN where they do not exist."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.estimate:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Test:
    """One significance test.

    Attributes:
        name: name of the test, with its alternative where it is one-sided.
        statistic: the test statistic; NaN if the test could not be computed.
        p: p-value before any correction; NaN if the test could not be computed.
        note: what the reader must know, such as why there is no p-value; empty if nothing.
        adjusted: p-value after the correction for several comparisons; equal to ``p`` before it.
    """

    __test__ = False  # not a test case of pytest, despite its name

    name: str
    statistic: float
    p: float
    note: str = ""
    adjusted: float = UNDEFINED

    @property
    def defined(self) -> bool:
        """True if there is a p-value."""
        return not math.isnan(self.p)


class StatisticsError(ValueError):
    """Outcomes that cannot be compared, or options that do not exist."""
