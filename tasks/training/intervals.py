"""How sure a figure is: intervals of the fitness of a network, and of the difference of two, over the rows of a split.

They say how the figure might have come out on other rows of the same kind, not with another seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np

from gondwana.tasks.base import Arrays, Head, Split, TaskInfo
from gondwana.tasks.metrics import LABELS, fitness
from gondwana.tasks.training.loops import predict
from gondwana.tasks.training.objective import Objective, metric_value
from gondwana.tasks.training.scoring import METRICS, SCORING_BATCH

SHARE = 0.95
RESAMPLES = 200
MOST_ROWS = 20_000
"""Of more rows, so many are drawn each time, and the width is corrected for it."""


def score_with_interval(model: keras.Model, split: Split, info: TaskInfo, seed: int = 0) -> dict[str, float]:
    """Return the figures of :func:`gondwana.tasks.training.fit.score`, ``fitness_low`` and ``fitness_high`` among them.

    These two are left out where the split has too few rows to say anything.
    """
    objective = Objective(model, info)
    predicted = predict(model, split.x, SCORING_BATCH)
    result = objective.score(split.y, predicted, every_metric=True)
    targets = objective.targets(split.y)
    found = interval(objective.heads, targets, predicted, seed)
    return result if found is None else result | {"fitness_low": found[0], "fitness_high": found[1]}


def targets_of(info: TaskInfo, y: Arrays) -> tuple[np.ndarray, ...]:
    """Return the targets of each head of a task, shape (rows, units) or, for classes, (rows,)."""
    found = [np.asarray(y[head.name] if isinstance(y, dict) else y) for head in info.heads]
    return tuple(a.reshape(-1, 1) if h.units == 1 else a for h, a in zip(info.heads, found, strict=True))


def fitness_of(heads: Sequence[Head], targets: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> float:
    """Return the mean over heads of their metrics, larger for the better; nan where one is not defined."""
    values = []
    for head, target, output in zip(heads, targets, outputs, strict=True):
        known = target.reshape(len(target), -1)[:, 0] >= 0 if len(heads) > 1 else slice(None)
        labels, answers = target[known], np.asarray(output, np.float32)[known]
        if not len(labels):
            return float("nan")
        if head.metric in METRICS:
            values.append(METRICS[head.metric](labels.reshape(-1), answers))
        else:
            values.append(fitness(head.metric, metric_value(head, labels, answers)))
    return float(np.mean(values))


def interval(
    heads: Sequence[Head], targets: Sequence[np.ndarray], outputs: Sequence[np.ndarray], seed: int = 0
) -> tuple[float, float] | None:
    """Return the 95 % interval of a fitness: Wilson's for an accuracy, otherwise a bootstrap over rows."""
    head, rows = heads[0], len(targets[0])
    shares = head.metric.endswith("accuracy") and head.metric != "balanced_accuracy"
    if len(heads) == 1 and shares and head.kind != LABELS:  # labels of one row rise and fall together
        from scipy.stats import binomtest

        hits = round(fitness_of(heads, targets, outputs) * rows)
        found = binomtest(hits, rows).proportion_ci(SHARE, method="wilson")
        return float(found.low), float(found.high)
    return _bootstrap(
        rows,
        lambda chosen: fitness_of(heads, [y[chosen] for y in targets], [p[chosen] for p in outputs]),
        seed,
    )


def difference(
    heads: Sequence[Head],
    targets: Sequence[np.ndarray],
    first: Sequence[np.ndarray],
    second: Sequence[np.ndarray],
    seed: int = 0,
) -> tuple[float, float] | None:
    """Return the 95 % interval of how much fitter the first answers are than the second ones to the same rows."""

    def value(chosen: np.ndarray) -> float:
        labels = [y[chosen] for y in targets]
        values = [fitness_of(heads, labels, [p[chosen] for p in answers]) for answers in (first, second)]
        return values[0] - values[1]

    return _bootstrap(len(targets[0]), value, seed)


def _bootstrap(rows: int, value: Callable[[np.ndarray], float], seed: int) -> tuple[float, float] | None:
    if rows < 10:
        return None
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(rows,)))
    size = min(rows, MOST_ROWS)
    drawn = np.array([value(rng.integers(rows, size=size)) for _ in range(RESAMPLES)])
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < RESAMPLES / 2:
        return None
    middle = float(np.mean(drawn))
    low, high = (float(np.quantile(drawn, q)) for q in ((1 - SHARE) / 2, (1 + SHARE) / 2))
    narrowing = (size / rows) ** 0.5
    return middle + (low - middle) * narrowing, middle + (high - middle) * narrowing
