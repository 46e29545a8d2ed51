"""Reading a table from a file of separated values, every cell as text."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from gondwana.tasks.data import DamagedDataError
from gondwana.tasks.options import unknown_name

SEPARATORS = (",", ";", "\t", "|")


@contextmanager
def refused(where: str, kind: type[Exception]) -> Iterator[None]:
    """Turn what pandas raises for a file that it cannot read into one line of this kind that begins with ``where``."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise kind(
            f"{where}: byte {error.start} is not UTF-8; save the file with the encoding UTF-8"
        ) from error
    except (ValueError, OSError) as error:
        raise kind(f"{where}: {error}") from error


def read_cells(path: Path, separator: str, names: Collection[str] | None = None) -> pd.DataFrame:
    """Return the cells as text, of all columns or of those called ``names``.

    Raises:
        DamagedDataError: if it cannot be read, is empty, is not UTF-8, or lacks a column.
    """
    usecols = None if names is None else sorted(names)
    with refused(f"table: {path}", DamagedDataError):
        return pd.read_csv(
            path, sep=separator, dtype=str, keep_default_na=False, usecols=usecols, low_memory=False
        )


def separator_of(path: Path, separator: str, target: str) -> str:
    """Return the separator with which the head of the file has the target: the one given, or another usual one.

    Raises:
        DamagedDataError: if none has it; the message names the columns.
    """
    heads = {}
    for one in dict.fromkeys((separator, *SEPARATORS)):
        with refused(f"table: {path}", DamagedDataError):
            heads[one] = [str(name) for name in pd.read_csv(path, sep=one, nrows=0, dtype=str).columns]
        if target in heads[one]:
            return one
    best = max(heads.values(), key=len)
    raise DamagedDataError(f"table: {path}: {unknown_name('column', target, best)}")
