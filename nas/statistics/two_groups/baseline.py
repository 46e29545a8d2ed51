"""A value to beat that was measured itself, such as the accuracy with ReLU over a few trainings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from gondwana.nas.statistics.result import UNDEFINED, Interval, StatisticsError
from gondwana.nas.statistics.two_groups.proportions import wilson


@dataclass(frozen=True, slots=True)
class Baseline:
    """A value to beat.

    Attributes:
        value: the number that was given, or the mean of the trainings.
        trainings: of which it is the mean; empty if a number was given.
    """

    value: float
    trainings: tuple[float, ...] = ()

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return the value with its t interval over trainings.

        A number that was given is known exactly. One training has an interval that is unknown: its bounds are NaN.
        """
        if not self.trainings:
            return Interval(self.value, self.value, self.value)
        if len(self.trainings) < 2:
            return Interval(self.value, UNDEFINED, UNDEFINED)
        error = float(np.std(self.trainings, ddof=1)) / math.sqrt(len(self.trainings))
        half = float(stats.t.ppf((1 + confidence) / 2, len(self.trainings) - 1)) * error
        return Interval(self.value, self.value - half, self.value + half)

    def above(self, values: np.ndarray, confidence: float = 0.95) -> tuple[int, Interval]:
        """Return the number of values above the baseline, and their share with an interval.

        The interval counts with the uncertainty of both: from the lower Wilson bound of the share above the baseline's
        upper limit to the upper Wilson bound of the share above its lower limit, each with half of the error allowed
        (Bonferroni). For a number that was given it is Wilson's.

        Args:
            values: results, shape (n,).
        """
        count = int((values > self.value).sum())
        share = wilson(count, values.size, confidence)
        limits = self.interval((1 + confidence) / 2)
        if not self.trainings or math.isnan(limits.low):
            return count, share
        fewest, most = int((values > limits.high).sum()), int((values > limits.low).sum())
        low = wilson(fewest, values.size, (1 + confidence) / 2).low
        high = wilson(most, values.size, (1 + confidence) / 2).high
        return count, Interval(share.estimate, low, high)


def measured(baseline: float | Sequence[float] | np.ndarray | None) -> Baseline | None:
    """Return the baseline of a number or of the results of several trainings; None of None.

    Raises:
        StatisticsError: if there is no training, or something is not a finite number.
    """
    if baseline is None:
        return None
    if isinstance(baseline, (int, float, np.number)):
        trainings: tuple[float, ...] = ()
        value = float(baseline)
    else:
        trainings = tuple(float(value) for value in baseline)
        value = sum(trainings) / len(trainings) if trainings else UNDEFINED
    if not math.isfinite(value):
        raise StatisticsError(
            "baseline is a finite number or the results of at least one training, each finite. "
            f"Received: {baseline!r}"
        )
    return Baseline(value, trainings)
