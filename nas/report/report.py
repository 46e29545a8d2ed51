"""``report.html``: one self-contained file that says what a run did, what came of it, and how sure that is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from markupsafe import Markup

from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.report.data.analysis import ensure_analysis
from gondwana.nas.report.data.compare_run import KINDS, chance_of, compare_run
from gondwana.nas.report.data.evolutions import evolutions_of
from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.report.figures.edf_picture import edf_svg
from gondwana.nas.report.page.page import Figures, main_content, page
from gondwana.nas.report.sections import run as sections
from gondwana.nas.report.sections.answers import answers
from gondwana.nas.report.sections.comparison import comparison
from gondwana.nas.report.sections.curves import curves
from gondwana.nas.report.sections.evolution import evolutions
from gondwana.nas.report.sections.family import family
from gondwana.nas.report.sections.functions import best_functions
from gondwana.nas.report.sections.hyperparameters import hyperparameter_section
from gondwana.nas.report.sections.networks import best_networks
from gondwana.nas.report.sections.overview import overview
from gondwana.nas.report.sections.pareto import pareto, size
from gondwana.nas.report.sections.signals import signals
from gondwana.nas.report.sections.surrogate import surrogate
from gondwana.nas.report.sections.sweep import sweep
from gondwana.nas.statistics import Comparison

REPORT = "report.html"
EDF = "edf.svg"


def load_run(run_dir: Path) -> RunData:
    """Read a run, finished or under way. Writes nothing.

    Raises:
        gondwana.nas.engine.records.run_folder.RunFolderError: if the folder is not a run or is damaged.
        gondwana.nas.engine.records.store.StoreError: if the database cannot be read.
    """
    folder = RunFolder.open(run_dir)
    with folder.open_store(read_only=True) as store:
        return RunData.from_store(folder.path, store, _environment(folder.path / "environment.json"))


def _environment(path: Path) -> dict[str, object]:
    """Return what the engine noted about the run's surroundings; the report says so if there is nothing to read."""
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"environment": "not recorded"}
    except json.JSONDecodeError:
        return {"environment": f"{path.name} is damaged"}
    return noted if isinstance(noted, dict) else {"environment": f"{path.name} is damaged"}


def render(run: RunData, *, live: bool = False) -> str:
    """Return the report of a run as an HTML document; ``live`` as in :func:`gondwana.nas.report.page.page.page`."""
    return page(run.name, render_main(run), live=live)


def render_main(run: RunData, *, live: bool = False) -> Markup:
    """Return the part of the report that depends on the run, as one element; ``live`` leaves out what takes long."""
    shown = Figures()
    first = sections.introduction(run) + overview(run)
    return main_content(run.name, first, run_sections(run, shown, live=live), shown)


def run_sections(
    run: RunData, shown: Figures, *, table_id: str = "candidates", live: bool = False
) -> list[tuple[str, Markup]]:
    """Return heading and content of every section of a run; empty content where the run has nothing of the kind."""
    content: list[tuple[str, Markup]] = []
    if run.kind == "sweep":
        content.append(("Sweep", sweep(run, shown)))
    if run.kind == "side_by_side":
        content.append(("Evolutions", evolutions(evolutions_of(run), run.metric, chance_of(run), shown)))
    if run.kind in KINDS:
        content.append(("Comparison", comparison(compare_run(run), shown)))
    return [
        *content,
        ("Fitness", sections.fitness(run, shown)),
        ("Learning curves", curves(run, shown)),
        ("Pareto front", pareto(run, shown)),
        ("Accuracy, size and time", size(run, shown)),
        ("Hyperparameters", hyperparameter_section(run, shown, live=live)),
        ("Surrogate", surrogate(run, shown)),
        ("Species", sections.species(run, shown)),
        ("Best functions", best_functions(run, shown)),
        ("Best networks", best_networks(run)),
        ("Family tree", family(run)),
        ("Answers of the best network", answers(run, shown)),
        ("Signals", signals(run, shown)),
        ("What failed and why", sections.failures(run, shown)),
        ("Seconds by phase", sections.phases(run, shown)),
        ("What was run", sections.what_was_run(run)),
        ("Candidates", sections.candidates(run, table_id)),
        ("How to reproduce each number", sections.reproduce(run)),
    ]


def write_edf(run_dir: Path, comparison: Comparison, metric: str = "accuracy") -> Path:
    """Write the EDF figure of a comparison into its run folder as ``edf.svg`` and return its path."""
    folder = RunFolder.open(run_dir)
    folder.write_bytes(EDF, edf_svg(comparison, metric))
    return folder.path / EDF


def write_report(run_dir: Path) -> Path:
    """Write ``report.html`` into a run folder, whole or not at all, and return its path.

    The first time, baselines are fitted and the best network is asked for its answers to the validation rows; that is
    kept beside the report as ``analysis.json``.

    Raises:
        gondwana.nas.engine.records.run_folder.RunFolderError: if the folder is not a run or is damaged.
        gondwana.nas.engine.records.store.StoreError: if the database cannot be read.
    """
    folder, run = RunFolder.open(run_dir), load_run(run_dir)
    folder.write_text(REPORT, render(replace(run, analysis=ensure_analysis(folder, run))))
    return folder.path / REPORT
