"""Every outcome of a run as a row, for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gondwana.nas.candidate import PHASES, canonical_json
from gondwana.nas.engine.records.columns import flat_columns
from gondwana.nas.engine.records.run_folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "candidate",
    "generation",
    "state",
    "fitness",
    "parameters",
    "seed",
    "reason",
    "duplicate_of",
    "attempts",
    "worker",
    "sequence",
    *(f"seconds_{phase}" for phase in PHASES),
    "metrics",
    "origin",
    "spec",
)
PARQUET_TYPES = {
    **dict.fromkeys(
        ("candidate", "generation", "parameters", "seed", "duplicate_of", "attempts", "sequence"), "Int64"
    ),
    **dict.fromkeys(("fitness", *(f"seconds_{phase}" for phase in PHASES)), "Float64"),
}
"""pandas types of the columns that are numbers; the others are text."""


LATEX_COLUMNS = ("candidate", "generation", "strategy", "activation", "state", "fitness", "parameters")
"""What of the columns a printed page has room for."""


class MissingExtraError(ValueError):
    """The format needs a package that is not installed."""


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield a dict with :data:`COLUMNS` for every outcome, in the order of candidate ids.

    ``metrics``, ``origin`` and ``spec`` are JSON objects; ``sequence`` is the position in the order of arrival.

    Raises:
        RunFolderError, StoreError: if the run cannot be read.
    """
    with RunFolder.open(path).open_store(read_only=True) as store:
        outcomes = {item.candidate_id: (number, item) for number, item in enumerate(store.outcomes())}
        for recorded in store.candidates():
            candidate = recorded.candidate
            if candidate.id not in outcomes:
                continue
            sequence, outcome = outcomes[candidate.id]
            yield {
                "candidate": candidate.id,
                "generation": candidate.generation,
                "state": outcome.state.value,
                "fitness": outcome.fitness,
                "parameters": outcome.parameters,
                "seed": outcome.seed,
                "reason": outcome.reason,
                "duplicate_of": outcome.duplicate_of,
                "attempts": outcome.attempts,
                "worker": outcome.worker,
                "sequence": sequence,
                **{f"seconds_{phase}": outcome.seconds.get(phase) for phase in PHASES},
                "metrics": dict(outcome.metrics),
                "origin": dict(candidate.origin),
                "spec": dict(candidate.spec),
            }


def table(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the names of the columns and the rows, one value a cell: for CSV, Parquet and data frames.

    :data:`COLUMNS` come first, with objects as JSON text; after them the values inside these objects, each in a column
    of its own (:func:`gondwana.nas.engine.records.columns.flat_columns`). A row has no key for a column that it lacks.

    Raises:
        RunFolderError, StoreError: if the run cannot be read.
    """
    flat = [{**_text(row), **flat_columns(row["spec"], row["origin"], row["metrics"])} for row in rows(path)]
    return list(dict.fromkeys([*COLUMNS, *(name for row in flat for name in row)])), flat


def to_csv(path: Path) -> str:
    """Return the :func:`table` as CSV with a header; absent values are empty fields."""
    stream = io.StringIO()
    names, flat = table(path)
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return stream.getvalue()


def to_json(path: Path) -> str:
    """Return the rows as a JSON list, one row a line."""
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows(path)) + "\n]\n"


def to_json_lines(path: Path) -> str:
    """Return the rows as JSON objects, one a line."""
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows(path))


def to_parquet(path: Path, out: Path) -> None:
    """Write the :func:`table` as Parquet.

    Raises:
        MissingExtraError: if pyarrow is not installed.
    """
    import pandas as pd

    names, flat = table(path)
    frame = pd.DataFrame(flat, columns=names)
    # Otherwise a column without a value would have no type, and whole numbers beside absent ones would be fractions.
    typed = frame.astype({name: PARQUET_TYPES.get(name, "string") for name in COLUMNS})
    typed = typed.convert_dtypes(convert_floating=False)
    mixed = [name for name in names if typed[name].dtype == object]  # numbers in one row and words in another
    typed = typed.astype(dict.fromkeys(mixed, "string"))
    write_parquet(typed, out)


def write_parquet(frame: pd.DataFrame, out: Path) -> None:
    """Write a data frame as Parquet. Raises MissingExtraError if pyarrow is not installed."""
    try:
        frame.to_parquet(out, index=False)
    except ImportError as error:
        raise MissingExtraError("Parquet needs pyarrow: pip install pyarrow, or use --format csv") from error


def to_latex(path: Path) -> str:
    """Return the outcomes as a LaTeX table (booktabs): candidate, strategy, activation, fitness and parameters."""
    import pandas as pd

    _, flat = table(path)
    frame = pd.DataFrame(flat, columns=list(LATEX_COLUMNS))
    return str(frame.to_latex(index=False, escape=True, na_rep="", float_format="%.4f"))


def _text(row: dict[str, Any]) -> dict[str, Any]:
    return {name: canonical_json(value) if isinstance(value, dict) else value for name, value in row.items()}
