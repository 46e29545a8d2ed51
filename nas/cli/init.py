"""``gondwana init`` and ``gondwana signals``: AutoInit for a Keras model in a file, or for what a function builds."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gondwana.nas.cli.python_path import built_by, is_python_path
from gondwana.nas.cli.quiet import load_keras


class PropagationChoice(StrEnum):
    """How signals are followed through the model."""

    PAPER = "paper"
    EXACT = "exact"


class ModelFileError(ValueError):
    """A model file that cannot be read, or may not be written."""


MODEL = Annotated[Path, typer.Argument(metavar="MODEL.keras", help="A model saved by Keras 3.")]
MEAN = Annotated[float, typer.Option(help="Mean of the entries of the model's inputs.")]
VARIANCE = Annotated[float, typer.Option(min=0.0, help="Their variance.")]
PROPAGATION = Annotated[
    PropagationChoice, typer.Option(help="Appendix A of the paper, or mean-field theory.")
]
SEED = Annotated[int, typer.Option(min=0, help="Seed of the weights.")]


def init(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL.keras|MODULE:FUNCTION",
            help="A model saved by Keras 3, or a Python function that builds a torch.nn.Module (or a Keras model); "
            "it may return the module and its example inputs.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Where it goes: .keras, or .pt for the weights of a PyTorch module.")
    ],
    input_mean: MEAN = 0.0,
    input_variance: VARIANCE = 1.0,
    propagation: Annotated[
        PropagationChoice | None,
        typer.Option(help="Appendix A of the paper (default for Keras), or mean-field theory (for PyTorch)."),
    ] = None,
    plusplus: Annotated[bool, typer.Option("--plusplus", help="AutoInit++: zero-mean activations.")] = False,
    seed: SEED = 0,
    input_shape: Annotated[
        str | None,
        typer.Option(help="Of an example input of a PyTorch module, batch included, such as 8,3,32,32."),
    ] = None,
) -> None:
    """Initialize the weights of a model with AutoInit, print the plan, and save the result."""
    if out.suffix not in (".keras", ".pt"):
        raise ModelFileError(f"--out names a .keras file, or a .pt file for PyTorch. Received: {str(out)!r}")
    if out.is_dir():
        raise ModelFileError(f"--out names a file, but {out} is a folder")
    if not is_python_path(model):
        mode = propagation or PropagationChoice.PAPER
        _init_keras(_load(Path(model)), out, input_mean, input_variance, mode, plusplus, seed)
    elif out.suffix == ".keras":
        load_keras()
        mode = propagation or PropagationChoice.PAPER
        _init_keras(built_by(model), out, input_mean, input_variance, mode, plusplus, seed)
    else:
        from gondwana.nas.cli.init_torch import init_torch

        mode = propagation or PropagationChoice.EXACT
        options = {"input_mean": input_mean, "input_variance": input_variance, "propagation": mode.value}
        table = init_torch(built_by(model), input_shape, out, plusplus=plusplus, seed=seed, options=options)
        typer.echo(table)
        typer.echo(f"saved {out}")


def _init_keras(
    loaded: Any,
    out: Path,
    input_mean: float,
    input_variance: float,
    propagation: PropagationChoice,
    plusplus: bool,
    seed: int,
) -> None:
    if out.suffix != ".keras":
        raise ModelFileError(f"--out names a .keras file for a Keras model. Received: {str(out)!r}")
    from gondwana.autoinit import AutoInit

    initializer = AutoInit(
        input_data_mean=input_mean,
        input_data_var=input_variance,
        propagation=propagation.value,
        plusplus=plusplus,
        seed=seed,
    )
    result = initializer.initialize_model(loaded)
    typer.echo(str(initializer.plan(result)))
    _save(result, out)
    typer.echo(f"saved {out}")


def signals(
    model: MODEL,
    out: Annotated[Path | None, typer.Option(help="Write the figure here (.svg, .png or .pdf).")] = None,
    input_mean: MEAN = 0.0,
    input_variance: VARIANCE = 1.0,
    propagation: PROPAGATION = PropagationChoice.EXACT,
    seed: SEED = 0,
    draws: Annotated[int, typer.Option(min=1, help="Draws of weights to average the measurement over.")] = 8,
    batch: Annotated[int, typer.Option(min=2, help="Gaussian examples per draw.")] = 32,
) -> None:
    """Show how the variance of the signal changes through a model: its own weights, AutoInit predicted and measured.

    Like the paper's Figures 2 and 3.
    """
    loaded = _load(model)
    from gondwana import autoinit

    given: dict[str, Any] = {"input_mean": input_mean, "input_variance": input_variance}
    before = autoinit.measure(loaded, draws=1, batch=batch, seed=seed, **given)
    plan = autoinit.plan(loaded, propagation=propagation.value, **given)
    after = autoinit.measure(loaded, plan, draws=draws, batch=batch, seed=seed, **given)
    predicted = [call.outputs[0].variance for call in plan.calls]
    rows = [
        (old.name, f"{old.variances[0]:.4g}", f"{guess:.4g}", f"{new.variances.mean():.4g}")
        for old, guess, new in zip(before, predicted, after, strict=True)
    ]
    _table(("layer", "variance as saved", "AutoInit, predicted", "AutoInit, measured"), rows)
    if out is not None:
        series: dict[str, Any] = {
            "as saved": before,
            "AutoInit, predicted": plan,
            "AutoInit, measured": after,
        }
        figure = autoinit.signal_figure(series, title=model.name)
        figure.savefig(out)
        typer.echo(f"figure {out}")


def _load(path: Path) -> Any:
    """Load a model with Keras' safe mode on, so that a stranger's file cannot run code."""
    if path.is_dir():
        raise ModelFileError(f"{path}: a folder, not a .keras file")
    if not path.is_file():
        raise ModelFileError(f"{path}: no such file")
    if not zipfile.is_zipfile(path):
        raise ModelFileError(
            f"{path}: not a .keras file; save the model with model.save('{path.stem}.keras')"
        )
    load_keras()
    from gondwana.nas.evaluation.saved import load

    try:
        return load(path)
    except ValueError as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelFileError(f"{path}: cannot be loaded: {first}") from error


def _save(model: Any, out: Path) -> None:
    """Save under another name first, so that ``out`` is never half written."""
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".keras", dir=out.parent)
    os.close(handle)
    try:
        model.save(name)
        os.replace(name, out)
    finally:
        Path(name).unlink(missing_ok=True)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        first, *others = (
            f"{cell:<{w}}" if i == 0 else f"{cell:>{w}}"
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        typer.echo("  ".join([first, *others]))
