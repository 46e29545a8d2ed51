"""Commands on the result of a run: ``predict``, and what ``best`` writes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gondwana.nas.cli.quiet import load_keras


class NetworkFormat(StrEnum):
    """Formats of an exported network."""

    KERAS = "keras"
    SAVEDMODEL = "savedmodel"
    ONNX = "onnx"
    TFLITE = "tflite"
    TORCH = "torch"


def export_best(run: Path, form: NetworkFormat, out: Path | None, plain: bool) -> None:
    """Write the best network of a run in a format, and a model card beside it; say what it takes."""
    load_keras()
    from gondwana.nas.delivery.card import write_card
    from gondwana.nas.delivery.exporting import export_network

    found = export_network(run, form.value, out, plain=plain)
    checked = "not compared: what reads it is not installed"
    if found.difference is not None:
        checked = f"loaded again, answers within {max(found.difference, 1e-7):.1g} of the network's"
    typer.echo(f"{form.value:<10} {found.path} ({checked})")
    for item in found.inputs:
        typer.echo(f"input      {item['name']}: {item['dtype']}, {item['form']}")
    if not found.plain:
        typer.echo("note       it holds layers of this project; --plain writes it without them")
    typer.echo(f"card       {write_card(run, found)}")


def predict(
    network: Annotated[
        Path, typer.Argument(metavar="RUN", help="Folder of a run, or an exported .keras file.")
    ],
    rows: Annotated[
        Path,
        typer.Argument(
            metavar="ROWS", help="Table (.csv, .tsv, .parquet), arrays (.npy, .npz) or a folder of images."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="File, .csv, .parquet, .json, .jsonl or .tex; CSV on standard output if left out."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="Column of the rows to have beside the predictions; may be repeated."
        ),
    ] = None,
    separator: Annotated[str | None, typer.Option(help="Of a .csv file; found if left out.")] = None,
) -> None:
    """Predict with the best network of a run: classes with their probabilities, or numbers in the target's units."""
    from gondwana.nas.engine.records.frames import check_ending, write_frame

    if out is not None:
        check_ending(out)
    load_keras()
    from gondwana.nas.delivery.predictor import load_predictor
    from gondwana.nas.delivery.rows import check_columns, predictions, read_rows

    predictor = load_predictor(network)
    given = read_rows(rows, predictor, separator)
    kept = list(keep or ())
    if predictor.columns is not None and hasattr(given.rows, "columns"):
        check_columns(given.rows, predictor, kept)
    found = predictions(predictor, given, kept)
    if out is None:
        typer.echo(found.to_csv(index=False, lineterminator="\n"), nl=False)
        return
    write_frame(found, out)
    typer.echo(f"{len(found)} predictions written to {out}")
