"""The learning curves of a run as rows: one for each candidate and epoch."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

from gondwana.nas.candidate import CURVE
from gondwana.nas.engine.records.export import write_parquet
from gondwana.nas.engine.records.run_folder import RunFolder

COLUMNS = ("candidate", "generation", "state", "strategy", *CURVE)
"""Of every row; a figure that was not finite is an empty field."""

Row = dict[str, str | int | float | None]


def curve_rows(path: Path) -> Iterator[Row]:
    """Yield a row with :data:`COLUMNS` for every epoch of every training, in the order of candidate ids.

    Raises:
        RunFolderError, StoreError: if the run cannot be read.
    """
    with RunFolder.open(path).open_store(read_only=True) as store:
        outcomes = {outcome.candidate_id: outcome for outcome in store.outcomes()}
        for recorded in store.candidates():
            candidate = recorded.candidate
            outcome = outcomes.get(candidate.id)
            for point in () if outcome is None else outcome.curve:
                yield {
                    "candidate": candidate.id,
                    "generation": candidate.generation,
                    "state": outcome.state.value if outcome is not None else None,
                    "strategy": candidate.spec.get("initialization", {}).get("strategy"),
                    **{name: point.get(name) for name in CURVE},
                }


def curves_to_csv(path: Path) -> str:
    """Return the rows as CSV with a header."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(curve_rows(path))
    return stream.getvalue()


def curves_to_json(path: Path) -> str:
    """Return the rows as a JSON list, one row a line."""
    return "[\n" + ",\n".join(json.dumps(row) for row in curve_rows(path)) + "\n]\n"


def curves_to_parquet(path: Path, out: Path) -> None:
    """Write the rows as Parquet. Raises MissingExtraError if pyarrow is not installed."""
    import pandas as pd

    whole = dict.fromkeys(("candidate", "generation", "epoch"), "Int64")
    words = dict.fromkeys(("state", "strategy"), "string")
    figures = {name: "Float64" for name in COLUMNS if name not in (*whole, *words)}
    write_parquet(pd.DataFrame(curve_rows(path), columns=list(COLUMNS)).astype(whole | words | figures), out)
