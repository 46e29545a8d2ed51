"""Classification or regression of the rows of a table of one's own, with nothing declared but the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gondwana.tasks.base import SearchData, Split, Task, TaskInfo
from gondwana.tasks.data import DamagedDataError
from gondwana.tasks.options import check_choice, check_int, check_names
from gondwana.tasks.own_data.columns import Column, infer
from gondwana.tasks.own_data.csv_file import read_cells, separator_of
from gondwana.tasks.own_data.declared import declared_codes, declared_inputs, declared_numbers
from gondwana.tasks.own_data.encoder import TableEncoder
from gondwana.tasks.own_data.files import check_classes, located, three_ways
from gondwana.tasks.own_data.target import (
    CLASS,
    NUMBER,
    class_codes,
    class_names,
    kind_of_target,
    refuse_empty,
    target_numbers,
)
from gondwana.tasks.registry import register
from gondwana.tasks.splits import classification_head, regression_head, standardization

FIRST_LINE = 2
"""Line of the file with the first row."""


@register("table")
@dataclass(frozen=True)
class Table(Task):
    """Classification or regression of the rows of a CSV file, split 60 / 20 / 20 percent, stratified by class.

    What its columns are, their categories, the classes, and whether it is a classification are inferred from the
    training rows (:mod:`gondwana.tasks.own_data.columns`), and they become numbers by
    :class:`gondwana.tasks.own_data.encoder.TableEncoder`, fitted on training rows: input mean 0 and variance 1. A
    numeric target is standardized as well, and scored by R squared.

    With ``numeric`` or ``categorical``, only the columns named there are used; as long as every cell is what they say,
    nothing is inferred.

    Attributes:
        path: the file, absolute or relative to the data folder.
        target: name of the column to predict.
        numeric: names of numeric input columns.
        categorical: for each categorical input column, its categories.
        classes: values of the target, for a classification.
        separator: between cells; another usual one is found if the target is not among the columns.
        seed: seed of the split.
        columns: what is to be known of columns otherwise inferred: a kind by name, ``drop`` to leave one out.
        predict: ``class`` or ``number``; None infers it from the target.
        schema: what was inferred, for each input column; written by a run, and inferred if empty.
        scale: mean and deviation by which a numeric target was standardized, in whose units errors are shown; written
            by a run, and inferred if empty.
    """

    path: str
    target: str
    numeric: Sequence[str] = ()
    categorical: Mapping[str, Sequence[str]] = field(default_factory=dict)
    classes: Sequence[str] = ()
    separator: str = ","
    seed: int = 0
    columns: Mapping[str, Any] = field(default_factory=dict)
    predict: str | None = None
    schema: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scale: Sequence[float] = ()

    def __post_init__(self) -> None:
        for name in ("path", "target", "separator"):
            _check_text(name, getattr(self, name))
        _check_list("numeric", self.numeric)
        _check_list("classes", self.classes)
        for name in ("categorical", "columns", "schema"):
            _check_mapping(name, getattr(self, name))
        for name, values in self.categorical.items():
            _check_list(f"categorical.{name}", values)
        if self.classes:
            check_classes("table", self.classes)
        if self.target in {*self.numeric, *self.categorical, *self.columns}:
            raise ValueError(f"table: the target {self.target!r} must not be among the input columns")
        if self.predict is not None:
            check_choice("value of option 'predict' of task 'table'", self.predict, (CLASS, NUMBER))
        check_int("table: option 'seed'", self.seed, least=0)

    @property
    def info(self) -> TaskInfo:
        """What goes in and what comes out; looks at the file if that has to be inferred."""
        if not (self.schema or self._declared):
            return self.resolved().info
        head = regression_head(self.scale)
        if self.classes:
            head = classification_head(len(self.classes))
        if self.schema:
            width = sum(column.width for column in self._schema().values())
        else:
            width = len(self.numeric) + sum(len(values) for values in self.categorical.values())
        return TaskInfo("table", (width,), (head,), options=self.options())

    def options(self) -> dict[str, Any]:
        """Return the options as plain data; those that came after 0.1.0 only if they say something."""
        lists = {name: list(getattr(self, name)) for name in ("numeric", "classes", "scale")}
        categorical = {name: list(values) for name, values in self.categorical.items()}
        every = asdict(self) | lists | {"categorical": categorical}
        return {
            name: value
            for name, value in every.items()
            if value or name not in ("columns", "predict", "schema", "scale")
        }

    def resolved(self, data_dir: Path | None = None) -> Table:
        """Return the task with everything in its options that its training rows show.

        Raises:
            ValueError: if nothing can be learned from the table; the message says why.
        """
        if self.schema:
            return self
        if self._declared and self._is_as_declared(data_dir):
            return self
        path = located("table", self.path, data_dir)
        separator = separator_of(path, self.separator, self.target)
        cells = self._cells(path, separator)
        check_names(f"column of {path}", self._said(), [str(name) for name in cells.columns])
        target = cells[self.target]
        try:
            refuse_empty(target, self.target, first_line=FIRST_LINE)
            predict = self.predict or (CLASS if self.classes else kind_of_target(target))
            classes = (
                tuple(map(str, self.classes or class_names(target, self.target))) if predict == CLASS else ()
            )
            task = replace(self, separator=separator, predict=predict, classes=classes)
            labels = task._labels(target)
            train = task._parts(labels)[2]
            scale = () if task.classes else standardization(labels[train])
            schema = infer(cells.drop(columns=self.target).iloc[train], self._said())
            TableEncoder().fit(cells.iloc[train], schema)
        except ValueError as error:
            raise DamagedDataError(f"table: {path}: {error}") from error
        found = {name: column.to_json() for name, column in schema.items()}
        return replace(task, schema=found, scale=scale)

    def describe(self) -> tuple[str, ...]:
        """Return a line for the target and one for each input column, if they were inferred."""
        if not self.schema:
            return ()
        classes = [str(name) for name in self.classes]
        shown = ", ".join(classes[:6]) + (", ..." if len(classes) > 6 else "")
        what = f"class ({len(classes)}: {shown})" if classes else "number"
        return (
            f"target {self.target}: {what}",
            *(f"{name}: {column.in_words()}" for name, column in self._schema().items()),
        )

    def search_data(self, data_dir: Path | None = None) -> SearchData:
        """Return the training and validation rows."""
        _, validation, train = self._splits(data_dir)
        return SearchData(train, validation)

    def test_data(self, data_dir: Path | None = None) -> Split:
        """Return the test rows."""
        return self._splits(data_dir)[0]

    def preprocessing(self, data_dir: Path | None = None) -> Mapping[str, Any]:
        """Return how rows become inputs and outputs become classes or numbers."""
        task = self.resolved(data_dir)
        path = located("table", task.path, data_dir)
        cells = task._cells(path, task.separator)
        labels = task._labels(cells[task.target])
        train = task._parts(labels)[2]
        numbers = {name: Column("number") for name in task.numeric}
        declared = numbers | {
            name: Column("category", tuple(map(str, values))) for name, values in task.categorical.items()
        }
        encoder = TableEncoder().fit(cells.iloc[train], task._schema_of(cells) if task.schema else declared)
        if task.classes:
            return {"encoder": encoder.to_json(), "classes": [str(name) for name in task.classes]}
        mean, deviation = standardization(labels[train])
        return {"encoder": encoder.to_json(), "mean": mean, "deviation": deviation}

    @property
    def _declared(self) -> bool:
        return bool(self.numeric or self.categorical) and self.predict is None and not self.columns

    def _said(self) -> dict[str, Any]:
        """Return what is said of columns, by all the options that say something."""
        categorical = {
            name: {"kind": "category", "categories": [str(value) for value in values]}
            for name, values in self.categorical.items()
        }
        return {**dict.fromkeys(self.numeric, "number"), **categorical, **self.columns}

    def _schema(self) -> dict[str, Column]:
        return {name: Column.from_json(column) for name, column in self.schema.items()}

    def _schema_of(self, cells: pd.DataFrame) -> dict[str, Column]:
        """Return the columns in the order of the file, which is that of the network's inputs.

        A record of a run, or a worker, has the schema with its names sorted.
        """
        known = self._schema()
        return {str(name): known[str(name)] for name in cells.columns if str(name) in known}

    def _cells(self, path: Path, separator: str) -> pd.DataFrame:
        """Return the cells of the columns that are looked at."""
        if self.schema:
            return read_cells(path, separator, {self.target, *self.schema})
        if self.numeric or self.categorical:
            return read_cells(path, separator, {self.target, *self._said()})
        return read_cells(path, separator)

    def _is_as_declared(self, data_dir: Path | None) -> bool:
        try:
            self._splits(data_dir)
        except DamagedDataError:
            return False  # reading it as a table of which nothing is known says what is wrong, if anything is
        return True

    def _labels(self, target: pd.Series) -> np.ndarray:
        """Return the target as codes of classes, or as numbers."""
        if self.classes:
            return class_codes(target, self.classes, self.target, first_line=FIRST_LINE)
        return target_numbers(target, self.target, first_line=FIRST_LINE)

    def _parts(self, labels: np.ndarray) -> list[np.ndarray]:
        """Return the rows of the test, validation and training splits."""
        if not self.classes:
            return three_ways(np.zeros(len(labels), int), self.seed)
        test, validation, train = three_ways(labels, self.seed)
        if not self.schema and self._declared:
            return [test, validation, train]
        # What no training row shows cannot be learned: the few rows of such a class all go there.
        absent = np.setdiff1d(labels, labels[train])
        moved = np.flatnonzero(np.isin(labels, absent))
        return [np.setdiff1d(test, moved), np.setdiff1d(validation, moved), np.union1d(train, moved)]

    def _splits(self, data_dir: Path | None) -> list[Split]:
        task = self if self.schema or self._declared else self.resolved(data_dir)
        return task._inferred_splits(data_dir) if task.schema else task._declared_splits(data_dir)

    def _inferred_splits(self, data_dir: Path | None) -> list[Split]:
        path = located("table", self.path, data_dir)
        cells = self._cells(path, self.separator)
        try:
            y = self._labels(cells[self.target])
            parts = self._parts(y)
            if not self.classes:
                mean, deviation = standardization(y[parts[2]])
                y = ((y - mean) / deviation).astype(np.float32)
            encoder = TableEncoder().fit(cells.iloc[parts[2]], self._schema_of(cells))
            return [Split(encoder.transform(cells.iloc[rows]), y[rows]) for rows in parts]
        except ValueError as error:
            raise DamagedDataError(f"table: {path}: {error}") from error

    def _declared_splits(self, data_dir: Path | None) -> list[Split]:
        path = located("table", self.path, data_dir)
        cells = self._cells(path, self.separator)
        if self.classes:
            y = declared_codes(path, cells, self.target, self.classes).astype(np.int32)
            parts = three_ways(y, self.seed)
        else:
            y = declared_numbers(path, cells, self.target)
            parts = three_ways(np.zeros(len(y), int), self.seed)
            mean, deviation = standardization(y[parts[2]])
            y = ((y - mean) / deviation).astype(np.float32)
        x = declared_inputs(path, cells, self.numeric, self.categorical, parts[2])
        return [Split(x[rows], y[rows]) for rows in parts]


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ValueError(f"table: option '{name}' must be text. Received: {value!r}")


def _check_list(name: str, value: object) -> None:
    if not isinstance(value, list | tuple):
        raise ValueError(f"table: option '{name}' must be a list. Received: {value!r}")


def _check_mapping(name: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise ValueError(f"table: option '{name}' must be a mapping by column. Received: {value!r}")
