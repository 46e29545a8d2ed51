"""Weights of the classes in the training loss: rare ones count more, so that all are learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gondwana.tasks.base import Head
from gondwana.tasks.metrics import BINARY, CLASSES
from gondwana.tasks.options import check_number

BALANCED = "balanced"


def check_class_weight(value: Any) -> None:
    """Raise a ValueError unless ``value`` is None, ``balanced`` or a mapping from class numbers to positive numbers."""
    if value is None or value == BALANCED:
        return
    if not isinstance(value, Mapping) or not value:
        raise ValueError(
            "training: 'class_weight' is 'balanced' or a mapping from class numbers to weights, such as {1: 5}. "
            f"Received: {value!r}"
        )
    for label, weight in value.items():
        if not str(label).isdigit():
            raise ValueError(
                f"training: 'class_weight' has class numbers, from 0, as keys. Received: {label!r}"
            )
        check_number(f"training: 'class_weight' of class {label}", weight, low=0.0, high=1e6, open_low=True)


def class_weights(value: Any, head: Head, target: np.ndarray) -> np.ndarray | None:
    """Return the weight of each class of a head, float32 of shape (classes,); None if all are equal.

    ``balanced`` gives all classes that occur the same share of the loss, with a mean weight of 1 over the examples.

    Args:
        value: of the recipe, see :func:`check_class_weight`.
        head: one of several classes.
        target: labels of the training examples; those below 0 are no labels.

    Raises:
        ValueError: if the head does not predict one of several classes, or a class number is too large.
    """
    if value is None:
        return None
    if head.kind not in (BINARY, CLASSES):
        raise ValueError(
            f"training: 'class_weight' needs an output that is one of several classes; {head.name!r} is not. "
            f"Received: {value!r}"
        )
    count = 2 if head.kind == BINARY else head.units
    weights = np.ones(count, np.float32)
    if value == BALANCED:
        labels = np.asarray(target).reshape(-1)
        counts = np.bincount(labels[labels >= 0].astype(np.int64), minlength=count)
        there = counts > 0
        weights[there] = counts.sum() / (there.sum() * counts[there])
        return weights
    for label, weight in value.items():
        if int(label) >= count:
            raise ValueError(
                f"training: 'class_weight' names class {label}, but the classes of {head.name!r} are 0 to {count - 1}"
            )
        weights[int(label)] = weight
    return weights
