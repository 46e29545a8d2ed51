"""Seeded, stratified splits and subsets of labelled examples. Everything returns sorted row indices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gondwana.tasks.base import Head


def shares(counts: np.ndarray, size: int) -> np.ndarray:
    """Divide ``size`` among classes in proportion to ``counts`` (largest remainders; ties to the lower class).

    Raises:
        ValueError: if ``size`` exceeds the sum of the counts.
    """
    total = int(counts.sum())
    if not 0 <= size <= total:
        raise ValueError(f"cannot draw {size} of {total} examples")
    if total == 0:
        return np.zeros_like(counts)
    quotas = counts * (size / total)
    result = np.floor(quotas).astype(int)
    order = np.argsort(-(quotas - result), kind="stable")
    result[order[: size - result.sum()]] += 1
    return result


def draw(labels: np.ndarray, sizes: Sequence[int], seed: int) -> list[np.ndarray]:
    """Draw disjoint subsets of the given sizes, each with the class shares of what is left when it is drawn.

    Args:
        labels: class of each row, any integers.
        sizes: number of rows of each subset; drawn in this order, so that earlier subsets do not depend on later sizes.
        seed: seed of the draw.

    Raises:
        ValueError: if there are fewer rows than asked for.
    """
    if sum(sizes) > len(labels):
        raise ValueError(f"cannot draw {' + '.join(map(str, sizes))} of {len(labels)} examples")
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    left = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    subsets = []
    for size in sizes:
        taken = shares(np.array([len(rows) for rows in left]), size)
        subsets.append(np.sort(np.concatenate([rows[:k] for rows, k in zip(left, taken, strict=True)])))
        left = [rows[k:] for rows, k in zip(left, taken, strict=True)]
    return subsets


def standardization(train: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation over all entries of the training examples, computed in float64.

    Raises:
        ValueError: if all entries are equal.
    """
    mean, deviation = float(train.mean(dtype=np.float64)), float(train.std(dtype=np.float64))
    if deviation == 0.0:
        raise ValueError("all entries of the training examples are equal; there is nothing to learn from")
    return mean, deviation


def standardize(
    x: np.ndarray, mean: float | Sequence[float], deviation: float | Sequence[float]
) -> np.ndarray:
    """Return ``(x - mean) / deviation`` as C-contiguous float32; lists hold a value for each entry of the last axis."""
    center, scale = np.asarray(mean, np.float32), np.asarray(deviation, np.float32)
    return np.ascontiguousarray((x.astype(np.float32) - center) / scale)


def classification_head(classes: int, *, name: str = "output", **changes: Any) -> Head:
    """Return the head of a classification: softmax, cross-entropy, accuracy; chance is that of equal classes."""
    head = Head(
        name=name,
        units=classes,
        activation="softmax",
        loss="sparse_categorical_crossentropy",
        metric="sparse_categorical_accuracy",
        chance=1.0 / classes,
    )
    return replace(head, **changes)


def regression_head(scale: Sequence[float] = ()) -> Head:
    """Return the head of a regression: one linear unit, squared error, R squared, of which the mean has 0.

    Args:
        scale: mean and deviation by which the target was standardized; errors are shown in the units from before.
    """
    head = Head("output", 1, "linear", "mean_squared_error", "r2_score", 0.0)
    return replace(head, scale=(float(scale[0]), float(scale[1]))) if scale else head


def scale_of(preprocessing: Mapping[str, Any]) -> tuple[float, ...]:
    """Return mean and deviation of the target from what a task keeps of its preprocessing; nothing for classes."""
    if "deviation" not in preprocessing:
        return ()
    return float(preprocessing["mean"]), float(preprocessing["deviation"])


def images_to_classes(train: np.ndarray, classes: Iterable[Any], most: float = 255) -> dict[str, Any]:
    """Return the preprocessing (:meth:`gondwana.tasks.base.Task.preprocessing`) of images standardized as a whole.

    Args:
        train: training images as they are, shape (n, height, width, channels).
        classes: what the outputs mean.
        most: largest value of a pixel.
    """
    mean, deviation = standardization(train)
    fitted = {"mean": mean, "deviation": deviation, "shape": list(train.shape[1:]), "range": [0, most]}
    return {"encoder": None, "input": fitted, "classes": list(classes)}
