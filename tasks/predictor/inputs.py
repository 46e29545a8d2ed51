"""What a network with its preprocessing takes: a name and a form for each column, and cells in that form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gondwana.tasks.own_data.cells import CellError, dates, numbers, texts
from gondwana.tasks.own_data.columns import Column

ROWS = "rows"
"""Name of the input of a network that takes arrays."""

FORMS = {
    "number": "a number, NaN if the cell is empty",
    "category": "text, '' if the cell is empty; whole numbers without a decimal point, no blanks around it",
    "boolean": "text, '' if the cell is empty; no blanks around it",
    "date": "text such as 2024-03-31 or 2024-03-31T14:05:59, in UTC; '' or any other form counts as empty",
    "text": "words in lower case, without accents, separated by blanks; '' if the cell is empty",
}
"""What the network itself takes for a column, by its kind. ``gondwana.load_predictor`` makes it of any cells."""


def used_columns(encoder: Mapping[str, Any]) -> dict[str, Column]:
    """Return the columns of an encoder (:meth:`TableEncoder.to_json`) that the network sees."""
    columns = {name: Column.from_json(column) for name, column in encoder["columns"].items()}
    return {name: column for name, column in columns.items() if column.width}


def is_array(encoder: Mapping[str, Any]) -> bool:
    """Return whether the table was an array of numbers: its columns are called 0, 1, 2, ..."""
    kinds = {column.kind for column in used_columns(encoder).values()}
    return list(encoder["columns"]) == [str(n) for n in range(len(encoder["columns"]))] and kinds == {
        "number"
    }


def input_names(encoder: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of the network's input for each column: the column's, but for what Keras forbids in a name."""
    taken: set[str] = set()
    names = {}
    for name in used_columns(encoder):
        key = name.replace("/", "_") or "column"
        while key in taken:
            key += "_"
        taken.add(key)
        names[name] = key
    return names


def describe_inputs(preprocessing: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each input of the network its name, the column, its kind, dtype, shape and form in words."""
    encoder = preprocessing.get("encoder")
    if encoder is None:
        given = preprocessing["input"]
        low_high = given.get("range")
        form = "numbers as they were given" if low_high is None else "values from {} to {}".format(*low_high)
        return [{"name": ROWS, "dtype": "float32", "shape": list(given["shape"]), "form": form}]
    if is_array(encoder):
        form = "numbers, NaN where one is not known"
        return [{"name": ROWS, "dtype": "float64", "shape": [len(encoder["columns"])], "form": form}]
    columns = used_columns(encoder)
    return [
        {
            "name": key,
            "column": name,
            "kind": columns[name].kind,
            "dtype": "float64" if columns[name].kind == "number" else "string",
            "shape": [1],
            "form": FORMS[columns[name].kind],
        }
        for name, key in input_names(encoder).items()
    ]


def graph_inputs(preprocessing: Mapping[str, Any], frame: pd.DataFrame) -> Any:
    """Return cells as people have them in the forms of :data:`FORMS`: a dict of arrays (rows, 1), or one array.

    Raises:
        CellError: if a column is missing, or holds what cannot be read.
    """
    encoder = preprocessing["encoder"]
    named = frame.set_axis([str(name) for name in frame.columns], axis=1)
    wanted = list(encoder["columns"]) if is_array(encoder) else list(used_columns(encoder))
    absent = [name for name in wanted if name not in named.columns]
    if absent:
        raise CellError(
            f"the table has no column {absent[0]!r}, which the network was trained with. "
            f"Received: {', '.join(named.columns)}"
        )
    if is_array(encoder):
        used = used_columns(encoder)
        parts = [numbers(named[name], name) if name in used else np.zeros(len(named)) for name in wanted]
        return np.stack(parts, axis=1)
    keys = input_names(encoder)
    return {
        keys[name]: _in_form(named[name], name, column)[:, None]
        for name, column in used_columns(encoder).items()
    }


def _in_form(cells: pd.Series, name: str, column: Column) -> np.ndarray:
    if column.kind == "number":
        return numbers(cells, name)
    if column.kind == "date":
        moments = dates(cells, day_first=column.day_first)
        return np.asarray(moments.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").fillna(""), object)
    known = np.asarray(texts(cells).fillna(""), object)
    if column.kind == "text":
        return np.array([in_words(cell) for cell in known], object)
    return known


def in_words(text: str) -> str:
    """Return the words of a text, in lower case, without accents, separated by blanks, as the encoder sees them."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"(?u)\b\w+\b", plain))
