"""Scoring a network again and again while it is trained: on a fixed part of a split, and in the end on all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from gondwana.tasks.base import Arrays, Split, TaskInfo
from gondwana.tasks.training.loops import Predict, make_predictor
from gondwana.tasks.training.objective import Objective

SCORING_BATCH = 250
"""Examples per prediction; bounds the memory of scoring."""

PART, LEAST = 0.05, 50
"""Examples of the fixed part for each one trained on per epoch, and the fewest. A pass forward costs about a third of a
training step, so that looking at the part after each epoch costs a sixtieth of the training."""

SMALLEST = 1e-7
"""Least probability in a loss, Keras' epsilon."""


def _sparse_crossentropy(labels: np.ndarray, outputs: np.ndarray) -> float:
    chosen = np.clip(outputs, SMALLEST, 1 - SMALLEST)
    chosen = chosen / chosen.sum(axis=-1, keepdims=True)
    return float(-np.log(chosen[np.arange(len(labels)), labels.astype(int)]).mean())


def _binary_crossentropy(labels: np.ndarray, outputs: np.ndarray) -> float:
    chance = np.clip(outputs.reshape(-1), SMALLEST, 1 - SMALLEST)
    return float(-(labels * np.log(chance) + (1 - labels) * np.log(1 - chance)).mean())


def _sparse_accuracy(labels: np.ndarray, outputs: np.ndarray) -> float:
    return float((outputs.argmax(axis=-1) == labels).mean())


def _binary_accuracy(labels: np.ndarray, outputs: np.ndarray) -> float:
    return float(((outputs.reshape(-1) > 0.5) == (labels > 0.5)).mean())


Figure = Callable[[np.ndarray, np.ndarray], float]
LOSSES: Mapping[str, Figure] = {
    "sparse_categorical_crossentropy": _sparse_crossentropy,
    "binary_crossentropy": _binary_crossentropy,
}
METRICS: Mapping[str, Figure] = {
    "sparse_categorical_accuracy": _sparse_accuracy,
    "binary_accuracy": _binary_accuracy,
}
"""Keras' losses and metrics by name, for labels (n,) and outputs (n, units)."""


class Scorer:
    """Scores one model on one split. The network is traced once; every call uses the weights of that moment.

    Args:
        model: functional model with the outputs of the task.
        split: what to score on.
        info: the task.
        trained: training examples per epoch, which decides how large the fixed part is.
        predict: of the model; None traces it.

    Raises:
        ValueError: if the outputs of the model are not the task's heads, or the split is empty.
    """

    def __init__(
        self,
        model: keras.Model,
        split: Split,
        info: TaskInfo,
        trained: int,
        predict: Predict | None = None,
    ) -> None:
        self._objective = Objective(model, info)
        self._split = split
        self._rows = fixed_part(split.y, len(split), part_size(len(split), trained))
        self._x, self._y = split.x[self._rows], _taken(split.y, self._rows)
        self._predict = predict or make_predictor(model, split.x, min(SCORING_BATCH, len(split)))

    @property
    def part_rows(self) -> np.ndarray:
        """Rows of the split that :meth:`part` looks at."""
        return self._rows

    def part(self) -> dict[str, float]:
        """Return ``loss`` and ``fitness`` on the fixed part, as of :func:`gondwana.tasks.training.fit.score`."""
        return self._quick_score(self._predict(self._x))

    def whole(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return all figures of the whole split, and those of :meth:`part`, from one prediction."""
        predicted = self._predict(self._split.x)
        whole = self._objective.score(self._split.y, predicted, every_metric=True)
        return whole, self._quick_score([output[self._rows] for output in predicted])

    def _quick_score(self, predicted: Sequence[np.ndarray]) -> dict[str, float]:
        """Score by NumPy where it knows how: Keras' functions, called eagerly per head, cost more than the network."""
        losses, metrics = [], []
        heads = self._objective.heads
        for head, target, output in zip(heads, self._objective.targets(self._y), predicted, strict=True):
            if head.loss not in LOSSES or head.metric not in METRICS:
                return self._objective.score(self._y, predicted)
            known = target.reshape(-1) >= 0 if self._objective.masked else slice(None)
            labels, values = target[known].reshape(-1), np.asarray(output, np.float32)[known]
            losses.append(float(LOSSES[head.loss](labels, values)))
            metrics.append(float(METRICS[head.metric](labels, values)))
        return {"loss": float(np.sum(losses)), "fitness": float(np.mean(metrics))}


def part_size(split: int, trained: int) -> int:
    """Return how many rows of a split of ``split`` rows are looked at after each epoch of ``trained`` examples."""
    return min(split, max(LEAST, round(PART * trained)))


def fixed_part(y: Arrays, count: int, size: int) -> np.ndarray:
    """Return ``size`` of ``count`` rows, evenly spaced, so that a split sorted by class keeps its shares.

    With several heads, as many rows of each head as it has its share of, at least one: a head without a row has no
    metric. Rows without any label are left out then.
    """
    if size >= count:
        return np.arange(count)
    if not isinstance(y, dict):
        return _spaced(np.arange(count), size)
    known = [np.flatnonzero(np.asarray(target).reshape(count, -1)[:, 0] >= 0) for target in y.values()]
    total = sum(map(len, known))
    chosen = [_spaced(rows, max(1, round(size * len(rows) / total))) for rows in known if len(rows)]
    return np.unique(np.concatenate(chosen))


def _spaced(rows: np.ndarray, size: int) -> np.ndarray:
    places = np.linspace(0, len(rows) - 1, min(size, len(rows))).round().astype(int)
    found: np.ndarray = rows[places]
    return found


def _taken(y: Arrays, rows: np.ndarray) -> Arrays:
    return {name: target[rows] for name, target in y.items()} if isinstance(y, dict) else y[rows]
