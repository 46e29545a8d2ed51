"""Every outcome of a run as a row, for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gondwana.nas.candidate import PHASES, canonical_json
from gondwana.nas.engine.records.run_folder import RunFolder

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


def to_csv(path: Path) -> str:
    """Return the rows as CSV with a header; objects as JSON text, absent values as empty fields."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_flat(row) for row in rows(path))
    return stream.getvalue()


def to_json(path: Path) -> str:
    """Return the rows as a JSON list, one row a line."""
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows(path)) + "\n]\n"


def to_parquet(path: Path, out: Path) -> None:
    """Write the rows as Parquet; objects as JSON text.

    Raises:
        MissingExtraError: if pyarrow is not installed.
    """
    import pandas as pd

    frame = pd.DataFrame([_flat(row) for row in rows(path)], columns=list(COLUMNS))
    # Otherwise a column without a value would have no type, and whole numbers beside absent ones would be fractions.
    typed = frame.astype({name: PARQUET_TYPES.get(name, "string") for name in COLUMNS})
    try:
        typed.to_parquet(out, index=False)
    except ImportError as error:
        raise MissingExtraError("Parquet needs pyarrow: pip install pyarrow, or use --format csv") from error


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {name: canonical_json(value) if isinstance(value, dict) else value for name, value in row.items()}
