"""What a network has to beat: the best constant answer, and a linear model on the same inputs, flattened.

Fitted on training rows with scikit-learn. Effort is bounded by rows, not by a clock, so that a task always has the same
baselines.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from gondwana.tasks.base import Arrays, Head, Split, TaskInfo
from gondwana.tasks.metrics import BINARY, CLASSES, LABELS

CONSTANT, LINEAR = "constant answer", "linear model"
EFFORT = 1e8
"""Most products of rows, features and outputs that a linear model is fitted on."""
LEAST_ROWS = 100
STEPS = 200


@dataclass(frozen=True, slots=True)
class Baseline:
    """Answers of a model that is no network.

    Attributes:
        name: :data:`CONSTANT` or :data:`LINEAR`.
        outputs: for each head of the task, in their order, what a network would put out, shape (rows, units).
        note: how it was fitted, in words.
    """

    name: str
    outputs: tuple[np.ndarray, ...]
    note: str


def fit_baselines(info: TaskInfo, train: Split, x: np.ndarray) -> tuple[Baseline, ...]:
    """Fit both baselines and return their answers to the rows ``x``; the constant alone if the task is too large.

    Args:
        info: the task.
        train: training rows.
        x: rows to answer, as the network receives them.
    """
    targets = [_target(train.y, head) for head in info.heads]
    constant = Baseline(
        CONSTANT,
        tuple(_constant(head, y, len(x)) for head, y in zip(info.heads, targets, strict=True)),
        f"{_all_or_each(info, 'the shares of the classes', 'the mean')} of the training rows, for every row",
    )
    rows = linear_rows(info, len(train))
    if rows < LEAST_ROWS and rows < len(train):
        return (constant,)
    chosen = np.linspace(0, len(train) - 1, rows).round().astype(int)
    inputs, asked = _features(info, train.x[chosen]), _features(info, x)
    outputs = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # steps are bounded on purpose; columns that never change are no news
        for head, y, known in zip(info.heads, targets, constant.outputs, strict=True):
            outputs.append(_linear(head, inputs, y[chosen], asked, known))
    kind = _all_or_each(info, "logistic regression", "ridge regression")
    note = f"{kind}, fitted on the flattened inputs of {rows:,} of {len(train):,} training rows"
    return constant, Baseline(LINEAR, tuple(outputs), note)


def _all_or_each(info: TaskInfo, classes: str, numbers: str) -> str:
    """Return the word for classes or the one for numbers, or both where the heads of a task differ."""
    words = [classes if head.kind in (BINARY, CLASSES, LABELS) else numbers for head in info.heads]
    return " and ".join(dict.fromkeys(words))


def linear_rows(info: TaskInfo, rows: int) -> int:
    """Return how many training rows a linear model is fitted on."""
    width = info.vocabulary or int(np.prod(info.input_shape))
    units = sum(head.units for head in info.heads)
    return min(rows, int(EFFORT / (width * units)))


def _features(info: TaskInfo, x: np.ndarray) -> Any:
    """Flatten rows; of token ids, count how often each occurs."""
    if info.vocabulary is None:
        return x.reshape(len(x), -1).astype(np.float64)
    from scipy.sparse import csr_matrix

    ids = x.reshape(len(x), -1)
    places = np.repeat(np.arange(len(x)), ids.shape[1])
    return csr_matrix((np.ones(ids.size), (places, ids.reshape(-1))), shape=(len(x), info.vocabulary))


def _target(y: Arrays, head: Head) -> np.ndarray:
    found = np.asarray(y[head.name] if isinstance(y, dict) else y)
    return found.reshape(len(found), -1)


def _known(head: Head, y: np.ndarray) -> np.ndarray:
    """Return which rows have a label: below 0, a class means none."""
    return y[:, 0] >= 0 if head.kind in (BINARY, CLASSES) else np.ones(len(y), bool)


def _constant(head: Head, y: np.ndarray, rows: int) -> np.ndarray:
    y = y[_known(head, y)]
    if head.kind == CLASSES:
        answer = np.bincount(y[:, 0].astype(int), minlength=head.units) / max(len(y), 1)
    else:
        answer = y.astype(np.float64).mean(axis=0) if len(y) else np.zeros(head.units)
    return np.tile(answer, (rows, 1))


def _linear(head: Head, inputs: Any, y: np.ndarray, asked: Any, constant: np.ndarray) -> np.ndarray:
    from scipy.sparse import issparse
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    known = _known(head, y)
    inputs, y = inputs[known], y[known]
    scaler = StandardScaler(with_mean=not issparse(inputs))
    if head.kind == LABELS:
        columns = [
            _linear(_one(head), inputs, y[:, [unit]], asked, constant[:, [unit]])
            for unit in range(head.units)
        ]
        return np.hstack(columns)
    if head.kind not in (BINARY, CLASSES):
        found = make_pipeline(scaler, Ridge()).fit(inputs, y).predict(asked)
        return np.asarray(found, np.float64).reshape(len(constant), -1)
    labels = y[:, 0].astype(int)
    if len(np.unique(labels)) < 2:
        return constant
    model = make_pipeline(scaler, LogisticRegression(max_iter=STEPS)).fit(inputs, labels)
    shares = model.predict_proba(asked)
    if head.kind == BINARY:
        return np.asarray(shares[:, 1:], np.float64)
    answers = np.zeros((len(constant), head.units))
    answers[:, model.classes_] = shares
    return answers


def _one(head: Head) -> Head:
    return Head(head.name, 1, "sigmoid", "binary_crossentropy", head.metric, head.chance)
