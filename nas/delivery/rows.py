"""Rows to predict, read from a file as people have them, and predictions written to one; by the file's ending."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gondwana.nas.delivery.predicting import Predictor
from gondwana.tasks.options import unknown_name
from gondwana.tasks.own_data.csv_file import SEPARATORS, refused

TABLES = (".csv", ".tsv", ".txt", ".parquet")
ARRAYS = (".npy", ".npz")


class RowsError(ValueError):
    """Rows that cannot be read, or that are not what the network was trained with."""


@dataclass(frozen=True, slots=True)
class GivenRows:
    """Rows to predict.

    Attributes:
        rows: a DataFrame or an array.
        names: what each row is called, for images their files; None otherwise.
    """

    rows: Any
    names: list[str] | None = None


def read_rows(path: Path, predictor: Predictor, separator: str | None = None) -> GivenRows:
    """Read a table (``.csv``, ``.tsv``, ``.parquet``), an array (``.npy``, ``.npz``), or a folder of images.

    Args:
        path: the file or folder.
        predictor: what is to predict; says what is needed.
        separator: of a ``.csv`` file; another usual one is found if it has not the columns.

    Raises:
        RowsError: if it cannot be read, or is of another kind than what the network was trained with.
    """
    ending = path.suffix.lower()
    if not path.exists():
        raise RowsError(f"there is no {path}")
    takes_table = predictor.columns is not None
    if path.is_dir() or ending in ARRAYS:
        if path.is_dir() and takes_table:
            raise RowsError(
                f"{path} is a folder, and the network takes the rows of a table; name a {TABLES[0]} file"
            )
        return _images(path, predictor) if path.is_dir() else GivenRows(_array(path))
    if ending not in TABLES:
        kinds = TABLES if takes_table else ARRAYS
        raise RowsError(f"the ending of a file says what it is: {', '.join(kinds)}. Received: {path}")
    if not takes_table:
        raise RowsError(
            f"{path} is a table, and the network takes arrays of shape {_shape(predictor)}; name a "
            f"{', '.join(ARRAYS)} file, or a folder of images"
        )
    return GivenRows(_parquet(path) if ending == ".parquet" else _cells(path, predictor, separator))


def check_columns(frame: pd.DataFrame, predictor: Predictor, allowed: Sequence[str] = ()) -> None:
    """Refuse a table with columns that are missing, or that the training rows did not have.

    Args:
        frame: the rows.
        predictor: what is to predict; its target may be there.
        allowed: further columns that may be there.

    Raises:
        RowsError: for such a column.
    """
    known = predictor.columns or {}
    found = [str(name) for name in frame.columns]
    missing = [name for name in _needed(predictor) if name not in found]
    if missing:
        what = f"column {missing[0]!r}" if len(missing) == 1 else f"columns {', '.join(map(repr, missing))}"
        raise RowsError(
            f"the table lacks the {what}, with which the network was trained. Received: {', '.join(found)}"
        )
    extra = [name for name in found if name not in known and name != predictor.target and name not in allowed]
    if extra:
        raise RowsError(
            f"{unknown_name('column', extra[0], list(known))}. Leave it out, or name it with "
            "--keep to have it beside the predictions"
        )


def predictions(predictor: Predictor, given: GivenRows, keep: Sequence[str] = ()) -> pd.DataFrame:
    """Return a table of predictions: what was kept of the rows, ``prediction``, and the probability of each class.

    Raises:
        ValueError: if the rows are not what the network was trained with.
    """
    found = predictor.outputs(given.rows)
    columns: dict[str, Any] = {}
    if given.names is not None:
        columns["file"] = given.names
    columns |= {name: _kept(given.rows, name) for name in keep}
    columns["prediction"] = predictor.answers(found)
    if predictor.classes is not None:
        shares = predictor.probabilities(found)
        columns |= {f"probability {name}": shares[:, place] for place, name in enumerate(predictor.classes)}
    return pd.DataFrame(columns)


def _kept(rows: Any, name: str) -> np.ndarray:
    names = [str(column) for column in getattr(rows, "columns", ())]
    if name not in names:
        raise RowsError(
            f"--keep: {unknown_name('column', name, names)}" if names else "--keep is for tables only"
        )
    return np.asarray(rows.iloc[:, names.index(name)])


def _needed(predictor: Predictor) -> list[str]:
    from gondwana.tasks.own_data.columns import UNUSED

    return [name for name, kind in (predictor.columns or {}).items() if kind not in UNUSED]


def _cells(path: Path, predictor: Predictor, separator: str | None) -> pd.DataFrame:
    """Return the cells of a file as text; the separator is the one with which it has most of the columns."""
    wanted = set(_needed(predictor))
    usual = ("\t",) if path.suffix.lower() == ".tsv" else SEPARATORS
    tried = dict.fromkeys((*([separator] if separator else []), *usual))
    with refused(str(path), RowsError):
        heads = {one: set(pd.read_csv(path, sep=one, nrows=0, dtype=str).columns) for one in tried}
        best = max(heads, key=lambda one: len(heads[one] & wanted))
        return pd.read_csv(path, sep=best, dtype=str, keep_default_na=False, low_memory=False)


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise RowsError("Parquet needs pyarrow: pip install pyarrow, or give a .csv file") from error
    except (ValueError, OSError) as error:
        raise RowsError(f"{path} cannot be read as Parquet: {error}") from error


def _array(path: Path) -> np.ndarray:
    """Return the array of an ``.npy`` file, or ``x`` (or the only one) of an ``.npz`` file."""
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise RowsError(f"{path} cannot be read as a file of arrays: {error}") from error
    if isinstance(found, np.ndarray):
        return found
    with found:
        name = "x" if "x" in found.files else found.files[0] if len(found.files) == 1 else None
        if name is None:
            raise RowsError(
                f"{path}: the array to predict must be called x. Received: {', '.join(found.files)}"
            )
        return np.asarray(found[name])


def _shape(predictor: Predictor) -> tuple[int, ...]:
    return tuple((predictor.preprocessing.get("input") or {}).get("shape", ()))


def _images(folder: Path, predictor: Predictor) -> GivenRows:
    from gondwana.tasks.own_data.image_folder import SUFFIXES, read_image

    shape = _shape(predictor)
    if len(shape) != 3 or predictor.preprocessing["input"].get("range") != [0, 255]:
        raise RowsError(
            f"{folder} is a folder, and the network takes no images with pixels from 0 to 255; name a "
            f"{', '.join(ARRAYS)} file with an array of shape (rows, {', '.join(map(str, shape))})"
        )
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise RowsError(f"there are no images in {folder} (looked for {', '.join(sorted(SUFFIXES))})")
    pixels = np.stack([read_image(file, shape) for file in files])
    return GivenRows(pixels, [str(file.relative_to(folder)) for file in files])
