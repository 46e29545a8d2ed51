"""The power of the studentized rank test (Brunner and Munzel) for independent groups like those at hand.

On the scale on which all values together are Gaussian, the groups are taken to be ``N(-e/2, 1)`` and ``N(e/2, 1)``;
equal values stay equal, as those of failed trainings at chance do. The test depends on ranks alone, so that its power
is a function of ``e``, of the sizes and of the ties.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy import stats

from gondwana.nas.statistics.result import UNDEFINED
from gondwana.nas.statistics.two_groups.rank_permutation import PERMUTE_BELOW, reference

SIMULATE_UP_TO = 200
"""Values in both groups together up to which experiments are simulated; beyond, estimates are normal."""
DRAWS = 1_000
"""Simulated experiments: a power of 0.8 has a standard error of 0.013."""
_APART = 100.0
"""Distance of the experiments from each other when they are sorted together; no Gaussian value is that large."""


@dataclass(frozen=True)
class IndependentDesign:
    """Two independent groups.

    Attributes:
        sizes: of the first and the second group.
        cuts: limits of the blocks of equal values on the Gaussian scale, ascending, shape (blocks, 2).
        observed: P(second > first), ties counted half.
        alpha: level of the two-sided test.
        largest: largest effect that is looked at: P(second > first) is 0.9998 without ties.
        steps: halvings of this range in the search for an effect.
    """

    sizes: tuple[int, int]
    cuts: np.ndarray
    observed: float
    alpha: float
    largest: float = 5.0
    steps: int = 10

    @classmethod
    def of(cls, first: np.ndarray, second: np.ndarray, alpha: float) -> IndependentDesign | None:
        """Return the design of these groups; None if all values are equal."""
        _, counts = np.unique(np.concatenate([first, second]), return_counts=True)
        if counts.size == 1:
            return None
        until = np.cumsum(counts) / counts.sum()
        limits = stats.norm.ppf(np.stack([np.concatenate([[0.0], until[:-1]]), until], axis=1))
        below = np.searchsorted(np.sort(first), second, side="left") + np.searchsorted(
            np.sort(first), second, side="right"
        )
        observed = float(below.sum() / (2 * first.size * second.size))
        return cls((first.size, second.size), limits[counts > 1], observed, alpha)

    def share(self, effect: float) -> float:
        """Return P(second > first) under the effect, ties counted half."""
        return self._share_and_error(effect)[0]

    def power(self, effect: float) -> float:
        """Return the probability that the test rejects."""
        if sum(self.sizes) > SIMULATE_UP_TO:
            share, error = self._share_and_error(effect)
            reach = float(stats.norm.isf(self.alpha / 2))
            center = (share - 0.5) / error if error > 0 else math.inf
            return float(stats.norm.sf(reach - center) + stats.norm.cdf(-reach - center))
        _, statistic, freedom = self._simulated(effect)
        if min(self.sizes) >= PERMUTE_BELOW:
            with np.errstate(invalid="ignore"):
                p = 2 * stats.t.sf(np.abs(statistic), freedom)
            return float(np.mean(np.where(np.isfinite(statistic), p < self.alpha, np.isinf(statistic))))
        low, high = _critical(*self.sizes, self.alpha)
        return float(np.mean((statistic > high + 1e-9) | (statistic < low - 1e-9)))

    def factor(self, power: float) -> float:
        """Return by how much the groups would have to grow for the effect seen; NaN if none was seen."""
        wanted = max(self.observed, 1 - self.observed)
        if wanted == 0.5:
            return UNDEFINED
        low, high = 0.0, self.largest
        for _ in range(self.steps):
            middle = (low + high) / 2
            low, high = (middle, high) if self.share(middle) < wanted else (low, middle)
        share, error = self._share_and_error(high)
        reach = float(stats.norm.isf(self.alpha / 2) + stats.norm.ppf(power))
        return (reach * error / (share - 0.5)) ** 2 if share > 0.5 else UNDEFINED

    def _share_and_error(self, effect: float) -> tuple[float, float]:
        """Return P(second > first) and the standard error of its estimate."""
        estimate = self._simulated(effect)[0]
        if sum(self.sizes) <= SIMULATE_UP_TO:
            return float(estimate.mean()), float(estimate.std())
        shrunk = sum(self._simulated_sizes) / sum(self.sizes)
        return float(estimate.mean()), float(estimate.std()) * math.sqrt(shrunk)

    @cached_property
    def _simulated_sizes(self) -> tuple[int, int]:
        """The sizes, or smaller ones in about the same proportion."""
        scale = min(1.0, SIMULATE_UP_TO / sum(self.sizes))
        return max(2, round(self.sizes[0] * scale)), max(2, round(self.sizes[1] * scale))

    def _simulated(self, effect: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return estimate, statistic and degrees of freedom of each simulated experiment, shape (DRAWS,) each."""
        return _simulated(self._simulated_sizes, self.cuts.tobytes(), effect)


@lru_cache(maxsize=128)
def _simulated(
    sizes: tuple[int, int], cuts: bytes, effect: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return estimate, statistic and degrees of freedom of each experiment; pairs of groups often share a design."""
    first, second = _gaussian(*sizes)
    limits = np.frombuffer(cuts).reshape(-1, 2)
    return _studentized(_tied(first - effect / 2, limits), _tied(second + effect / 2, limits))


def _tied(values: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Return the values with all of a block of equal ones at its lower limit (the lowest block: below its upper)."""
    if not len(cuts):
        return values
    lower, upper = cuts[:, 0], cuts[:, 1]
    block = np.maximum(np.searchsorted(lower, values, side="right") - 1, 0)
    inside = (values >= lower[block]) & (values < upper[block])
    places = np.where(np.isfinite(lower), lower, np.minimum(upper, 9.0) - 1.0)
    return np.where(inside, places[block], values)


@lru_cache(maxsize=4)
def _gaussian(first: int, second: int) -> tuple[np.ndarray, np.ndarray]:
    """Return Gaussian values of the groups in each experiment; the same for the same sizes, and for every effect."""
    rng = np.random.default_rng(np.random.SeedSequence(1, spawn_key=(first, second)))
    return rng.standard_normal((DRAWS, first)), rng.standard_normal((DRAWS, second))


@lru_cache(maxsize=32)
def _critical(first: int, second: int, alpha: float) -> tuple[float, float]:
    """Return the outermost statistics that the permutation test does not reject, for groups without ties."""
    return reference(np.arange(first) * 1.0, first + np.arange(second) * 1.0).critical(alpha)


def _studentized(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return estimate, statistic and degrees of freedom of each row, as ``rank_permutation.studentized`` of one."""
    n, m = x.shape[1], y.shape[1]
    above_x, below_y = m - _below(x, y), _below(y, x)
    estimate = below_y.mean(axis=1) / n
    of_x = above_x.var(axis=1, ddof=1) / (m * m * n)
    of_y = below_y.var(axis=1, ddof=1) / (n * n * m)
    variance = of_x + of_y
    flat = variance < 1e-24
    apart = np.where(np.abs(estimate - 0.5) > 1e-9, np.copysign(np.inf, estimate - 0.5), 0.0)
    statistic = np.where(flat, apart, (estimate - 0.5) / np.sqrt(np.where(flat, 1.0, variance)))
    freedom = variance**2 / np.where(flat, 1.0, of_x**2 / (n - 1) + of_y**2 / (m - 1))
    return estimate, statistic, np.where(flat, 1.0, freedom)


def _below(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return, row by row, how many of ``others`` are below each value, equal ones counted half."""
    rows = np.arange(len(values))[:, None]
    sorted_others = np.sort(others, axis=1) + _APART * rows
    placed = values + _APART * rows
    flat = sorted_others.ravel()
    counts = np.searchsorted(flat, placed, side="left") + np.searchsorted(flat, placed, side="right")
    return np.asarray(counts / 2 - others.shape[1] * rows)
