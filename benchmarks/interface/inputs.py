"""What becomes of 24 kinds of rows: learned, or refused in one line; beside scikit-learn's logistic regression.

Prints a Markdown table; exits with 1 if our answer to one of them is longer than a line.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

import gondwana

ROWS = 80
TINY: dict[str, Any] = {
    "generations": 1,
    "search": {
        "population": {"blueprints": 1, "modules": 1},
        "evaluations": 1,
        "species": {"blueprints": 1, "modules": 1},
    },
    "training": {"epochs": 3},
}


def inputs() -> Iterator[tuple[str, Any, Any]]:
    """Yield a name, rows and labels."""
    rng = np.random.default_rng(0)
    y = np.arange(ROWS) % 2
    numbers = rng.normal(size=(ROWS, 2))
    holes = np.where(rng.random((ROWS, 2)) < 0.1, np.nan, numbers)
    words = np.array(["ash", "elm", "oak"])
    yield "array of numbers", numbers, y
    yield "array with NaN", holes, y
    yield "array with infinity", np.where(numbers > 2, np.inf, numbers), y
    yield "array of text", rng.choice(words, (ROWS, 2)), y
    yield "gray images", rng.normal(size=(ROWS, 8, 8)), y
    yield "colour images, uint8", rng.integers(0, 255, (ROWS, 8, 8, 3)).astype(np.uint8), y
    yield "list of texts", [" ".join(rng.choice(words, 4)) for _ in range(ROWS)], y
    yield "DataFrame of numbers and NaN", pd.DataFrame(holes, columns=["a", "b"]), y
    yield "text categories, some empty", pd.DataFrame({"a": rng.choice([*words, None], ROWS)}), y
    yield "pandas' Int64 with NA", pd.DataFrame({"a": pd.array([1, 2, None, 4] * 20, dtype="Int64")}), y
    yield "booleans with None", pd.DataFrame({"a": [True, False, None, True] * 20}), y
    yield "categorical dtype", pd.DataFrame({"a": pd.Categorical(rng.choice(words, ROWS))}), y
    yield "dates with a time zone", pd.DataFrame({"a": pd.date_range("2024", periods=ROWS, tz="UTC")}), y
    yield "durations", pd.DataFrame({"a": pd.to_timedelta(rng.integers(0, 999, ROWS), unit="s")}), y
    yield "numbers and text mixed", pd.DataFrame({"a": [1, "x", 2.5, None] * 20}), y
    yield "lists in cells", pd.DataFrame({"a": [[1], [2]] * 40}), y
    yield "an identifier beside a number", pd.DataFrame({"id": np.arange(ROWS), "a": numbers[:, 0]}), y
    yield "constant columns only", pd.DataFrame({"a": ["x"] * ROWS}), y
    yield "complex numbers", numbers + 1j, y
    yield "no rows", pd.DataFrame({"a": []}), []
    yield "labels as text", numbers, np.where(y, "yes", "no")
    yield "labels as booleans", numbers, y.astype(bool)
    yield "labels with an empty one", numbers, [None, *np.where(y, "yes", "no")[1:]]
    yield "one class", numbers, np.zeros(ROWS, int)


def answer(model: Any, rows: Any, labels: Any) -> tuple[str, bool]:
    """Return what came of fitting and predicting, and whether a user can live with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(rows, labels)
            predicted = model.predict(rows)
    except (ValueError, TypeError) as error:
        lines = str(error).splitlines()
        shown = lines[0] if len(lines[0]) < 160 else f"{lines[0][:157]}..."
        more = f" (and {len(lines) - 1} lines more)" if len(lines) > 1 else ""
        return f"{type(error).__name__}: {shown}{more}".replace("|", "/"), len(lines) == 1
    return "learned", len(predicted) == len(rows)


def main() -> int:
    """Print the table; return the exit code."""
    print(
        "| rows | `gondwana.NetworkClassifier` | `sklearn.linear_model.LogisticRegression` |\n|---|---|---|"
    )
    good = True
    for name, rows, labels in inputs():
        ours, fine = answer(gondwana.NetworkClassifier(**TINY), rows, labels)
        theirs, _ = answer(LogisticRegression(max_iter=1000), rows, labels)
        good &= fine
        print(f"| {name} | {ours} | {theirs} |", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
