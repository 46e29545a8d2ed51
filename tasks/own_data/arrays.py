"""Classification or regression of arrays in an ``.npz`` file: one's own, or what a program gave to a run."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gondwana.tasks.base import SearchData, Split, Task, TaskInfo
from gondwana.tasks.data import DamagedDataError
from gondwana.tasks.options import check_choice, check_int
from gondwana.tasks.own_data.files import located, three_ways
from gondwana.tasks.own_data.memory import CLASS, NUMBER, Prepared, Rows, as_rows, as_series, prepare
from gondwana.tasks.own_data.target import kind_of_target, refuse_empty
from gondwana.tasks.registry import register
from gondwana.tasks.splits import classification_head, regression_head, scale_of

PARTS = ("train", "validation", "test")


@register("arrays")
@dataclass(frozen=True)
class ArrayFile(Task):
    """Arrays ``x`` and ``y``, split 60 / 20 / 20 percent, stratified by class; or each split under its own name.

    The names are then ``x_train``, ``y_train``, ``x_validation``, ``y_validation`` and, if there are test rows,
    ``x_test``, ``y_test``. Inputs are standardized, empty numbers filled with the median of the training rows.

    Attributes:
        path: the file, absolute or relative to the data folder.
        predict: ``class`` or ``number``; None infers it from the target.
        seed: seed of the split.
        shape: of one example as the network receives it; inferred if empty.
        classes: number of classes, 0 for a regression; inferred.
        sha256: digest of the file; a file with another one is refused.
        prepared: whether the arrays are what the network receives already.
        scale: mean and deviation by which the target of a regression was standardized; inferred.
    """

    path: str
    predict: str | None = None
    seed: int = 0
    shape: Sequence[int] = ()
    classes: int = 0
    sha256: str | None = None
    prepared: bool = False
    scale: Sequence[float] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.path, str) or not self.path:
            raise ValueError(f"arrays: option 'path' must be text. Received: {self.path!r}")
        if self.predict is not None:
            check_choice("value of option 'predict' of task 'arrays'", self.predict, (CLASS, NUMBER))
        check_int("arrays: option 'seed'", self.seed, least=0)
        check_int("arrays: option 'classes'", self.classes, least=0)

    @property
    def info(self) -> TaskInfo:
        """What goes in and what comes out; looks at the file if that has to be inferred."""
        if not self.shape:
            return self.resolved().info
        head = regression_head(self.scale)
        if self.classes:
            head = classification_head(self.classes)
        shape = tuple(int(size) for size in self.shape)
        return TaskInfo(
            "arrays", shape, (head,), options=asdict(self) | {"shape": list(shape), "scale": list(self.scale)}
        )

    def resolved(self, data_dir: Path | None = None) -> ArrayFile:
        """Return the task with shape, classes and digest among its options."""
        if self.shape:
            return self
        found = self._prepared(data_dir)
        path = located("arrays", self.path, data_dir)
        return replace(
            self,
            predict=CLASS if found.classes else NUMBER,
            shape=found.splits[0].x.shape[1:],
            classes=found.classes,
            scale=scale_of(found.preprocessing),
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )

    def search_data(self, data_dir: Path | None = None) -> SearchData:
        """Return the training and validation rows."""
        train, validation, *_ = self._prepared(data_dir).splits
        return SearchData(train, validation)

    def test_data(self, data_dir: Path | None = None) -> Split:
        """Return the test rows, none if the file has none."""
        train, _, *test = self._prepared(data_dir).splits
        return test[0] if test else Split(train.x[:0], train.y[:0])  # type: ignore[index]

    def preprocessing(self, data_dir: Path | None = None) -> Mapping[str, Any] | None:
        """Return how arrays become inputs and outputs become answers; None for arrays that a program has prepared."""
        return None if self.prepared else self._prepared(data_dir).preprocessing

    def _prepared(self, data_dir: Path | None) -> Prepared:
        path = located("arrays", self.path, data_dir)
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
            raise DamagedDataError(
                f"arrays: {path} cannot be read as an .npz file of arrays: {error}"
            ) from error
        if self.sha256 is not None and hashlib.sha256(path.read_bytes()).hexdigest() != self.sha256:
            raise DamagedDataError(
                f"arrays: {path} has changed since the run began; restore it, or start a new run"
            )
        try:
            parts = _parts(arrays, self.seed, self.predict)
            if self.prepared:
                return Prepared(tuple(Split(x, y) for x, y in parts), {}, self.classes)
            return prepare(parts[0], parts[1:], predict=self.predict)
        except ValueError as error:
            raise DamagedDataError(f"arrays: {path}: {error}") from error


def packed(splits: Sequence[Split]) -> bytes:
    """Return splits that are prepared as the content of a file for :class:`ArrayFile`."""
    stream = io.BytesIO()
    named = {
        f"{kind}_{part}": array
        for part, split in zip(PARTS, splits, strict=False)
        for kind, array in (("x", split.x), ("y", split.y))
    }
    np.savez(stream, **named)  # type: ignore[arg-type]
    return stream.getvalue()


def divided(x: Any, y: Any, seed: int, predict: str | None = None) -> list[Rows]:
    """Return rows in three parts, 60 / 20 / 20 percent: training, validation and test; stratified by class."""
    rows = as_rows(x)
    target = as_series(y, len(rows))
    refuse_empty(target, str(target.name))
    labels = np.zeros(len(target), np.int64)
    if (predict or kind_of_target(target)) == CLASS:
        labels = np.unique(target.astype(str), return_inverse=True)[1]
    test, validation, train = three_ways(labels, seed)
    moved = np.flatnonzero(np.isin(labels, np.setdiff1d(labels, labels[train])))
    parts = (np.union1d(train, moved), np.setdiff1d(validation, moved), np.setdiff1d(test, moved))
    return [(_taken(x, rows, part), target.iloc[part].reset_index(drop=True)) for part in parts]


def _taken(x: Any, rows: Any, part: np.ndarray) -> Any:
    if hasattr(x, "iloc"):
        return x.iloc[part]
    return [x[index] for index in part] if isinstance(x, list) else rows[part]


def _parts(arrays: Mapping[str, np.ndarray], seed: int, predict: str | None) -> list[Rows]:
    if {"x", "y"} <= set(arrays):
        return divided(arrays["x"], arrays["y"], seed, predict)
    present = [part for part in PARTS if f"x_{part}" in arrays and f"y_{part}" in arrays]
    if present[:2] != list(PARTS[:2]):
        raise DamagedDataError(
            "it must hold x and y, or x_train, y_train, x_validation and y_validation. "
            f"Received: {', '.join(sorted(arrays)) or 'no arrays'}"
        )
    return [(arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in present]
