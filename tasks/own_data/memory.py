"""Rows that a program has in memory, as splits that a network can be trained with.

Arrays of two dimensions and DataFrames are tables, lists of text are tables with one column of text, arrays of three
and more dimensions are images or signals, standardized over all entries. Everything is fitted on the training rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gondwana.tasks.base import Split
from gondwana.tasks.own_data.answers import Answers
from gondwana.tasks.own_data.encoder import TableEncoder
from gondwana.tasks.own_data.target import (
    CLASS,
    NUMBER,
    class_codes,
    class_names,
    kind_of_target,
    refuse_empty,
    target_numbers,
)
from gondwana.tasks.splits import standardization

Rows = tuple[Any, Any]
"""Inputs and targets."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a network is trained with, and how it came about.

    Attributes:
        splits: the training split, then the others in their order.
        preprocessing: see :mod:`gondwana.tasks.own_data.answers`.
        classes: number of classes; 0 for a regression.
    """

    splits: tuple[Split, ...]
    preprocessing: Mapping[str, Any]
    classes: int

    def describe(self) -> tuple[str, ...]:
        """Return in lines what was inferred of a table with columns of several kinds."""
        encoder = Answers(self.preprocessing).encoder
        kinds = set() if encoder is None else {column.kind for column in encoder.columns.values()}
        return () if encoder is None or kinds == {"number"} else tuple(encoder.describe())


def prepare(train: Rows, others: Sequence[Rows] = (), *, predict: str | None = None) -> Prepared:
    """Return splits and preprocessing, fitted on ``train``.

    Args:
        train: training rows.
        others: validation rows, test rows.
        predict: ``class`` or ``number``; None infers it from the training targets.

    Raises:
        ValueError: if inputs or targets are not what can be learned; the message says which, and what to do.
    """
    inputs, fitted = _fit_inputs(train[0])
    target = as_series(train[1], len(inputs))
    refuse_empty(target, str(target.name))
    predict = predict or kind_of_target(target)
    ready = Answers(fitted)
    xs = [inputs, *(ready.inputs(as_rows(x)) for x, _ in others)]
    ys = [target, *(as_series(y, len(x)) for x, (_, y) in zip(xs[1:], others, strict=True))]
    if predict == CLASS:
        names = class_names(target, str(target.name))
        labels = [class_codes(y, names, str(y.name)) for y in ys]
        splits = tuple(Split(x, y) for x, y in zip(xs, labels, strict=True))
        return Prepared(splits, {**fitted, "classes": _plain_classes(target, names)}, len(names))
    numbers = [target_numbers(y, str(y.name)) for y in ys]
    mean, deviation = standardization(numbers[0])
    scaled = [((y - mean) / deviation).astype(np.float32) for y in numbers]
    splits = tuple(Split(x, y) for x, y in zip(xs, scaled, strict=True))
    return Prepared(splits, {**fitted, "mean": mean, "deviation": deviation}, 0)


def as_rows(x: Any) -> pd.DataFrame | np.ndarray:
    """Return inputs as a DataFrame, if they are a table with columns of several kinds, or as an array.

    Raises:
        ValueError: if they are neither.
    """
    if isinstance(x, pd.DataFrame):
        return x
    if isinstance(x, pd.Series):
        return x.to_frame(name="text" if x.name is None else x.name)
    array = np.asarray(x)
    if array.ndim == 0:
        raise ValueError(
            f"inputs must be a DataFrame, an array or a list of rows. Received: {type(x).__name__}"
        )
    if np.issubdtype(array.dtype, np.complexfloating):
        raise ValueError("inputs are complex numbers; give their real and imaginary parts")
    if array.dtype.kind in "OUS":
        table = pd.DataFrame(array.astype(object) if array.ndim == 2 else array.astype(object)[:, None])
        return table.set_axis(["text"], axis=1) if array.ndim == 1 else table.infer_objects()
    if array.dtype.kind not in "biuf":
        raise ValueError(f"inputs must be numbers, text or dates. Received: an array of {array.dtype}")
    return array[:, None] if array.ndim == 1 else array


def as_series(y: Any, rows: int) -> pd.Series:
    """Return a target as a Series with a name. Raises ValueError if it is not one value for each row."""
    if isinstance(y, pd.DataFrame):
        y = y.iloc[:, 0] if y.shape[1] == 1 else y.to_numpy()
    if not isinstance(y, pd.Series):
        array = np.asarray(y)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise ValueError(f"the target must be one value for each row. Received: shape {array.shape}")
        y = pd.Series(array, name="y")
    if len(y) != rows:
        raise ValueError(f"inputs and target must have as many rows. Received: {rows} and {len(y)}")
    series: pd.Series = y.reset_index(drop=True).rename("y" if y.name is None else y.name)
    return series


def _fit_inputs(x: Any) -> tuple[np.ndarray, dict[str, Any]]:
    rows = as_rows(x)
    if len(rows) == 0:
        raise ValueError("the training rows are empty")
    if isinstance(rows, pd.DataFrame) or rows.ndim == 2:
        encoder = TableEncoder(_given(x, rows))
        frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
        inputs = encoder.fit_transform(frame)
        if len(inputs) > 1 and not np.ptp(inputs, axis=0).any():
            raise ValueError("all training rows are equal; there is nothing to learn from")
        return inputs, {"encoder": encoder.to_json()}
    if not np.isfinite(rows.sum(dtype=np.float64)):
        raise ValueError("inputs hold numbers that are not finite; replace them, or leave their rows out")
    shape = rows.shape[1:] if rows.ndim > 3 else (*rows.shape[1:], 1)
    mean, deviation = standardization(rows)
    fitted = {"encoder": None, "input": {"mean": mean, "deviation": deviation, "shape": list(shape)}}
    return Answers(fitted).inputs(rows), fitted


def _given(x: Any, rows: pd.DataFrame | np.ndarray) -> dict[str, str]:
    """Return what is known of columns: those of an array are numbers, a list of text is text."""
    if isinstance(rows, np.ndarray):
        return {str(index): "number" for index in range(rows.shape[1])}
    if not isinstance(x, pd.DataFrame) and rows.shape[1] == 1 and rows.iloc[:, 0].dtype == object:
        return {str(rows.columns[0]): "text"}
    return {}


def _plain_classes(target: pd.Series, names: Sequence[str]) -> list[Any]:
    """Return the classes as values of the kind that the target has: whole numbers, booleans or text."""
    if pd.api.types.is_bool_dtype(target.dtype):
        return [name == "True" for name in names]
    if pd.api.types.is_integer_dtype(target.dtype):
        return [int(name) for name in names]
    if pd.api.types.is_float_dtype(target.dtype):
        return [float(name) for name in names]
    return list(names)


__all__ = ["CLASS", "NUMBER", "Prepared", "as_rows", "as_series", "prepare"]
