"""A table as the numbers that a network receives, fitted on training rows alone.

Numbers are standardized, empty cells filled with the median; categories have a place each, one for empty cells and one
that rare and unseen categories share; dates become a number of days and points on the circles of year, week and day;
free text becomes TF-IDF weights of its words. Over the training rows every entry has mean 0, and all entries together
variance 1, which is what AutoInit starts from.

What was fitted is plain data (:meth:`TableEncoder.to_json`), so that it travels with a run without code in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gondwana.tasks.own_data.cells import CellError, dates, numbers, texts
from gondwana.tasks.own_data.columns import Column, infer
from gondwana.tasks.own_data.words import vocabulary, weights

WIDEST = 10.0
"""Standard deviations beyond which a number is cut off: what was never seen shall not drown everything else."""
ROUNDING = 1e-10
"""Deviations that are smaller, relative to the largest value, are errors of rounding: the values are equal."""
DAYS = 365.2425
TRUE_WORDS = frozenset({"true", "yes", "y", "t", "1"})

Json = dict[str, Any]


class NothingToLearnError(ValueError):
    """No column of the table says anything."""


class TableEncoder:
    """Encodes the rows of a table: ``fit`` on training rows, then ``transform`` any.

    Args:
        given: what is known of columns already, as for :func:`gondwana.tasks.own_data.columns.infer`.
    """

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self._given = dict(given or {})
        self.columns: dict[str, Column] = {}
        """What each column is; known after :meth:`fit`."""
        self._fitted: dict[str, Json] = {}
        self._center = np.zeros(0)
        self._scale = np.ones(0)

    def fit(self, frame: pd.DataFrame, columns: Mapping[str, Column] | None = None) -> TableEncoder:
        """Learn from training rows what there is to learn; return the encoder.

        Args:
            frame: training rows, input columns only.
            columns: what the columns are, if that was inferred before.

        Raises:
            NothingToLearnError: if no column is of use.
            ValueError: if a column cannot be what is said of it.
        """
        named = _by_text(frame)
        self.columns = dict(columns) if columns is not None else infer(named, self._given)
        if not any(column.width for column in self.columns.values()):
            raise NothingToLearnError(
                "no column of the table is of use: "
                + (
                    ", ".join(f"{name}: {column.kind}" for name, column in self.columns.items())
                    or "it has none"
                )
            )
        self._fitted = {name: _fitted(column, named[name], name) for name, column in self._used()}
        raw = self._raw(named)
        groups = np.concatenate([_groups(column, index) for index, (_, column) in enumerate(self._used())])
        self._center = raw.mean(axis=0)
        variance = raw.var(axis=0)
        variance[np.sqrt(variance) <= ROUNDING * np.abs(raw).max(axis=0)] = 0.0
        shared = {
            group: float(np.sqrt(variance[groups == group].mean())) or 1.0 for group in np.unique(groups)
        }
        self._scale = np.array([shared[group] for group in groups])
        return self

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """Return an array of shape (rows, :attr:`width`), float32, without empty places.

        Raises:
            CellError: if a column is missing, or holds what cannot be read.
        """
        if not self.columns:
            raise CellError("the encoder has seen no table yet; call fit with the training rows first")
        raw = self._raw(_by_text(frame))
        return np.clip((raw - self._center) / self._scale, -WIDEST, WIDEST).astype(np.float32)

    def fit_transform(self, frame: pd.DataFrame) -> np.ndarray:
        """Return ``fit(frame).transform(frame)``."""
        return self.fit(frame).transform(frame)

    @property
    def width(self) -> int:
        """Number of inputs of the network."""
        return sum(column.width for column in self.columns.values())

    @property
    def names(self) -> list[str]:
        """Names of the inputs of the network, as ``age``, ``age (empty)``, ``deck = B``."""
        return [
            f"{name}{part}" for name, column in self._used() for part in _parts(column, self._fitted[name])
        ]

    def describe(self) -> list[str]:
        """Return a line for each column: what it is, and what becomes of it."""
        return [f"{name}: {column.in_words()}" for name, column in self.columns.items()]

    def to_json(self) -> Json:
        """Return everything that was fitted, as a JSON object."""
        return {
            "columns": {name: column.to_json() for name, column in self.columns.items()},
            "fitted": self._fitted,
            "center": self._center.tolist(),
            "scale": self._scale.tolist(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableEncoder:
        """Inverse of :meth:`to_json`."""
        encoder = cls()
        encoder.columns = {name: Column.from_json(column) for name, column in data["columns"].items()}
        encoder._fitted = {name: dict(values) for name, values in data["fitted"].items()}
        encoder._center, encoder._scale = np.array(data["center"]), np.array(data["scale"])
        return encoder

    def _used(self) -> list[tuple[str, Column]]:
        return [(name, column) for name, column in self.columns.items() if column.width]

    def _raw(self, named: pd.DataFrame) -> np.ndarray:
        absent = [name for name, _ in self._used() if name not in named.columns]
        if absent:
            raise CellError(
                f"the table has no column {absent[0]!r}, which the network was trained with. "
                f"Received: {', '.join(map(str, named.columns))}"
            )
        blocks = [_block(column, named[name], self._fitted[name], name) for name, column in self._used()]
        return np.concatenate(blocks, axis=1)


def _by_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with names that are text. Raises CellError if two columns have the same name."""
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise CellError(f"two columns have the name {twice[0]!r}; rename one")
    return frame.set_axis(names, axis=1) if names != list(frame.columns) else frame


def _fitted(column: Column, cells: pd.Series, name: str) -> Json:
    """Return what a column needs beside its description: what empty cells are filled with, and words."""
    if column.kind == "number":
        return {"fill": _median(numbers(cells, name))}
    if column.kind == "date":
        return {"fill": _median(_days(dates(cells, day_first=column.day_first)))}
    if column.kind == "text":
        words, frequencies = vocabulary(texts(cells))
        return {"words": words[: column.words], "frequencies": frequencies[: column.words]}
    return {}


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else 0.0


def _block(column: Column, cells: pd.Series, fitted: Json, name: str) -> np.ndarray:
    """Return a column's part of the inputs before standardization, shape (rows, ``column.width``)."""
    if column.kind == "number":
        values = numbers(cells, name)
        empty = np.isnan(values)
        parts = [np.where(empty, fitted["fill"], values)]
    elif column.kind == "boolean":
        known = texts(cells)
        empty = known.isna().to_numpy(bool)
        true = TRUE_WORDS | {column.categories[1].lower()}
        lower = known.str.lower()
        parts = [np.where(empty, 0.5, lower.isin(true - {column.categories[0].lower()}).to_numpy(np.float64))]
    elif column.kind == "date":
        days = _days(dates(cells, day_first=column.day_first))
        empty = np.isnan(days)
        parts = _calendar(np.where(empty, fitted["fill"], days), column.hours)
    elif column.kind == "text":
        known = texts(cells)
        empty = known.isna().to_numpy(bool)
        parts = list(weights(known, fitted["words"], fitted["frequencies"]).T)
    else:
        known = texts(cells)
        empty = known.isna().to_numpy(bool)
        codes = pd.Categorical(known, categories=list(column.categories)).codes
        parts = list((codes[:, None] == np.arange(len(column.categories))).T.astype(np.float64))
        if column.other:
            unseen = (codes < 0) & ~(empty & column.missing)
            parts.append(unseen.astype(np.float64))
    indicator = [empty.astype(np.float64)] if column.missing else []
    return np.stack([*parts, *indicator], axis=1)


def _days(moments: pd.Series) -> np.ndarray:
    """Return days since 1970-01-01 with fractions; NaN for no date."""
    passed = (moments - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    return passed.to_numpy(np.float64, na_value=np.nan)


def _calendar(days: np.ndarray, hours: bool) -> list[np.ndarray]:
    """Return the days, and sine and cosine of the time of year, of week and, if wanted, of day."""
    circles = [days / DAYS % 1, np.floor(days) % 7 / 7, *([days % 1] if hours else [])]
    angles = [2 * np.pi * circle for circle in circles]
    return [days, *(turn(angle) for angle in angles for turn in (np.sin, np.cos))]


def _groups(column: Column, index: int) -> np.ndarray:
    """Return for each input of a column with what it shares its scale: nothing, its text, or all that is yes or no."""
    own = [f"{index}.{number}" for number in range(column.width)]
    if column.kind == "text":
        own = [f"{index}"] * column.width
    elif column.kind in ("category", "boolean"):
        own = ["yes or no"] * column.width
    if column.missing:
        own[-1] = "yes or no"
    return np.array(own)


def _parts(column: Column, fitted: Json) -> list[str]:
    """Return the names of the inputs of a column, without that of the column."""
    if column.kind == "date":
        circles = ["year", "week", *(["day"] if column.hours else [])]
        parts = ["", *(f" ({turn} of {circle})" for circle in circles for turn in ("sine", "cosine"))]
    elif column.kind == "category":
        parts = [f" = {value}" for value in column.categories] + ([" = (other)"] if column.other else [])
    elif column.kind == "text":
        parts = [f" has {word}" for word in fitted["words"]]
    else:
        parts = [""]
    return [*parts, *([" (empty)"] if column.missing else [])]
