"""``gondwana activations``: sample, show and catalogue activation functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gondwana.nas.cli.quiet import load_keras

if TYPE_CHECKING:
    from gondwana.activations import Graph

app = typer.Typer(
    name="activations",
    help="Sample, show and catalogue activation functions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Form(StrEnum):
    """Forms that ``catalogue`` enumerates."""

    UNARY = "unary"
    BINARY = "binary"


class OutputError(ValueError):
    """A path that cannot be written to."""


Out = Annotated[
    Path | None,
    typer.Option(
        help="File to write (replaced if it exists): .csv, .parquet, .tex, else JSON lines; "
        "standard output by default."
    ),
]
Sheet = Annotated[
    Path | None,
    typer.Option(help="Also draw the functions, into a .png or .svg file; those after 200 into NAME-2, ..."),
]
_MOST_ON_SHEET = 200
TABLES = (".csv", ".parquet", ".tex")
"""Endings of files that are tables; any other holds JSON lines."""


@app.command()
def sample(
    count: Annotated[int, typer.Option(min=0, help="Number of functions.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give byte-identical files.")] = 0,
    out: Out = None,
    unique: Annotated[bool, typer.Option(help="Leave out functions equal to an earlier one.")] = False,
    valid: Annotated[bool, typer.Option(help="Leave out functions that cannot be used.")] = False,
    sheet: Sheet = None,
) -> None:
    """Draw random functions by PANGAEA's process; writes one JSON object a line."""
    load_keras()
    import numpy as np

    from gondwana import activations

    graphs = list(activations.sample(np.random.default_rng(seed), count, unique=unique, valid=valid))
    described = [activations.describe(graph) for graph in graphs]
    _write_lines(described, out)
    usable = sum(item["valid"] for item in described)
    typer.echo(f"{count} functions, {usable} valid{_written(out)}", err=True)
    _draw_sheet(graphs, sheet, seed)


@app.command()
def show(
    text: Annotated[
        str, typer.Argument(help="A function such as 'max(relu(x),a*cosh(elu(x)))', or a name: relu.")
    ],
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw it at initialization and with parameters from U(0.5, 2), into a .png or .svg file."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the drawn parameters.")] = 0,
    seconds: Annotated[float, typer.Option(min=0.1, help="Time limit of each symbolic question.")] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print what is known of a function: formula, derivative, limits, Gaussian moments, kinks, reachable shapes."""
    load_keras()
    from gondwana import activations

    graph = activations.get(text)
    facts = _facts(graph, seconds, seed)
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        width = max(map(len, facts))
        for name, value in facts.items():
            typer.echo(f"{name.replace('_', ' '):<{width}}  {_in_words(value)}")
    if plot is not None:
        from gondwana.activations.study import pictures

        with _replacing(plot) as temporary:
            pictures.save(pictures.figure(graph, seed), temporary)


@app.command()
def catalogue(
    form: Annotated[Form, typer.Argument(help="unary(unary(x)) or binary(unary(x),unary(x)).")] = Form.BINARY,
    out: Out = None,
    sheet: Sheet = None,
) -> None:
    """Enumerate a form, duplicates grouped; writes one JSON object a line, then a summary to standard error."""
    load_keras()
    from gondwana.activations import describe
    from gondwana.activations.space.catalogue import catalogue as sort
    from gondwana.activations.space.catalogue import enumerate_form

    found = sort(enumerate_form(form.value))
    lines: list[dict[str, Any]] = [
        {**describe(group.graph), "equal": [graph.text for graph in group.duplicates]}
        for group in found.groups
    ]
    lines += [{"text": graph.text, "valid": False, "reason": reason} for graph, reason in found.rejected]
    _write_lines(lines, out)
    typer.echo(
        f"{found.total} functions of the {form.value} form: {found.usable} usable, "
        f"{len(found.groups)} distinct ({len(found.groups) / found.total:.0%}){_written(out)}",
        err=True,
    )
    _draw_sheet([group.graph for group in found.groups], sheet, seed=0)


@app.command()
def operators() -> None:
    """List the operators with their number of arguments and domain."""
    load_keras()
    from gondwana import activations

    default_set = activations.PANGAEA.unary + activations.PANGAEA.binary
    known = activations.operators()
    for op in [known[name] for name in default_set] + [
        op for op in known.values() if op.name not in default_set
    ]:
        arity = "n" if op.arity is None else str(op.arity)
        default = "PANGAEA" if op.name in default_set else ""
        typer.echo(f"{op.name:<14}{arity:<3}{default:<9}{op.domain.text}")


def _facts(graph: Graph, seconds: float, seed: int) -> dict[str, Any]:
    """Return everything that ``show`` prints, as JSON."""
    import numpy as np

    from gondwana import activations
    from gondwana.activations.study.calculus import analyse

    described = activations.describe(graph)
    algebra = analyse(graph, seconds)
    mean, second = described["mean"], described["second_moment"]
    return {
        "text": graph.text,
        "latex": described["latex"],
        "operators": graph.size,
        "parameters": list(graph.parameter_names),
        "sympy": _text_or_none(algebra.expression),
        "simplified": _text_or_none(algebra.simplified),
        "derivative": _text_or_none(algebra.derivative),
        "limit_at_minus_infinity": _text_or_none(algebra.lower),
        "limit_at_infinity": _text_or_none(algebra.upper),
        "kinks_and_poles": list(activations.breakpoints(graph)),
        "gaussian_mean": mean,
        "second_moment": second,
        "gaussian_variance": None if mean is None else activations.gaussian_moments(graph).variance,
        "zero_mean_version": None if mean is None else _shifted(graph.text, mean),
        "shapes": activations.reachable(graph, np.random.default_rng(seed)),
        "valid": described["valid"],
        "reason": described["reason"],
    }


def _shifted(text: str, mean: float) -> str:
    return text if abs(mean) < 1e-12 else f"{text} {'-' if mean > 0 else '+'} {abs(mean):.10g}"


def _text_or_none(expression: Any) -> str | None:
    return None if expression is None else str(expression)


def _in_words(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.10g}"
        case list() | tuple():
            return ", ".join(_in_words(item) for item in value) or "none"
        case dict():
            return "; ".join(_shape_in_words(place, *row) for place, row in value.items())
    return str(value)


def _shape_in_words(place: str, initial: float | None, low: float | None, high: float | None) -> str:
    """Return "f(1) = 0.7 (0.2 to 2.1)"; without the range where parameters change nothing."""
    values = [_in_words(None if value is None else float(f"{value:.4g}")) for value in (initial, low, high)]
    reach = "" if low == initial == high else f" ({values[1]} to {values[2]})"
    return f"f({place}) = {values[0]}{reach}"


def _write_lines(items: Iterable[dict[str, Any]], out: Path | None) -> None:
    if out is not None and out.suffix.lower() in TABLES:
        _write_table(list(items), out)
        return
    lines = "".join(f"{json.dumps(item, allow_nan=False)}\n" for item in items)
    if out is None:
        typer.echo(lines, nl=False)
        return
    with _replacing(out) as temporary:
        temporary.write_text(lines, encoding="utf-8", newline="\n")


def _write_table(items: list[dict[str, Any]], out: Path) -> None:
    """Write objects as the rows of a table by the file's ending; the texts of a list stand in one cell."""
    import pandas as pd

    from gondwana.nas.engine.records.frames import write_frame

    def cell(value: Any) -> Any:
        return " ".join(map(str, value)) if isinstance(value, list | tuple) else value

    frame = pd.DataFrame([{name: cell(value) for name, value in item.items()} for item in items])
    with _replacing(out) as temporary:
        write_frame(frame, temporary)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` on success, so that no reader ever sees half a file."""
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _written(out: Path | None) -> str:
    return f", written to {out}" if out is not None else ""


def _draw_sheet(graphs: list[Graph], sheet: Path | None, seed: int) -> None:
    if sheet is None:
        return
    if not graphs:
        typer.echo(f"no functions, so {sheet} is not drawn", err=True)
    from gondwana.activations.study import pictures

    for number, start in enumerate(range(0, len(graphs), _MOST_ON_SHEET), start=1):
        path = sheet if number == 1 else sheet.with_name(f"{sheet.stem}-{number}{sheet.suffix}")
        shown = graphs[start : start + _MOST_ON_SHEET]
        with _replacing(path) as temporary:
            pictures.save(pictures.contact_sheet(shown, seed=seed), temporary)
        typer.echo(f"functions {start + 1} to {start + len(shown)} drawn to {path}", err=True)
