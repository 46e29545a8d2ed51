"""Wrong data, named before anything is trained: one look at the splits of a task, in the driver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gondwana.tasks.base import Head, SearchData, Split, TaskInfo

BINARY_LOSSES = frozenset({"binary_crossentropy", "hinge", "squared_hinge"})
CLASS_LOSSES = frozenset({"sparse_categorical_crossentropy"})


class WrongDataError(ValueError):
    """What a task hands over is not what it declares, or nothing can be learned from it."""


def check_search_data(info: TaskInfo, data: SearchData) -> tuple[str, ...]:
    """Check the training and the validation split; return what is suspicious, in sentences.

    Raises:
        WrongDataError: if a split has another shape or type than declared, is empty, holds a number that is not finite
            or a label outside the classes, or, in training, one class only.
    """
    if not isinstance(data, SearchData):
        raise WrongDataError(
            f"task {info.name!r}: search_data returns a SearchData. Received: {type(data).__name__}"
        )
    check_split(info, data.train, "training")
    check_split(info, data.validation, "validation")
    return (
        *_classes(info, data),
        *_rows_in_both(data.train.x, data.validation.x),
    )


def check_split(info: TaskInfo, split: Split, name: str) -> None:
    """Check one split. Raises WrongDataError as :func:`check_search_data`."""
    where = f"task {info.name!r}, {name} split"
    if not isinstance(split, Split):
        raise WrongDataError(f"{where}: must be a Split. Received: {type(split).__name__}")
    for number, x in enumerate((split.x, *split.variants)):
        _check_inputs(info, x, where if number == 0 else f"{where}, variant {number}")
        if len(x) != len(split.x):
            raise WrongDataError(f"{where}: variant {number} has {len(x)} rows instead of {len(split.x)}")
    targets = split.y if isinstance(split.y, dict) else {info.heads[0].name: split.y}
    absent = [head.name for head in info.heads if head.name not in targets]
    if absent:
        raise WrongDataError(
            f"{where}: the targets lack the head {absent[0]!r}. Received: {', '.join(map(str, targets))}"
        )
    for head in info.heads:
        _check_target(head, targets[head.name], len(split.x), where, masked=len(info.heads) > 1)


def _check_inputs(info: TaskInfo, x: Any, where: str) -> None:
    if not isinstance(x, np.ndarray):
        raise WrongDataError(f"{where}: x must be a NumPy array. Received: {type(x).__name__}")
    if x.ndim == 0 or len(x) == 0:
        raise WrongDataError(f"{where}: it has no rows")
    if x.shape[1:] != tuple(info.input_shape):
        raise WrongDataError(
            f"{where}: x must have the shape (rows, {', '.join(map(str, info.input_shape))}), as info.input_shape "
            f"says. Received: {x.shape}"
        )
    if not (np.issubdtype(x.dtype, np.number) or x.dtype == bool):
        raise WrongDataError(f"{where}: x must hold numbers of type {info.input_dtype}. Received: {x.dtype}")
    if np.issubdtype(x.dtype, np.inexact):
        _check_finite(x, f"{where}: x")
    elif info.vocabulary is not None and not 0 <= int(x.min()) <= int(x.max()) < info.vocabulary:
        raise WrongDataError(
            f"{where}: token ids must be from 0 to {info.vocabulary - 1}. Received: {x.min()} to {x.max()}"
        )


def _check_finite(values: np.ndarray, what: str) -> None:
    # A sum is not finite if one of its terms is not: no array as large as the data is needed for the usual case.
    if np.isfinite(values.sum(dtype=np.float64)):
        return
    flat = np.flatnonzero(~np.isfinite(values))
    if len(flat):
        row = np.unravel_index(flat[0], values.shape)[0]
        raise WrongDataError(
            f"{what} holds {len(flat)} numbers that are not finite, the first in row {row}: "
            f"{values.reshape(-1)[flat[0]]}; replace them, or leave their rows out"
        )


def _check_target(head: Head, y: Any, rows: int, where: str, *, masked: bool) -> None:
    what = f"{where}: target {head.name!r}"
    if not isinstance(y, np.ndarray):
        raise WrongDataError(f"{what} must be a NumPy array. Received: {type(y).__name__}")
    if y.ndim == 0 or len(y) != rows:
        raise WrongDataError(f"{what} must have as many rows as x, {rows}. Received: shape {y.shape}")
    if not (np.issubdtype(y.dtype, np.number) or y.dtype == bool):
        raise WrongDataError(f"{what} must hold numbers. Received: {y.dtype}")
    if np.issubdtype(y.dtype, np.inexact):
        _check_finite(y, what)
    if head.loss in CLASS_LOSSES | BINARY_LOSSES:
        if y.size != rows:
            raise WrongDataError(f"{what} must hold one label a row. Received: shape {y.shape}")
        _check_labels(y, 2 if head.loss in BINARY_LOSSES else head.units, what, masked=masked)
    elif y.size != rows * head.units:
        raise WrongDataError(f"{what} must have {head.units} numbers a row. Received: shape {y.shape}")


def _check_labels(y: np.ndarray, classes: int, what: str, *, masked: bool) -> None:
    if np.issubdtype(y.dtype, np.inexact) and (y % 1).any():
        raise WrongDataError(f"{what} must hold whole numbers, the classes. Received: {y[(y % 1) != 0][0]}")
    wrong = np.flatnonzero((y >= classes) | ((y < 0) & (not masked)))
    if len(wrong):
        raise WrongDataError(
            f"{what} must hold labels from 0 to {classes - 1}. "
            f"Received: {y.reshape(-1)[wrong[0]]:g} in row {wrong[0]}, {len(wrong)} such labels in all"
        )


def _classes(info: TaskInfo, data: SearchData) -> Iterator[str]:
    """Yield what is odd about the classes of the splits. Raises WrongDataError if training has one class only."""
    for head in info.heads:
        if head.loss not in CLASS_LOSSES | BINARY_LOSSES:
            continue
        train, validation = (_labels(split.y, head) for split in (data.train, data.validation))
        if len(train) < 2 and len(info.heads) == 1:
            raise WrongDataError(
                f"task {info.name!r}: all training rows have the class {', '.join(map(str, train))}; there is "
                "nothing to tell apart"
            )
        if len(validation) < 2 and len(info.heads) == 1:
            yield f"all validation rows have the same class {validation[0]}: every network that says it is perfect"
        unseen = np.setdiff1d(validation, train)
        if len(unseen):
            yield (
                f"validation has {len(unseen)} classes of {head.name!r} that no training row has: "
                f"{', '.join(map(str, unseen[:5]))}{', ...' if len(unseen) > 5 else ''}"
            )


def _labels(y: Any, head: Head) -> np.ndarray:
    found = np.unique((y[head.name] if isinstance(y, dict) else y).astype(np.int64))
    return found[found >= 0]


def _rows_in_both(train: np.ndarray, validation: np.ndarray) -> Iterator[str]:
    seen = set(_fingerprints(train))
    both = sum(
        fingerprint in seen for fingerprint in _fingerprints(validation.astype(train.dtype, copy=False))
    )
    if both:
        yield (
            f"{both} of {len(validation)} validation rows are also in training, entry by entry: what is learned "
            "by heart counts as learned"
        )


def _fingerprints(x: np.ndarray) -> Iterator[int]:
    return (hash(row.tobytes()) for row in x)
