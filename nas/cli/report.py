"""``gondwana compare``, ``gondwana report`` and ``gondwana serve``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gondwana.nas.cli.quiet import load_keras
from gondwana.nas.cli.runs import engine_changes

if TYPE_CHECKING:
    import pandas as pd

    from gondwana.nas.report.data.compare_run import RunComparison
    from gondwana.nas.statistics import Comparison


STOPPED = 130
"""Exit code of a run that was interrupted and can be resumed, as of ``evolve``."""


class Correction(StrEnum):
    """Corrections of p-values for the number of comparisons."""

    HOLM = "holm"
    BH = "bh"
    NONE = "none"


class UsageError(ValueError):
    """Options that do not fit what is compared."""


Targets = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="TARGET...",
        help="A config (or preset) with search.kind compare, sweep or side_by_side, the folder of such a run, several "
        "folders of runs, or a CSV file. None with --model.",
    ),
]
GroupColumn = Annotated[str | None, typer.Option(help="CSV: column that names the group.")]
ValueColumn = Annotated[str | None, typer.Option(help="CSV: column of the outcome, larger is better.")]
SubjectColumn = Annotated[
    str | None, typer.Option(help="CSV: column of what belongs together in different groups (paired tests).")
]
Chance = Annotated[float | None, typer.Option(help="CSV: value of the best constant answer.")]
Margin = Annotated[
    float | None, typer.Option(help="CSV: values up to chance + margin are failures; 0 if left out.")
]
Baseline = Annotated[float | None, typer.Option(help="CSV: value to beat.")]
ForComparisons = Annotated[Correction, typer.Option(help="For the number of comparisons.")]
Latex = Annotated[bool, typer.Option(help="Print the tables as LaTeX.")]
Values = Annotated[
    Path | None, typer.Option(help="Run: write the compared values: .csv, .parquet, .tex, .json or .jsonl.")
]
Page = Annotated[Path | None, typer.Option(help="Several runs: write their report as one page to this file.")]
RunDir = Annotated[Path | None, typer.Option(help="Config: where the run goes; a new folder under runs/.")]
DataDir = Annotated[Path | None, typer.Option(help="Config: folder that holds a folder per dataset.")]
RayAddress = Annotated[str | None, typer.Option(help="Config: local, auto or HOST:PORT.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", help="Config or model: key.path=value instead of the config's value."),
]
Model = Annotated[
    Path | None, typer.Option(metavar="NET.keras", help="Compare strategies on this network of your own.")
]
TaskName = Annotated[
    str | None, typer.Option("--task", help="Model: name of a task, or your own task's file.")
]
Strategies = Annotated[
    list[str] | None,
    typer.Option(
        "--strategies", help="Model: initialization strategies, separated by commas; may be repeated."
    ),
]
Seeds = Annotated[int | None, typer.Option(help="Model: trainings of each strategy; 10 if left out.")]


def compare(
    targets: Targets = None,
    model: Model = None,
    task: TaskName = None,
    strategies: Strategies = None,
    seeds: Seeds = None,
    group: GroupColumn = None,
    value: ValueColumn = None,
    subject: SubjectColumn = None,
    chance: Chance = None,
    margin: Margin = None,
    baseline: Baseline = None,
    correction: ForComparisons = Correction.HOLM,
    latex: Latex = False,
    values: Values = None,
    out: Page = None,
    run_dir: RunDir = None,
    data_dir: DataDir = None,
    ray_address: RayAddress = None,
    overrides: Overrides = None,
) -> None:
    """Compare groups of outcomes: run a comparison, or analyse finished runs or anybody's results."""
    table = {
        "--group": group,
        "--value": value,
        "--subject": subject,
        "--chance": chance,
        "--margin": margin,
        "--baseline": baseline,
    }
    config = {"--run-dir": run_dir, "--data-dir": data_dir, "--ray-address": ray_address, "--set": overrides}
    given: dict[str, Mapping[str, object]] = {
        "CSV files": table,
        "configs": config,
        "runs and configs": {"--values": values},
        "several runs": {"--out": out},
        "--model": {"--task": task, "--strategies": strategies, "--seeds": seeds},
    }
    targets = targets or []
    if model is not None:
        _refuse(given, "--model", allowed=("runs and configs", "configs", "--model"))
        # `--strategies a b c` arrives as one option and two arguments
        names = [
            name for text in [*(strategies or ()), *map(str, targets)] for name in text.split(",") if name
        ]
        run = _run_model(model, task, names, seeds, run_dir, data_dir, engine_changes(overrides, ray_address))
        _show_run(run, correction, latex, values)
        return
    if not targets:
        raise UsageError(
            "name a config, a run, several runs or a CSV file, or a network with --model NET.keras"
        )
    target = targets[0]
    if len(targets) > 1:
        _refuse(given, "several runs", allowed=("runs and configs", "several runs"))
        _show_runs(targets, correction, latex, values, out)
    elif target.suffix.lower() == ".csv":
        _refuse(given, f"{target} is a CSV file", allowed=("CSV files",))
        _show_table(target, table, correction, latex)
    elif target.is_dir():
        _refuse(given, f"{target} is a run already", allowed=("runs and configs",))
        _show_run(target, correction, latex, values)
    else:
        _refuse(given, f"{target} is a config", allowed=("runs and configs", "configs"))
        run = _run(target, run_dir, data_dir, engine_changes(overrides, ray_address))
        _show_run(run, correction, latex, values)


def _refuse(given: Mapping[str, Mapping[str, object]], what: str, *, allowed: tuple[str, ...]) -> None:
    """Raise UsageError for an option that would be ignored, because it belongs to another kind of target."""
    for kind, options in given.items():
        names = [name for name, option in options.items() if option is not None and option != []]
        if names and kind not in allowed:
            raise UsageError(f"{what}: {', '.join(names)} can be given for {kind} only")


def _show_table(file: Path, options: dict[str, Any], correction: Correction, latex: bool) -> None:
    from gondwana.nas.report.data.compare_run import compare_table

    if options["--group"] is None or options["--value"] is None:
        raise UsageError(f"{file}: name the columns of the table with --group and --value")
    comparison = compare_table(
        file,
        group=options["--group"],
        value=options["--value"],
        subject=options["--subject"],
        chance=options["--chance"],
        margin=options["--margin"] or 0.0,
        baseline=options["--baseline"],
        correction=correction.value,
    )
    _print(comparison, latex)


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, finished or under way.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Several runs: file of the page that compares them; comparison.html if left out."),
    ] = None,
    correction: Annotated[Correction, typer.Option(help="Several runs: of p-values.")] = Correction.HOLM,
) -> None:
    """Write report.html into a run's folder, or one page that compares several runs."""
    from gondwana.nas.engine.records.run_folder import RunFolder

    if len(runs) == 1 and out is not None:
        raise UsageError("--out belongs to several runs; one run's report goes into its folder")
    for run in _distinct(runs):
        RunFolder.open(run)  # refuse what is no run before the wait for Keras
    load_keras()  # the best network is built, and its signals are measured
    from gondwana.nas.report.report import write_report

    if len(runs) > 1:
        from gondwana.nas.report.several_report import write_several

        typer.echo(write_several(runs, out or Path("comparison.html"), correction=correction.value))
        return
    typer.echo(write_report(runs[0]))


def serve(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run, finished or under way.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
) -> None:
    """Show the report of a run as a live page on this machine."""
    from gondwana.nas.report.serve import ReportServer

    with ReportServer(run, port) as server:
        typer.echo(f"{server.url} shows {run}; Ctrl-C ends it")
        server.serve_forever()


def _run_model(
    model: Path,
    task: str | None,
    strategies: list[str],
    seeds: int | None,
    run_dir: Path | None,
    data_dir: Path | None,
    overrides: list[str],
) -> Path:
    """Train a saved network under every strategy and seed and return the run's folder."""
    from gondwana.nas.cli.compare_model import config_of_model
    from gondwana.nas.cli.launch import launch_config

    config = config_of_model(model, task, strategies, seeds, overrides)
    result = launch_config(config, run_dir=run_dir, data_dir=data_dir)
    if not result.finished:
        raise typer.Exit(STOPPED)
    return result.path


def _run(config: Path, run_dir: Path | None, data_dir: Path | None, overrides: list[str]) -> Path:
    """Run the comparison of a config through the engine and return its folder."""
    from gondwana.nas.cli.launch import launch
    from gondwana.nas.config.schema import load_config

    kind = load_config(config, overrides).search.kind
    if kind not in ("compare", "sweep", "side_by_side"):
        raise UsageError(f"{config}: search.kind is {kind!r}; run it with gondwana evolve")
    result = launch(config, overrides=overrides, run_dir=run_dir, data_dir=data_dir)
    if not result.finished:
        raise typer.Exit(STOPPED)
    return result.path


def _show_run(run_dir: Path, correction: Correction, latex: bool, values: Path | None) -> None:
    from gondwana.nas.report.data.compare_run import compare_run
    from gondwana.nas.report.report import load_run, write_edf, write_report

    result = compare_run(load_run(run_dir), correction=correction.value)
    _show_comparison(result, latex)
    if result.comparison is not None:
        typer.echo(f"\nEDF figure: {write_edf(run_dir, result.comparison, result.metric)}")
    if values is not None:
        _write_values(result.to_frame(), values)
        typer.echo(f"Values: {values}")
    typer.echo(f"Report: {write_report(run_dir)}")


def _write_values(frame: pd.DataFrame, out: Path) -> None:
    """Write compared values by the ending of the file; CSV if it says nothing."""
    from gondwana.nas.engine.records.frames import ENDINGS, write_frame

    if out.suffix.lower() in ENDINGS:
        write_frame(frame, out)
    else:
        frame.to_csv(out, index=False)


def _show_runs(
    run_dirs: list[Path], correction: Correction, latex: bool, values: Path | None, out: Path | None
) -> None:
    from gondwana.nas.report.data.several_runs import compare_runs
    from gondwana.nas.report.report import load_run
    from gondwana.nas.report.several_report import write_several

    result = compare_runs([load_run(path) for path in _distinct(run_dirs)], correction=correction.value)
    _show_comparison(result, latex)
    if values is not None:
        _write_values(result.to_frame(), values)
        typer.echo(f"Values: {values}")
    if out is not None:
        typer.echo(f"Report: {write_several(run_dirs, out, correction=correction.value)}")


def _distinct(run_dirs: list[Path]) -> list[Path]:
    """Return the folders. Raises UsageError if one is given twice, which would count its outcomes twice."""
    resolved = [path.resolve() for path in run_dirs]
    twice = sorted(
        {str(path) for path, full in zip(run_dirs, resolved, strict=True) if resolved.count(full) > 1}
    )
    if twice:
        raise UsageError(f"a run can be compared with others, not with itself: {', '.join(twice)}")
    return run_dirs


def _show_comparison(result: RunComparison, latex: bool) -> None:
    if result.comparison is None:
        typer.echo("Fewer than two groups have results: there is nothing to compare yet.")
        return
    if result.note and not latex:
        typer.echo(result.note + "\n")
    _print(result.comparison, latex, result.verdicts())


def _print(comparison: Comparison, latex: bool, verdicts: list[str] | None = None) -> None:
    typer.echo(comparison.to_latex() if latex else comparison.to_text(verdicts))
