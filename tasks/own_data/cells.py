"""Cells of a table as text, numbers and dates: what is empty, what is a number, what is a date.

A table comes from a file, where every cell is text, or from memory, where columns have types. Both are read alike, so
that an encoder fitted on the one understands the other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

EMPTY = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-", "#n/a", "<na>", "nat"})
"""What people write into a cell that has no value, in lower case."""

LARGEST = 1e100
"""Numbers beyond this are taken for mistakes: their squares would overflow."""

DATE = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d{1,2}:\d{2}.*)?$"
"""Dates in numbers, year or day first, with or without a time."""


class CellError(ValueError):
    """A cell or a column that cannot be understood; the message names it."""


def texts(column: pd.Series) -> pd.Series:
    """Return the cells as stripped text, empty ones as None; whole numbers without a decimal point."""
    if pd.api.types.is_bool_dtype(column.dtype):
        column = column.astype(object)
    elif pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype(object).map(_number_as_text, na_action="ignore").where(column.notna(), None)
    try:
        codes, distinct = pd.factorize(column.astype(object))  # each value is looked at once
    except TypeError as error:
        raise CellError(
            f"column {column.name!r} holds lists or other objects; give a column for each of their values"
        ) from error
    cleaned = np.array([*map(_cleaned, distinct), None], object)
    return pd.Series(cleaned[codes], index=column.index, name=column.name, dtype=object)


def numbers(column: pd.Series, name: object) -> np.ndarray:
    """Return the cells as float64, NaN where a cell is empty or is no number.

    Raises:
        CellError: for an infinite number or one beyond :data:`LARGEST`, or a column of complex ones.
    """
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return np.asarray(column.dt.total_seconds(), np.float64)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        raise CellError(f"column {name!r} holds dates where numbers were in the training rows")
    if pd.api.types.is_complex_dtype(column.dtype):
        raise CellError(f"column {name!r} holds complex numbers; give their real and imaginary parts")
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(np.float64, na_value=np.nan)
    else:
        values = pd.to_numeric(column.astype(object), errors="coerce").to_numpy(np.float64, na_value=np.nan)
    too_large = np.flatnonzero(np.abs(values) > LARGEST)
    if len(too_large):
        what = "an infinite number" if np.isinf(values[too_large[0]]) else f"a number above {LARGEST:g}"
        raise CellError(
            f"column {name!r}, row {too_large[0]}: {what}; leave the cell empty if its value is not known"
        )
    return values


def dates(column: pd.Series, *, day_first: bool) -> pd.Series:
    """Return the cells as dates and times in UTC without a zone, NaT where there is none."""
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        cells = texts(column)
        distinct = pd.Series(cells.dropna().unique(), dtype=object)  # each is parsed once
        parsed = pd.to_datetime(distinct, errors="coerce", format="mixed", dayfirst=day_first, utc=True)
        lookup = dict(zip(distinct, parsed, strict=True))
        column = pd.Series([lookup.get(cell, pd.NaT) for cell in cells], index=column.index)
        column = pd.to_datetime(column, utc=True)
    return column.dt.tz_convert(None) if column.dt.tz is not None else column


def is_day_first(cells: pd.Series) -> bool:
    """Return whether dates in text begin with the day: they are written with dots, or a first number exceeds 12."""
    starts = cells.dropna().str.extract(r"^(\d{1,2})([-/.])\d{1,2}[-/.]\d{2,4}")
    numbers_first = pd.to_numeric(starts[0], errors="coerce")
    return bool((starts[1] == ".").any() or (numbers_first > 12).any())


def _cleaned(cell: object) -> str | None:
    """Return a cell as text, None if that means that it is empty."""
    text = _number_as_text(cell) if isinstance(cell, float | np.floating) else str(cell).strip()
    return None if text.lower() in EMPTY else text


def _number_as_text(number: object) -> str:
    value = float(number)  # type: ignore[arg-type]
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
