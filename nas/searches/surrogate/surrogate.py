"""A random forest over all outcomes of a run (scikit-learn), made anew on a schedule that only their number decides.

What it says is a function of the run's seed and of the recorded outcomes, so a search that heeds it can be replayed. It
learns the ranks of fitnesses, not their values, because most of what is bred is bad in ways that do not matter, and
because a failure then needs no figure: it ranks last. As long as the forest orders outcomes that it has not seen no
better than chance, it is not asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gondwana.nas.candidate import Json
from gondwana.nas.randomness import stream
from gondwana.nas.searches.surrogate.settings import SurrogateSettings

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestRegressor

Array = NDArray[Any]

SAMPLES = 1000
"""Outcomes that one tree learns from, at most, so that a forest of ten thousand costs no more than one of a
thousand."""
CERTAIN = 1.645
"""Standard errors by which the rank correlation must exceed 0: one-sided, at 5%."""
DIGITS = 5
"""Decimals of features: what differs between machines is rounded away."""


class Surrogate:
    """The forest, and what it was made from.

    Args:
        settings: how.
        seed: of the run.
    """

    def __init__(self, settings: SurrogateSettings, seed: int) -> None:
        self.settings = settings
        self._seed = seed
        self._features: list[Array] = []
        self._fitness: list[float] = []
        self._due = settings.least
        """Number of outcomes from which the next forest is made."""
        self._trees: list[Any] = []
        """Of the present forest; empty while there is none that is better than chance."""
        self.history: list[Json] = []
        """For each forest: ``outcomes`` it was made from, rank ``correlation`` out of bag, and whether it is
        ``used``."""

    @property
    def outcomes(self) -> int:
        """Outcomes learned so far."""
        return len(self._fitness)

    @property
    def correlation(self) -> float | None:
        """Rank correlation of the latest forest; None if there is none."""
        return self.history[-1]["correlation"] if self.history else None

    def learn(self, features: Array, fitness: float | None) -> None:
        """Take in an outcome; None for a failure. The order of the calls is part of what decides."""
        self._features.append(np.round(features, DIGITS).astype(np.float32))
        self._fitness.append(-math.inf if fitness is None else fitness)

    def ready(self) -> bool:
        """Return whether there is a model that is better than chance; make it first if it is due."""
        if self.outcomes >= self._due:
            while (later := _next(self._due, self.settings.growth)) <= self.outcomes:
                self._due = later  # one that would be replaced at once is not made
            self._fit(self._due)
            self._due = _next(self._due, self.settings.growth)
        return bool(self._trees)

    def explores(self, rng: np.random.Generator) -> bool:
        """Return whether the next candidate is to be chosen without the model."""
        return bool(rng.random() < self.settings.explore)

    def figures(self, features: Sequence[Array] | Array) -> Array:
        """Return how promising candidates are, larger is better, shape (candidates,); :meth:`ready` must be true."""
        rows = np.round(np.asarray(features), DIGITS).astype(np.float32)
        by_tree = np.stack([tree.predict(rows)[:, 0] for tree in self._trees])
        return np.asarray(np.round(by_tree.mean(axis=0) + self.settings.spread * by_tree.std(axis=0), 9))

    def snapshot(self) -> Json:
        """Return what was learned from how much, as JSON."""
        return {"outcomes": self.outcomes, "forests": [dict(line) for line in self.history]}

    def _fit(self, count: int) -> None:
        """Make the forest of the first ``count`` outcomes."""
        from scipy import stats

        rows = np.stack(self._features[:count])
        ranks = stats.rankdata(self._fitness[:count]) / count
        correlation = 0.0
        trees: list[Any] = []
        if ranks.max() > ranks.min() and np.any(rows.max(axis=0) > rows.min(axis=0)):
            forest = self._forest(count)
            forest.fit(rows, ranks)
            trees = [each.tree_ for each in forest.estimators_]
            seen, unseen = _out_of_bag(trees, forest.estimators_samples_, rows)
            if np.ptp(unseen) > 0 and np.ptp(ranks[seen]) > 0:
                correlation = float(stats.spearmanr(unseen, ranks[seen]).statistic)
        used = correlation * math.sqrt(count - 1) > CERTAIN
        self._trees = trees if used else []
        self.history.append({"outcomes": count, "correlation": round(correlation, 6), "used": used})

    def _forest(self, count: int) -> RandomForestRegressor:
        from sklearn.ensemble import RandomForestRegressor

        return RandomForestRegressor(
            n_estimators=self.settings.trees,
            min_samples_leaf=2,
            max_features=1 / 3,
            max_samples=min(1.0, SAMPLES / count) if count > SAMPLES else None,
            n_jobs=1,
            random_state=int(stream(self._seed, "surrogate", count).integers(2**31)),
        )


def _out_of_bag(trees: Sequence[Any], samples: Sequence[Array], rows: Array) -> tuple[Array, Array]:
    """Return which rows are unknown to at least one tree, and the mean over the trees that do not know them."""
    total, times = np.zeros(len(rows)), np.zeros(len(rows))
    for tree, known in zip(trees, samples, strict=True):
        unknown = np.setdiff1d(np.arange(len(rows)), known)
        total[unknown] += tree.predict(rows[unknown])[:, 0]
        times[unknown] += 1
    places = np.flatnonzero(times)
    return places, np.round(total[places] / times[places], 9)


def _next(count: int, growth: float) -> int:
    return max(count + 1, math.ceil(count * growth))
