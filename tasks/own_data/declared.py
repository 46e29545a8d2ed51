"""A table whose columns and categories a config lists, each cell of which must be what the config says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gondwana.tasks.data import DamagedDataError


def declared_inputs(
    path: Path,
    cells: pd.DataFrame,
    numeric: Sequence[str],
    categorical: Mapping[str, Sequence[str]],
    train: np.ndarray,
) -> np.ndarray:
    """Return the inputs, float32: numbers standardized, then categories one-hot and standardized as one block.

    Raises:
        DamagedDataError: for a cell that is no number, or a category that is not listed.
    """
    blocks = []
    for name in numeric:
        column = declared_numbers(path, cells, name)
        blocks.append(((column - column[train].mean()) / (column[train].std() or 1.0))[:, None])
    if categorical:
        onehot = np.concatenate(
            [
                np.eye(len(values))[declared_codes(path, cells, name, values)]
                for name, values in categorical.items()
            ],
            axis=1,
        )
        onehot -= onehot[train].mean(axis=0)
        blocks.append(onehot / (onehot[train].std() or 1.0))
    return np.concatenate(blocks, axis=1).astype(np.float32)


def declared_numbers(path: Path, cells: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column of finite numbers, float64. Raises DamagedDataError."""
    numbers = pd.to_numeric(cells[name], errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise DamagedDataError(
            f"table: {path}, line {bad[0] + 2}: column {name!r} must hold finite numbers. "
            f"Received: {cells[name].iloc[bad[0]]!r}"
        )
    return numbers


def declared_codes(path: Path, cells: pd.DataFrame, name: str, values: Sequence[str]) -> np.ndarray:
    """Return the position of each cell in ``values``, int64. Raises DamagedDataError."""
    codes = pd.Categorical(cells[name], categories=[str(value) for value in values]).codes.astype(np.int64)
    bad = np.flatnonzero(codes < 0)
    if len(bad):
        raise DamagedDataError(
            f"table: {path}, line {bad[0] + 2}: column {name!r} must hold one of {[str(v) for v in values]}. "
            f"Received: {cells[name].iloc[bad[0]]!r}"
        )
    return codes
