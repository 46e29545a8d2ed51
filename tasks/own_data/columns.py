"""What a column of a table is: number, category, boolean, date, text, identifier, constant; seen from training rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gondwana.tasks.options import check_choice, check_names
from gondwana.tasks.own_data.cells import DATE, dates, is_day_first, numbers, texts

KINDS = ("number", "category", "boolean", "date", "text", "identifier", "constant", "drop")
UNUSED = frozenset({"identifier", "constant", "drop"})
"""Kinds of columns that no network sees."""

MOST_CATEGORIES = 50
"""Categories of a column that get a place of their own, the most frequent first; the others share a bucket."""
RARE = 2
"""Categories with fewer training rows share a bucket, which is also that of categories never seen in training."""
MANY_ROWS = 20
"""Rows from which on it means something that no two cells are equal."""
QUICKLY = 10_000
"""Rows from which on a column of text is first looked at as numbers, which is quick, and usual in files."""
PAIRS = (("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"))
_NAMED_AS_ID = re.compile(
    r"(^|[^a-z])(id|ids|idx|index|uuid|guid|key|row|rownumber|nr)$|^unnamed", re.IGNORECASE
)
_CAMEL_ID = re.compile(r"[a-z]I[dD]$")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, as its training rows show it.

    Attributes:
        kind: one of :data:`KINDS`.
        categories: values of a ``category`` that have a place of their own; of a ``boolean``, both.
        missing: whether training rows have empty cells; an indicator says so to the network.
        other: whether training rows hold rare categories, which share a bucket.
        words: of a ``text``: the number of words that are looked at.
        hours: of a ``date``: whether its time of day differs.
        day_first: of a ``date`` in text: whether the day stands before the month.
    """

    kind: str
    categories: tuple[str, ...] = ()
    missing: bool = False
    other: bool = False
    words: int = 0
    hours: bool = False
    day_first: bool = False

    @property
    def width(self) -> int:
        """Number of inputs of the network that the column becomes."""
        sizes = {
            "number": 1,
            "boolean": 1,
            "category": len(self.categories) + self.other,
            "date": 7 if self.hours else 5,
            "text": self.words,
        }
        return 0 if self.kind in UNUSED else sizes[self.kind] + self.missing

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object without what has its default."""
        values: dict[str, Any] = {"kind": self.kind}
        if self.categories:
            values["categories"] = list(self.categories)
        names = ("missing", "other", "words", "hours", "day_first")
        return values | {name: getattr(self, name) for name in names if getattr(self, name)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Column:
        """Inverse of :meth:`to_json`. Raises ValueError for an unknown key or kind."""
        check_names("key of a column", data, cls.__slots__)
        check_choice("kind of a column", data.get("kind"), KINDS)
        categories = tuple(str(value) for value in data.get("categories", ()))
        return cls(**{**data, "categories": categories})

    def in_words(self) -> str:
        """Return what the column is and what becomes of it."""
        notes = {
            "number": "",
            "boolean": " / ".join(self.categories),
            "category": f"{len(self.categories)}: {_listed(self.categories)}"
            + (", the rare ones together" if self.other else ""),
            "date": "number, day of year, day of week" + (", time of day" if self.hours else ""),
            "text": f"{self.words} words",
            "identifier": "not used",
            "constant": "not used",
            "drop": "not used",
        }
        words = [f"{self.kind} ({notes[self.kind]})" if notes[self.kind] else self.kind]
        return words[0] + (", with empty cells" if self.missing else "")


def infer(frame: pd.DataFrame, given: Mapping[str, Any] | None = None) -> dict[str, Column]:
    """Return what each column of the training rows is.

    Args:
        frame: training rows, input columns only.
        given: what is known already, by name: a kind, or an object with ``kind`` and, of a category, ``categories``.

    Raises:
        ValueError: for a name that is no column, or an unknown kind.
    """
    named = {str(name): name for name in frame.columns}
    check_names("column of the table", given or {}, named)
    return {text: _column(frame[name], text, (given or {}).get(text)) for text, name in named.items()}


def _column(cells: pd.Series, name: str, given: Any) -> Column:
    said = {"kind": given} if isinstance(given, str) else dict(given or {})
    check_names(f"key of column {name!r}", said, Column.__slots__)
    kind = said.get("kind") or ("category" if said.get("categories") else kind_of(cells, name))
    check_choice(f"kind of column {name!r}", kind, KINDS)
    return _described(cells, name, kind, said.get("categories"))


def kind_of(cells: pd.Series, name: str) -> str:
    """Return the kind of a column that nothing is said about."""
    dtype = cells.dtype
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "date" if cells.nunique() > 1 else "constant"
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean" if cells.nunique() > 1 or cells.isna().any() else "constant"
    if not pd.api.types.is_numeric_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype):
        whole = pd.to_numeric(cells, errors="coerce") if len(cells) > QUICKLY else cells
        if pd.api.types.is_numeric_dtype(whole.dtype) and np.isfinite(whole.to_numpy()).all():
            return kind_of(whole, name)
    known = cells.dropna() if pd.api.types.is_numeric_dtype(dtype) else texts(cells).dropna()
    distinct = known.nunique()
    if distinct == 0 or (distinct == 1 and len(known) == len(cells)):
        return "constant"
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        return "identifier" if _counts_rows(numbers(cells, name), name) else "number"
    return "category" if isinstance(dtype, pd.CategoricalDtype) else _kind_of_text(known, name, distinct)


def _kind_of_text(known: pd.Series, name: str, distinct: int) -> str:
    """Return the kind of a column of text; ``known`` are its cells that are not empty."""
    if tuple(sorted(known.str.lower().unique())) in PAIRS:
        return "boolean"
    as_numbers = pd.to_numeric(known, errors="coerce")
    odd = known[as_numbers.isna()]
    most = 0.5 if as_numbers.nunique() >= MANY_ROWS else 0.1
    if len(odd) <= most * len(known) and odd.nunique() <= 2:  # a word or two for "not known" among numbers
        return (
            "identifier" if _counts_rows(as_numbers.to_numpy(np.float64, na_value=np.nan), name) else "number"
        )
    if known.str.match(DATE).mean() >= 0.95:
        return "date"
    words = known.str.count(r"\S+").mean()
    if distinct > 0.5 * len(known) and words >= 3 and len(known) >= MANY_ROWS:
        return "text"
    if distinct >= 0.95 * len(known) and len(known) >= MANY_ROWS:
        return "identifier"
    return "category"


def _counts_rows(values: np.ndarray, name: str) -> bool:
    """Return whether whole numbers, no two of them equal, are called an id or go up with the rows from the start."""
    if len(values) < MANY_ROWS or not np.isfinite(values).all() or (values % 1).any():
        return False
    if len(np.unique(values)) < len(values):
        return False
    counted = bool((np.diff(values) > 0).all()) and values[0] >= 0 and values[-1] < 3 * len(values)
    starts = values[0] <= 0.1 * len(values)
    return bool(_NAMED_AS_ID.search(name) or _CAMEL_ID.search(name)) or (counted and starts)


def _described(cells: pd.Series, name: str, kind: str, categories: Any) -> Column:
    if kind in UNUSED:
        return Column(kind)
    if kind == "number":
        return Column(kind, missing=bool(np.isnan(numbers(cells, name)).any()))
    if kind == "date":
        day_first = False if pd.api.types.is_datetime64_any_dtype(cells.dtype) else is_day_first(texts(cells))
        found = dates(cells, day_first=day_first)
        hours = bool((found.dropna().dt.normalize() != found.dropna()).any())
        return Column(kind, missing=bool(found.isna().any()), hours=hours, day_first=day_first)
    known = texts(cells)
    missing = bool(known.isna().any())
    if kind == "boolean":
        pair = tuple(str(value) for value in categories or sorted(known.dropna().unique(), key=str.lower))
        if len({value.lower() for value in pair}) > 2:
            raise ValueError(
                f"column {name!r} has more than two values, so it is no boolean: {_listed(pair)}"
            )
        return Column(kind, (pair[0], pair[-1]) if pair else ("false", "true"), missing)
    if kind == "text":
        from gondwana.tasks.own_data.words import vocabulary

        found_words = len(vocabulary(known)[0])
        return Column(kind, words=found_words, missing=missing) if found_words else Column("constant")
    return _category(known, missing, categories)


def _category(known: pd.Series, missing: bool, categories: Any) -> Column:
    counts = known.value_counts()
    if categories is not None:
        kept = [str(value) for value in categories]
    else:
        ranked = sorted(counts.items(), key=lambda item: (-int(item[1]), str(item[0])))
        enough = [str(value) for value, number in ranked if number >= RARE]
        kept = sorted((enough or [str(value) for value, _ in ranked])[:MOST_CATEGORIES])
    return Column("category", tuple(kept), missing, other=bool(len(set(counts.index) - set(kept))))


def _listed(values: tuple[str, ...]) -> str:
    shown = ", ".join(values[:5])
    return shown + (", ..." if len(values) > 5 else "")
