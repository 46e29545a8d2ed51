"""Commands on runs: ``evolve``, ``resume``, ``runs``, ``show``, ``best``, ``export``."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gondwana.nas.cli.deliver import NetworkFormat, export_best
from gondwana.nas.cli.quiet import load_keras

if TYPE_CHECKING:
    from gondwana.nas.engine.execute import RunResult
    from gondwana.nas.engine.records.store import Final

RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY.PATH=VALUE", help="Replace a value of the config.")
]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder that holds a folder per dataset; also GONDWANA_DATA.")
]
RayAddress = Annotated[str | None, typer.Option(help="local, auto or HOST:PORT; also engine.ray_address.")]


def engine_changes(overrides: list[str] | None, ray_address: str | None) -> list[str]:
    """Return the overrides of a config, with the address of the Ray cluster as one of them."""
    changes = list(overrides or ())
    if ray_address is not None:
        changes.append(f"engine.ray_address={json.dumps(ray_address)}")
    return changes


class Format(StrEnum):
    """Formats of an export."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    LATEX = "latex"
    JSONL = "jsonl"


ENDINGS = {
    ".csv": Format.CSV,
    ".json": Format.JSON,
    ".jsonl": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".tex": Format.LATEX,
}
"""The format that the ending of a file stands for."""


def evolve(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="YAML file, or a preset (`gondwana presets` lists them).")
    ],
    overrides: Overrides = None,
    run_dir: Annotated[
        Path | None, typer.Option(help="Where the run goes; a new folder under runs/.")
    ] = None,
    data_dir: DataDir = None,
    ray_address: RayAddress = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run.")] = None,
    time_budget: Annotated[
        str | None, typer.Option(help="End the search so that the run takes so long: 90s, 20m, 1h30m.")
    ] = None,
) -> None:
    """Run a search from a config."""
    from gondwana.nas.cli.launch import launch

    changes = engine_changes(overrides, ray_address)
    if seed is not None:
        changes.append(f"seed={seed}")
    if time_budget is not None:
        changes.append(f"time_budget={json.dumps(time_budget)}")
    conclude(launch(config, overrides=changes, run_dir=run_dir, data_dir=data_dir))


def presets() -> None:
    """List the configs that are installed with Gondwana; `gondwana evolve NAME` runs one anywhere."""
    from gondwana.nas.config.presets import preset_names, summary

    names = preset_names()
    width = max(map(len, names))
    columns = shutil.get_terminal_size().columns
    for name in names:
        typer.echo(
            f"{name:<{width}}  {textwrap.shorten(summary(name), max(20, columns - width - 2), placeholder=' ...')}"
        )


def resume(
    run: RunPath,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="ENGINE.KEY=VALUE", help="Change the engine.")
    ] = None,
    data_dir: DataDir = None,
    ray_address: RayAddress = None,
) -> None:
    """Continue a run that was stopped or killed; a finished one is only summed up."""
    from gondwana.nas.cli.launch import continue_run

    changes = engine_changes(overrides, ray_address)
    conclude(continue_run(run, overrides=changes, data_dir=data_dir))


def runs(
    folder: Annotated[Path, typer.Argument(help="Folder that holds the runs.")] = Path("runs"),
) -> None:
    """List the runs of a folder."""
    from gondwana.nas.engine.records.run_folder import find_runs
    from gondwana.nas.engine.records.summary import summarize

    found = find_runs(folder)
    if not found:
        typer.echo(f"no runs in {folder}")
        return
    width = max(len(str(path)) for path in found)
    typer.echo(f"{'run':<{width}}  {'name':<20} {'state':<10} {'outcomes':>8} {'failed':>6}  best")
    for path in found:
        try:
            item = summarize(path)
        except (ValueError, RuntimeError) as error:
            typer.echo(f"{path!s:<{width}}  {' '.join(str(error).split())}")
            continue
        state = "finished" if item.finished else "running" if item.running else "stopped"
        best = "" if item.best is None else f"{item.best.fitness:.4f}"
        typer.echo(
            f"{path!s:<{width}}  {item.name:<20} {state:<10} {item.told:>8} {sum(item.failures.values()):>6}  {best}"
        )


def show(
    run: RunPath,
    snapshot: Annotated[bool, typer.Option("--snapshot", help="Print the last snapshot as JSON.")] = False,
) -> None:
    """Sum up a run."""
    from gondwana.nas.cli.progress import in_words
    from gondwana.nas.engine.budget import read_budget
    from gondwana.nas.engine.records.summary import last_snapshot, summarize

    if snapshot:
        typer.echo(json.dumps(last_snapshot(run), indent=1, sort_keys=True))
        return
    item = summarize(run)
    state = "finished" if item.finished else "running" if item.running else "stopped, can be resumed"
    lines: list[tuple[str, Any]] = [
        ("run", run),
        ("name", item.name),
        ("search", f"{item.config['search']['kind']} on {item.config['task']['name']}"),
        ("seed", item.config["seed"]),
        ("state", state),
        ("evaluations", f"{item.told} recorded, {item.asked - item.told} under way or waiting"),
        ("seconds of workers", f"{item.worker_seconds:.1f}"),
    ]
    lines += [(name, number) for name, number in item.states.items()]
    if item.best is not None:
        lines.append(("best fitness", f"{item.best.fitness:.4f} (candidate {item.best.candidate_id})"))
        if item.best.candidate_id in item.functions:
            lines.append(("function", item.functions[item.best.candidate_id]))
    if item.mean is not None:
        lines.append(("mean fitness", f"{item.mean:.4f}"))
    budget = read_budget(run)
    if budget is not None:
        ended = budget["ended_after"]
        words = f"{in_words(budget['spent'])} of {in_words(budget['seconds'])}"
        lines.append(
            ("time", words if ended is None else f"{words}; it ended the search after {ended} outcomes")
        )
    for name, value in lines:
        typer.echo(f"{name:<20} {value}")
    for final in item.finals:
        typer.echo(_final(final, _metric(item.config), item.functions.get(final.outcome.candidate_id)))
    for reason, number in item.reasons:
        typer.echo(f"{number:>5} x {reason}")


def best(
    run: RunPath,
    data_dir: DataDir = None,
    rescore: Annotated[bool, typer.Option(help="Load the saved network and score it again.")] = True,
    form: Annotated[
        NetworkFormat | None,
        typer.Option("--export", help="Write the network with its preprocessing in this format."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="With --export: file or folder; one in RUN if left out.")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="With --export keras: without classes of this project.")
    ] = False,
    card: Annotated[
        bool, typer.Option("--card", help="Write the model card, card.md and card.json, into RUN.")
    ] = False,
) -> None:
    """Print the best network of a run, and score it again on the validation split; or export it."""
    if form is None and (out is not None or plain):
        raise typer.BadParameter("--out and --plain belong to --export FORMAT")
    if form is not None:
        export_best(run, form, out, plain)
    if card:
        load_keras()
        from gondwana.nas.delivery.card import write_card

        typer.echo(f"card       {write_card(run)}")
    if form is not None or card:
        return
    from gondwana.nas.engine.records.summary import best_of, summarize

    found = best_of(run)
    typer.echo(f"candidate {found.outcome.candidate_id}, fitness {found.outcome.fitness:.4f} in the search")
    typer.echo(json.dumps(found.spec, indent=1, sort_keys=True))
    if found.model is None:
        typer.echo("no network is saved: the run is not finished, or none of its finalists could be trained")
        return
    typer.echo(f"network    {found.model}")
    typer.echo(f"in Python  import gondwana; model = gondwana.load_network({str(found.model)!r})")
    metric = _metric(found.spec)
    if found.final is not None:
        typer.echo(_final(found.final, metric))
    if rescore:
        load_keras()
        from gondwana.nas.engine.rescore import rescore as score_again

        task, recorded = found.spec["task"], summarize(run).config["task"]
        # equal, but for the order of their keys: that of a table's categories is the config's
        task = recorded if recorded == task else task
        figures = score_again(found.model, task, data_dir or found.data_dir)
        typer.echo(
            f"validation {metric} {figures['fitness']:.4f}, loss {figures['loss']:.4f} (loaded and scored now)"
        )


def export(
    run: RunPath,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Format; by the ending of the file, or CSV, if left out."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File; standard output if left out.")] = None,
    curves: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the learning curves, a row an epoch, to this file (.csv, .json, .jsonl, .parquet, .tex); the "
            "outcomes are then written only if --out or --format is given, too.",
        ),
    ] = None,
) -> None:
    """Write every outcome of a run as a row, one value a column."""
    if curves is not None:
        _export_curves(run, curves)
        if form is None and out is None:
            return
    from gondwana.nas.engine.records.export import to_csv, to_json, to_json_lines, to_latex, to_parquet

    if form is None:
        form = ENDINGS.get(out.suffix.lower(), Format.CSV) if out is not None else Format.CSV
    if form is Format.PARQUET:
        if out is None:
            raise typer.BadParameter("parquet is not text: name a file with --out")
        to_parquet(run, out)
        return
    texts = {Format.CSV: to_csv, Format.JSON: to_json, Format.LATEX: to_latex, Format.JSONL: to_json_lines}
    text = texts[form](run)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def _export_curves(run: Path, file: Path) -> None:
    from gondwana.nas.engine.records.curves import curves_to_csv, curves_to_json, curves_to_parquet

    form = ENDINGS.get(file.suffix.lower(), Format.CSV)
    if form is Format.PARQUET:
        curves_to_parquet(run, file)
    elif form in (Format.LATEX, Format.JSONL):
        import pandas as pd

        from gondwana.nas.engine.records.curves import curve_rows
        from gondwana.nas.engine.records.frames import write_frame

        write_frame(pd.DataFrame(list(curve_rows(run))), file)
    else:
        text = curves_to_json(run) if form is Format.JSON else curves_to_csv(run)
        file.write_text(text, encoding="utf-8")


def conclude(result: RunResult) -> None:
    """Print what a run came to, and write its report; exit code 130 if it was stopped."""
    failures = sum(
        number for state, number in result.states.items() if state not in ("completed", "duplicate")
    )
    typer.echo(f"{sum(result.states.values())} evaluations recorded, {failures} failed or diverged")
    if not result.finished:
        raise typer.Exit(130)
    from gondwana.nas.engine.records.summary import summarize

    item = summarize(result.path)
    for final in result.finals:
        typer.echo(_final(final, _metric(item.config), item.functions.get(final.outcome.candidate_id)))
        if final.model_file is not None:
            typer.echo(f"network    {result.path / final.model_file}")
    if not result.finals:
        typer.echo("no network was trained to the end, so there is none to save")
    from gondwana.nas.delivery.predictor import provide_predictor
    from gondwana.nas.report.report import write_report

    found = provide_predictor(result.path)
    if found is not None:
        typer.echo(f"predictor  {found} takes raw rows: gondwana predict {result.path} ROWS --out FILE")
    typer.echo(f"report     {write_report(result.path)}")


def _metric(config: Mapping[str, Any]) -> str:
    from gondwana.nas.report.data.metric import metric_of

    return metric_of(config)


def _final(final: Final, metric: str, function: str | None = None) -> str:
    outcome = final.outcome
    name = f"finalist {final.rank + 1} (candidate {outcome.candidate_id})"
    if outcome.fitness is None:
        return f"{name} {outcome.state.value}: {outcome.reason}"
    test = outcome.metrics.get("test_fitness")
    words = [f"validation {metric} {outcome.fitness:.4f}"]
    words.append(f"no test {metric}" if test is None else f"test {metric} {test:.4f} (measured once)")
    words.append(f"{outcome.parameters:,} parameters" if outcome.parameters is not None else "")
    return f"{name}: {', '.join(filter(None, [function, *words]))}"
