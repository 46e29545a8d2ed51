"""A user's own data: a folder of images, or a table, described by the options of a config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gondwana.tasks.base import Head, SearchData, Split, Task, TaskInfo
from gondwana.tasks.data import DamagedDataError, MissingDataError, data_root
from gondwana.tasks.options import check_int
from gondwana.tasks.registry import register
from gondwana.tasks.splits import classification_head, draw, standardization, standardize

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"})


def _check_classes(task: str, classes: Sequence[str]) -> None:
    if isinstance(classes, str) or len(classes) < 2 or len(set(classes)) != len(classes):
        raise ValueError(
            f"{task}: option 'classes' must list at least two different names. Received: {classes!r}"
        )


def _three_ways(labels: np.ndarray, seed: int) -> list[np.ndarray]:
    """Return the rows of the test, validation and training splits, 20 / 20 / 60 percent, stratified."""
    fifth = len(labels) // 5
    if fifth == 0:
        raise DamagedDataError(f"at least 5 labelled examples are needed. Received: {len(labels)}")
    return draw(labels, (fifth, fifth, len(labels) - 2 * fifth), seed)


def _located(task: str, path: str, data_dir: Path | None) -> Path:
    found = data_root(data_dir) / Path(path).expanduser()  # an absolute path stays as it is
    if not found.exists():
        raise MissingDataError(
            f"{task}: option 'path': there is no {found}. Give an absolute path, or one relative to the data folder "
            f"(--data-dir or GONDWANA_DATA)"
        )
    return found


@register("image_folder")
@dataclass(frozen=True)
class ImageFolder(Task):
    """Classification of images that lie in one folder per class, split 60 / 20 / 20 percent, stratified.

    Images are resized, and standardized by the mean and standard deviation over all pixels of the training split.

    Attributes:
        path: the folder, absolute or relative to the data folder.
        classes: names of its subfolders, one per class; others are not looked at.
        size: height and width to which images are resized.
        color: three channels if true, one (gray) if false.
        seed: seed of the split.
    """

    path: str
    classes: Sequence[str]
    size: int = 32
    color: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        _check_classes("image_folder", self.classes)
        check_int("image_folder: option 'size'", self.size, least=2)
        check_int("image_folder: option 'seed'", self.seed, least=0)

    @property
    def info(self) -> TaskInfo:
        shape = (self.size, self.size, 3 if self.color else 1)
        options = asdict(self) | {"classes": list(self.classes)}
        return TaskInfo("image_folder", shape, (classification_head(len(self.classes)),), options=options)

    def search_data(self, data_dir: Path | None = None) -> SearchData:
        _, validation, train = self._splits(data_dir)
        return SearchData(train, validation)

    def test_data(self, data_dir: Path | None = None) -> Split:
        return self._splits(data_dir)[0]

    def _splits(self, data_dir: Path | None) -> list[Split]:
        root = _located("image_folder", self.path, data_dir)
        files = [
            (file, label)
            for label, name in enumerate(self.classes)
            for file in sorted((root / name).glob("*"))
            if file.suffix.lower() in SUFFIXES
        ]
        labels = np.array([label for _, label in files], np.int32)
        empty = [name for label, name in enumerate(self.classes) if not (labels == label).any()]
        if empty:
            raise MissingDataError(
                f"image_folder: no images in {root / empty[0]} (looked for {sorted(SUFFIXES)})"
            )
        images = np.stack([self._image(file) for file, _ in files])
        parts = _three_ways(labels, self.seed)
        scale = standardization(images[parts[2]])
        return [Split(standardize(images[rows], *scale), labels[rows]) for rows in parts]

    def _image(self, file: Path) -> np.ndarray:
        from PIL import Image

        try:
            with Image.open(file) as image:
                converted = image.convert("RGB" if self.color else "L").resize((self.size, self.size))
        except OSError as error:  # includes what is no image at all
            raise DamagedDataError(f"{file} cannot be read as an image: {error}") from error
        return np.asarray(converted, np.uint8).reshape(self.size, self.size, -1)


@register("table")
@dataclass(frozen=True)
class Table(Task):
    """Classification or regression of the rows of a CSV file, split 60 / 20 / 20 percent, stratified by class.

    Numeric columns are standardized, categories one-hot and standardized as one block, all fitted on the training
    split: input mean 0 and variance 1. A numeric target is standardized as well, and scored by R squared.

    Attributes:
        path: the file, absolute or relative to the data folder.
        target: name of the column to predict.
        numeric: names of numeric input columns.
        categorical: for each categorical input column, its categories.
        classes: values of the target, for a classification; empty for a regression.
        separator: between cells.
        seed: seed of the split.
    """

    path: str
    target: str
    numeric: Sequence[str] = ()
    categorical: Mapping[str, Sequence[str]] = field(default_factory=dict)
    classes: Sequence[str] = ()
    separator: str = ","
    seed: int = 0

    def __post_init__(self) -> None:
        if self.classes:
            _check_classes("table", self.classes)
        if not (self.numeric or self.categorical):
            raise ValueError("table: name at least one input column in option 'numeric' or 'categorical'")
        if self.target in {*self.numeric, *self.categorical}:
            raise ValueError(f"table: the target {self.target!r} must not be among the input columns")
        check_int("table: option 'seed'", self.seed, least=0)

    @property
    def info(self) -> TaskInfo:
        if self.classes:
            head = classification_head(len(self.classes))
        else:
            head = Head("output", 1, "linear", "mean_squared_error", "r2_score", 0.0)
        width = len(self.numeric) + sum(len(values) for values in self.categorical.values())
        return TaskInfo("table", (width,), (head,), options=self._options())

    def _options(self) -> dict[str, Any]:
        lists = {name: list(getattr(self, name)) for name in ("numeric", "classes")}
        return asdict(self) | lists | {"categorical": {k: list(v) for k, v in self.categorical.items()}}

    def search_data(self, data_dir: Path | None = None) -> SearchData:
        _, validation, train = self._splits(data_dir)
        return SearchData(train, validation)

    def test_data(self, data_dir: Path | None = None) -> Split:
        return self._splits(data_dir)[0]

    def _splits(self, data_dir: Path | None) -> list[Split]:
        path = _located("table", self.path, data_dir)
        names = {self.target, *self.numeric, *self.categorical}
        try:
            cells = pd.read_csv(
                path, sep=self.separator, dtype=str, keep_default_na=False, usecols=sorted(names)
            )
        except (ValueError, OSError) as error:
            raise DamagedDataError(f"table: {path}: {error}") from error
        if self.classes:
            y = _codes(path, cells, self.target, self.classes).astype(np.int32)
            parts = _three_ways(y, self.seed)
        else:
            y = _numbers(path, cells, self.target)
            parts = _three_ways(np.zeros(len(y), int), self.seed)
            mean, deviation = standardization(y[parts[2]])
            y = ((y - mean) / deviation).astype(np.float32)
        x = self._inputs(path, cells, parts[2])
        return [Split(x[rows], y[rows]) for rows in parts]

    def _inputs(self, path: Path, cells: pd.DataFrame, train: np.ndarray) -> np.ndarray:
        blocks = []
        for name in self.numeric:
            column = _numbers(path, cells, name)
            blocks.append(((column - column[train].mean()) / (column[train].std() or 1.0))[:, None])
        if self.categorical:
            onehot = np.concatenate(
                [
                    np.eye(len(values))[_codes(path, cells, name, values)]
                    for name, values in self.categorical.items()
                ],
                axis=1,
            )
            onehot -= onehot[train].mean(axis=0)
            blocks.append(onehot / (onehot[train].std() or 1.0))
        return np.concatenate(blocks, axis=1).astype(np.float32)


def _numbers(path: Path, cells: pd.DataFrame, name: str) -> np.ndarray:
    numbers = pd.to_numeric(cells[name], errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise DamagedDataError(
            f"table: {path}, line {bad[0] + 2}: column {name!r} must hold finite numbers. "
            f"Received: {cells[name].iloc[bad[0]]!r}"
        )
    return numbers


def _codes(path: Path, cells: pd.DataFrame, name: str, values: Sequence[str]) -> np.ndarray:
    codes = pd.Categorical(cells[name], categories=[str(value) for value in values]).codes.astype(np.int64)
    bad = np.flatnonzero(codes < 0)
    if len(bad):
        raise DamagedDataError(
            f"table: {path}, line {bad[0] + 2}: column {name!r} must hold one of {[str(v) for v in values]}. "
            f"Received: {cells[name].iloc[bad[0]]!r}"
        )
    return codes
