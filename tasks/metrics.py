"""Metrics by name, each with its direction: what a search may select by, and what is shown beside it.

A head's ``metric`` is one of these names or a metric of Keras. Fitness is always larger for the better: of a metric
that measures errors it is the negative. Values are those of scikit-learn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from gondwana.tasks.options import unknown_name

BINARY, CLASSES, LABELS, NUMBER = "binary", "classes", "labels", "number"
"""Kinds of heads: one of two classes (a sigmoid unit), one of several (softmax), any of several (sigmoids), numbers."""

Array = np.ndarray
_SMALLEST: Final = 1e-7

_ERRORS_OF_KERAS: Final = (
    "error",
    "crossentropy",
    "hinge",
    "divergence",
    "poisson",
    "logcosh",
    "log_cosh",
    "loss",
)
"""Endings of the names of Keras' metrics that are better the smaller they are."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that tells how good predictions are.

    Attributes:
        name: as a config writes it.
        kinds: of the heads that it is defined for.
        value: from targets (n,) or (n, units) and outputs (n, units) to the figure; nan where it is not defined, as
            ROC AUC is for rows of a single class.
        chance: what an answer that knows nothing reaches, at most, in the units of the figure, from the number of
            classes; what a training that diverged counts as.
        larger_is_better: whether it is.
        in_units: whether the figure is in the units of a number that is predicted; its ``chance`` is that of a
            standardized one.
    """

    name: str
    kinds: frozenset[str]
    value: Callable[[str, Array, Array], float]
    chance: Callable[[int], float]
    larger_is_better: bool = True
    in_units: bool = False


def find(name: str) -> Metric:
    """Return the metric of a name.

    Raises:
        ValueError: if there is none (the message names the closest and all).
    """
    if name not in METRICS:
        raise ValueError(unknown_name("metric", name, METRICS))
    return METRICS[name]


def names_for(kind: str) -> tuple[str, ...]:
    """Return the names of the metrics that are defined for a kind of head."""
    return tuple(name for name, metric in METRICS.items() if kind in metric.kinds)


def larger_is_better(name: str) -> bool:
    """Return the direction of a metric, one of these or one of Keras."""
    return METRICS[name].larger_is_better if name in METRICS else not name.endswith(_ERRORS_OF_KERAS)


def fitness(name: str, value: float) -> float:
    """Return the value of a metric as a fitness, larger for the better."""
    return value if larger_is_better(name) else -value


def find_for(name: str, kind: str, output: str) -> Metric:
    """Return the metric of a name for an output of this kind.

    Raises:
        ValueError: if there is no such metric, or it is not defined for such an output.
    """
    metric = find(name)
    if kind not in metric.kinds:
        raise ValueError(
            f"metric {name!r} is not defined for the output {output!r}, which predicts {_WORDS[kind]}. "
            f"Defined there: {', '.join(names_for(kind))}"
        )
    return metric


def figures(
    kind: str, target: Array, output: Array, scale: tuple[float, float] = (0.0, 1.0)
) -> dict[str, float]:
    """Return all metrics that are defined for a kind of head, by name; those without a finite value are left out.

    Args:
        kind: what was predicted.
        target: labels or numbers, shape (n,), (n, 1) or (n, units).
        output: of the network, shape (n, units).
        scale: mean and deviation by which a number was standardized; its errors are in the units from before.
    """
    labels, outputs = _shaped(kind, target, output, scale)
    found = {name: METRICS[name].value(kind, labels, outputs) for name in names_for(kind)}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def value_of(
    name: str, kind: str, target: Array, output: Array, scale: tuple[float, float] = (0.0, 1.0)
) -> float:
    """Return one metric, as :func:`figures` does; nan where it is not defined."""
    return find(name).value(kind, *_shaped(kind, target, output, scale))


_WORDS: Final[Mapping[str, str]] = {
    BINARY: "one of two classes",
    CLASSES: "one of several classes",
    LABELS: "any of several labels",
    NUMBER: "numbers",
}


def _shaped(kind: str, target: Array, output: Array, scale: tuple[float, float]) -> tuple[Array, Array]:
    outputs = np.asarray(output, np.float64).reshape(len(output), -1)
    labels = np.asarray(target).reshape(len(target), -1)
    if kind in (BINARY, CLASSES):
        labels = labels[:, 0].astype(np.int64)
    if kind == BINARY:
        outputs = np.hstack([1 - outputs, outputs])
    if kind == NUMBER:
        mean, deviation = scale
        return labels * deviation + mean, outputs * deviation + mean
    return labels, outputs


def _predicted(kind: str, outputs: Array) -> Array:
    return (outputs > 0.5).astype(np.int64) if kind == LABELS else outputs.argmax(axis=1)


# Each function below takes the kind of head, targets as labels (n,) or (n, units), and outputs as probabilities
# (n, classes) or numbers (n, units).


def _accuracy(kind: str, y: Array, p: Array) -> float:
    return float(np.mean(_predicted(kind, p) == y))


def _balanced_accuracy(kind: str, y: Array, p: Array) -> float:
    hits = _predicted(kind, p) == y
    return float(np.mean([hits[y == label].mean() for label in np.unique(y)]))


def _f1(average: str) -> Callable[[str, Array, Array], float]:
    def value(kind: str, y: Array, p: Array) -> float:
        from sklearn.metrics import f1_score

        return float(f1_score(y, _predicted(kind, p), average=average, zero_division=0))

    return value


def _roc_auc(kind: str, y: Array, p: Array) -> float:
    """One against the rest, mean over the classes that have rows."""
    from sklearn.metrics import roc_auc_score

    found = [
        float(roc_auc_score(row, scores))
        for row, scores in _one_against_rest(kind, y, p)
        if 0 < row.sum() < len(row)
    ]
    return float(np.mean(found)) if found else math.nan


def _average_precision(kind: str, y: Array, p: Array) -> float:
    """One against the rest, mean over the classes that have rows."""
    from sklearn.metrics import average_precision_score

    rows = _one_against_rest(kind, y, p)
    found = [float(average_precision_score(row, scores)) for row, scores in rows if row.sum()]
    return float(np.mean(found)) if found else math.nan


def _one_against_rest(kind: str, y: Array, p: Array) -> list[tuple[Array, Array]]:
    if kind == BINARY:
        return [(y == 1, p[:, 1])]
    if kind == LABELS:
        return [(y[:, column] > 0.5, p[:, column]) for column in range(p.shape[1])]
    return [(y == label, p[:, label]) for label in range(p.shape[1])]


def _log_loss(kind: str, y: Array, p: Array) -> float:
    p = np.clip(p, _SMALLEST, 1 - _SMALLEST)
    if kind == LABELS:
        return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
    return float(-np.mean(np.log(p[np.arange(len(y)), y] / p.sum(axis=1))))


def _mcc(kind: str, y: Array, p: Array) -> float:
    from sklearn.metrics import matthews_corrcoef

    best = _predicted(kind, p)
    return float(matthews_corrcoef(y, best)) if len(np.union1d(y, best)) > 1 else math.nan


def _mae(kind: str, y: Array, p: Array) -> float:
    return float(np.mean(np.abs(y - p)))


def _rmse(kind: str, y: Array, p: Array) -> float:
    return float(np.sqrt(np.mean((y - p) ** 2)))


def _r2(kind: str, y: Array, p: Array) -> float:
    from sklearn.metrics import r2_score

    return float(r2_score(y, p)) if len(y) > 1 else math.nan


def _mape(kind: str, y: Array, p: Array) -> float:
    from sklearn.metrics import mean_absolute_percentage_error

    return float(mean_absolute_percentage_error(y, p))


def _quantile_loss(share: float) -> Callable[[str, Array, Array], float]:
    def value(kind: str, y: Array, p: Array) -> float:
        from sklearn.metrics import mean_pinball_loss

        return float(mean_pinball_loss(y, p, alpha=share))

    return value


def _error(name: str, value: Callable[[str, Array, Array], float], chance: float) -> Metric:
    return Metric(name, frozenset({NUMBER}), value, lambda k: chance, larger_is_better=False, in_units=True)


def _made() -> dict[str, Metric]:
    classes, all_classes = frozenset({BINARY, CLASSES}), frozenset({BINARY, CLASSES, LABELS})
    numbers = frozenset({NUMBER})
    half = math.sqrt(2 / math.pi)  # of a standardized Gaussian target, answered by its mean
    made = [
        Metric("accuracy", all_classes, _accuracy, lambda k: 1 / k),
        Metric("balanced_accuracy", classes, _balanced_accuracy, lambda k: 1 / k),
        Metric("f1_macro", all_classes, _f1("macro"), lambda k: 0.0),
        Metric("f1_micro", all_classes, _f1("micro"), lambda k: 0.0),
        Metric("f1", frozenset({BINARY}), _f1("binary"), lambda k: 0.0),
        Metric("roc_auc", all_classes, _roc_auc, lambda k: 0.5),
        Metric("average_precision", all_classes, _average_precision, lambda k: 0.0),
        Metric("mcc", classes, _mcc, lambda k: 0.0),
        Metric("log_loss", all_classes, _log_loss, lambda k: math.log(k), larger_is_better=False),
        Metric("r2", numbers, _r2, lambda k: 0.0),
        _error("mae", _mae, half),
        _error("rmse", _rmse, 1.0),
        Metric("mape", numbers, _mape, lambda k: 1.0, larger_is_better=False),
        *(_error(f"quantile_loss_{share:g}", _quantile_loss(share), half / 2) for share in (0.1, 0.5, 0.9)),
    ]
    return {metric.name: metric for metric in made}


METRICS: dict[str, Metric] = _made()
"""Metrics by name; :func:`register_metric` adds one's own."""


def register_metric(metric: Metric) -> None:
    """Make a metric of one's own known by its name, in the file that a config loads.

    Raises:
        ValueError: if the name is taken by another metric.
    """
    taken = METRICS.get(metric.name)
    if taken is not None and taken.value.__qualname__ != metric.value.__qualname__:
        raise ValueError(f"there is a metric {metric.name!r} already; give yours another name")
    METRICS[metric.name] = metric
