"""The power of Wilcoxon's signed-rank test for pairs like those at hand.

The order of the differences by size is kept, and equal pairs stay equal. Under an effect ``e`` differences are taken to
have the sizes that ``N(e, 1)`` has at their ranks; one of the size ``s`` is then positive with probability
``1 / (1 + exp(-2 e s))``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special, stats

from gondwana.nas.statistics.result import UNDEFINED

EXACT_UP_TO = 60
"""Pairs up to which the distribution of the rank sum is computed; beyond, it is normal."""


@dataclass(frozen=True)
class PairedDesign:
    """Pairs whose differences have known sizes.

    Attributes:
        doubled: twice the midranks of the differences that are not zero, zeros ranked with them (Pratt 1959),
            shape (k,).
        places: share of the sizes below each of these, shape (k,).
        equal: number of pairs without a difference.
        observed: twice the sum of the ranks of the positive differences.
        alpha: level of the two-sided test.
        largest: largest effect that is looked at.
        steps: halvings of this range in the search for an effect.
    """

    doubled: np.ndarray
    places: np.ndarray
    equal: int
    observed: int
    alpha: float
    largest: float = 6.0
    steps: int = 14

    @classmethod
    def of(cls, first: np.ndarray, second: np.ndarray, alpha: float) -> PairedDesign | None:
        """Return the design of these pairs; None if no pair differs."""
        difference = second - first
        ranks = stats.rankdata(np.abs(difference))
        differ = difference != 0
        if not differ.any():
            return None
        doubled = np.rint(2 * ranks[differ]).astype(np.int64)
        places = (ranks[differ] - 0.5) / difference.size
        observed = int(np.rint(2 * ranks[difference > 0].sum()))
        return cls(doubled, places, int((~differ).sum()), observed, alpha)

    def share(self, effect: float) -> float:
        """Return the expected share of pairs that win, equal ones counted half."""
        return float((self._chances(effect).sum() + self.equal / 2) / (self.doubled.size + self.equal))

    def power(self, effect: float) -> float:
        """Return the probability that the test rejects."""
        chances = self._chances(effect)
        if self.doubled.size <= EXACT_UP_TO:
            return float(_masses(self.doubled, chances)[self._rejected].sum())
        mean, deviation = self._moments(chances)
        center, null = self._moments(np.full(self.doubled.size, 0.5))
        reach = float(stats.norm.isf(self.alpha / 2)) * null
        spread = max(deviation, 1e-9)  # 0 where every pair has the same winner
        return float(
            special.ndtr((mean - center - reach) / spread) + special.ndtr((center - reach - mean) / spread)
        )

    def factor(self, power: float) -> float:
        """Return by how much the number of pairs would have to grow for the effect seen; NaN if none was seen."""
        center, null = self._moments(np.full(self.doubled.size, 0.5))
        distance = abs(self.observed - center)
        if distance == 0:
            return UNDEFINED
        effect = self._seen()
        deviation = self._moments(self._chances(effect))[1]
        reach = float(stats.norm.isf(self.alpha / 2)) * null + float(stats.norm.ppf(power)) * deviation
        return (reach / distance) ** 2

    def _seen(self) -> float:
        """Return the effect under which the rank sum that is expected is the one observed, in either direction."""
        total = float(self.doubled.sum())
        wanted = max(self.observed, total - self.observed)
        low, high = 0.0, self.largest
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if self._moments(self._chances(middle))[0] < wanted else (low, middle)
        return high

    def _chances(self, effect: float) -> np.ndarray:
        grid = np.linspace(0.0, effect + 9.0, 4_000)
        sizes = np.interp(self.places, special.ndtr(grid - effect) - special.ndtr(-grid - effect), grid)
        return np.asarray(special.expit(2 * effect * sizes))

    def _moments(self, chances: np.ndarray) -> tuple[float, float]:
        mean = float(self.doubled @ chances)
        return mean, math.sqrt(float(self.doubled.astype(float) ** 2 @ (chances * (1 - chances))))

    @cached_property
    def _rejected(self) -> np.ndarray:
        """Whether the test rejects at each doubled rank sum, shape (largest sum + 1,)."""
        masses = _masses(self.doubled, np.full(self.doubled.size, 0.5))
        at_most = np.cumsum(masses)
        at_least = np.cumsum(masses[::-1])[::-1]
        return np.asarray(2 * np.minimum(at_most, at_least) < self.alpha * (1 - 1e-12))


def _masses(doubled: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Return the probability of each sum of ranks, every one taken with its own chance, shape (largest sum + 1,)."""
    found = np.zeros(int(doubled.sum()) + 1)
    found[0] = 1.0
    for rank, chance in zip(doubled, chances, strict=True):
        taken = np.zeros_like(found)
        taken[rank:] = found[: found.size - rank]
        found = (1 - chance) * found + chance * taken
    return found
