"""The column to predict: classes or a number, and how it becomes what a network is trained with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gondwana.tasks.own_data.cells import numbers, texts

CLASS, NUMBER = "class", "number"
FEW_VALUES = 20
"""A target of whole numbers has at most so many different ones if they are classes."""


class TargetError(ValueError):
    """The target cannot be learned: empty cells, a single class, an identifier."""


def kind_of_target(cells: pd.Series) -> str:
    """Return :data:`CLASS` or :data:`NUMBER`: fractions and many whole numbers are numbers, all else are classes."""
    dtype = cells.dtype
    if pd.api.types.is_bool_dtype(dtype) or isinstance(dtype, pd.CategoricalDtype):
        return CLASS
    known = cells.dropna() if pd.api.types.is_numeric_dtype(dtype) else texts(cells).dropna()
    values = pd.to_numeric(known, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if not len(values) or np.isnan(values).any():
        return CLASS
    few = len(np.unique(values)) <= min(FEW_VALUES, max(2, len(values) // 2))
    return CLASS if few and not (values % 1).any() else NUMBER


def refuse_empty(cells: pd.Series, name: str, *, first_line: int = 0) -> None:
    """Raise TargetError if a cell of the target is empty; rows count from ``first_line``."""
    empty = np.flatnonzero(texts(cells).isna())
    if len(empty):
        word = "line" if first_line else "row"
        raise TargetError(
            f"the target {name!r} is empty in {len(empty)} of {len(cells)} rows, first in {word} "
            f"{empty[0] + first_line}; leave these rows out"
        )


def class_names(cells: pd.Series, name: str) -> tuple[str, ...]:
    """Return the classes of a target without empty cells, sorted: numbers by size, text by letters.

    Raises:
        TargetError: if there is one class only, or almost as many as rows.
    """
    found = [str(value) for value in texts(cells).unique()]
    if len(found) < 2:
        what = f"the same value {found[0]!r} in all rows" if found else "no row"
        raise TargetError(f"the target {name!r} has {what}; there is nothing to tell apart")
    if len(found) > max(2, len(cells) // 2):
        raise TargetError(
            f"the target {name!r} has {len(found)} different values in {len(cells)} rows, too many to be classes; "
            "name another target, or predict a number (predict: number, NetworkRegressor)"
        )
    as_numbers = pd.to_numeric(pd.Series(found), errors="coerce")
    if as_numbers.isna().any():
        return tuple(sorted(found))
    return tuple(found[index] for index in np.argsort(as_numbers.to_numpy(), kind="stable"))


def class_codes(cells: pd.Series, classes: Sequence[str], name: str, *, first_line: int = 0) -> np.ndarray:
    """Return the position of each cell in ``classes``, int32. Raises TargetError for a value that is none of them."""
    known = texts(cells)
    codes = pd.Categorical(known, categories=[str(value) for value in classes]).codes.astype(np.int32)
    bad = np.flatnonzero(codes < 0)
    if len(bad):
        word = "line" if first_line else "row"
        shown = ", ".join(map(str, classes[:8])) + (", ..." if len(classes) > 8 else "")
        raise TargetError(
            f"{word} {bad[0] + first_line}: column {name!r} must hold one of {shown}. "
            f"Received: {known.iloc[bad[0]]!r}"
        )
    return codes


def target_numbers(cells: pd.Series, name: str, *, first_line: int = 0) -> np.ndarray:
    """Return the target as float64. Raises TargetError for a cell that is no finite number."""
    values = numbers(cells, name)
    bad = np.flatnonzero(np.isnan(values))
    if len(bad):
        word = "line" if first_line else "row"
        raise TargetError(
            f"{word} {bad[0] + first_line}: column {name!r} must hold finite numbers. "
            f"Received: {cells.iloc[bad[0]]!r}"
        )
    return values
