"""Tables written by the ending of the file: CSV, Parquet, LaTeX, JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gondwana.nas.engine.records.export import write_parquet

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".csv", ".parquet", ".tex", ".json", ".jsonl")


class EndingError(ValueError):
    """The ending of a file says nothing of what it is to hold."""


def check_ending(out: Path) -> None:
    """Raise EndingError unless the ending is one of :data:`ENDINGS`, and its folder is there."""
    if out.suffix.lower() not in ENDINGS:
        raise EndingError(f"the ending of a file says what it is: {', '.join(ENDINGS)}. Received: {out}")
    if not out.resolve().parent.is_dir():
        raise EndingError(f"{out}: there is no folder {out.parent}")


def write_frame(frame: pd.DataFrame, out: Path) -> None:
    """Write a table: ``.csv``, ``.parquet``, ``.tex`` (booktabs), ``.json`` (a list), ``.jsonl`` (a row a line).

    Raises:
        EndingError: for another ending.
        MissingExtraError: if pyarrow is missing for Parquet.
    """
    check_ending(out)
    ending = out.suffix.lower()
    if ending == ".parquet":
        write_parquet(frame, out)
        return
    if ending == ".csv":
        text = frame.to_csv(index=False, lineterminator="\n")
    elif ending == ".tex":
        text = str(frame.to_latex(index=False, escape=True, na_rep="", float_format="%.4f"))
    elif ending == ".jsonl":
        text = frame.to_json(orient="records", lines=True, force_ascii=False, double_precision=15)
    else:
        text = frame.to_json(orient="records", indent=1, force_ascii=False, double_precision=15) + "\n"
    out.write_text(text, encoding="utf-8")
