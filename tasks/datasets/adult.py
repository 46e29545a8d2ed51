"""Adult (Kohavi, 1996) as the Penn Machine Learning Benchmarks publish it (the paper's tabular task, Appendix C)."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gondwana.tasks.base import Head, SearchData, Split, Task, TaskInfo
from gondwana.tasks.data import DamagedDataError, RemoteFile, require
from gondwana.tasks.options import check_int
from gondwana.tasks.registry import register
from gondwana.tasks.splits import draw

# The sum is the oid of the Git LFS pointer that stands for the file in the PMLB repository.
FILE = RemoteFile(
    "adult.tsv.gz",
    "sha256:fb8bc76eafa39558b6044907f23416faf99099cefb8afd06a2cf5afbdae1b506",
    ("https://media.githubusercontent.com/media/EpistasisLab/pmlb/master/datasets/adult/adult.tsv.gz",),
)
NUMERIC = ("age", "fnlwgt", "education-num", "hours-per-week")
AMOUNTS = ("capital-gain", "capital-loss")
"""Amounts of money, 0 for more than 90 percent and up to 99,999: each becomes two inputs, whether it is there, and its
rank among the amounts of the training rows."""
CATEGORICAL = {
    "workclass": 9,
    "education": 16,
    "marital-status": 7,
    "occupation": 15,
    "relationship": 6,
    "race": 5,
    "sex": 2,
    "native-country": 42,
}
"""Number of categories of each column, coded 0, 1, ... in PMLB's metadata."""

MAJORITY = 37_155 / 48_842
"""Share of people who earn at most $50,000."""


@register("adult")
@dataclass(frozen=True)
class Adult(Task):
    """Does a person earn more than $50,000? 110 inputs from 14 columns, split 60 / 20 / 20 percent, stratified.

    Numeric columns are standardized, amounts of money by their rank (:data:`AMOUNTS`). Categories are one-hot, each
    such column centred, and all of them divided by one number, their standard deviation over all one-hot entries, so
    that the input mean is 0 and the variance 1 while rare categories do not get huge values. Everything is fitted on
    the training rows in use.

    Attributes:
        train_size: number of training rows, a stratified part of the 60 percent; None for all.
        seed: seed of the split.
    """

    train_size: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.train_size is not None:
            check_int("adult: option 'train_size'", self.train_size, least=2)
        check_int("adult: option 'seed'", self.seed, least=0)

    @property
    def info(self) -> TaskInfo:
        head = Head("output", 1, "sigmoid", "binary_crossentropy", "binary_accuracy", MAJORITY)
        width = len(NUMERIC) + 2 * len(AMOUNTS) + sum(CATEGORICAL.values())
        return TaskInfo("adult", (width,), (head,), options=asdict(self))

    def search_data(self, data_dir: Path | None = None) -> SearchData:
        train, validation, _ = self._splits(data_dir)
        return SearchData(train, validation)

    def test_data(self, data_dir: Path | None = None) -> Split:
        return self._splits(data_dir)[2]

    def _splits(self, data_dir: Path | None) -> tuple[Split, Split, Split]:
        table = _read(require("adult", FILE, data_dir))
        labels = (table["target"].to_numpy() == 0).astype(np.int32)  # 0 is '>50K' in this file
        fifth = len(labels) // 5
        available = len(labels) - 2 * fifth
        size = available if self.train_size is None else self.train_size
        if size > available:
            raise ValueError(f"adult: option 'train_size' must be at most {available}. Received: {size}")
        test, validation, train = draw(labels, (fifth, fifth, size), self.seed)
        x = _encode(table, train)
        return (
            Split(x[train], labels[train]),
            Split(x[validation], labels[validation]),
            Split(x[test], labels[test]),
        )


def _read(path: Path) -> pd.DataFrame:
    columns = [*NUMERIC, *AMOUNTS, *CATEGORICAL, "target"]
    try:
        table = pd.read_csv(path, sep="\t", dtype=np.float64)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise DamagedDataError(f"{path} is not a table of numbers: {error}") from error
    if set(table.columns) != set(columns):
        raise DamagedDataError(f"{path}: expected the columns {columns}. Received: {list(table.columns)}")
    if table.isna().to_numpy().any():
        raise DamagedDataError(f"{path}: no cell may be empty")
    for column, count in {**CATEGORICAL, "target": 2}.items():
        codes = table[column].to_numpy()
        if not np.isin(codes, np.arange(count)).all():
            raise DamagedDataError(f"{path}: column {column!r} must hold codes from 0 to {count - 1}")
    return table


def _encode(table: pd.DataFrame, train: np.ndarray) -> np.ndarray:
    """Return the network's inputs for all rows, fitted on the rows ``train``."""
    amounts = [part for column in AMOUNTS for part in _amount(table[column].to_numpy(), train)]
    numeric = np.column_stack([table[list(NUMERIC)].to_numpy(), *amounts])
    deviation = numeric[train].std(axis=0)
    numeric = (numeric - numeric[train].mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    blocks = [np.eye(count)[table[column].to_numpy(np.int64)] for column, count in CATEGORICAL.items()]
    onehot = np.concatenate(blocks, axis=1)
    onehot -= onehot[train].mean(axis=0)
    onehot /= onehot[train].std()
    return np.concatenate([numeric, onehot], axis=1).astype(np.float32)


def _amount(values: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each amount is positive, and its mean rank (-1/2 to 1/2; 0 for none) among those that are."""
    known = np.sort(values[train][values[train] > 0])
    places = np.searchsorted(known, values, side="left") + np.searchsorted(known, values, side="right")
    rank = places / (2 * max(len(known), 1)) - 0.5
    return (values > 0).astype(np.float64), np.where(values > 0, rank, 0.0)
