"""One page for several runs: how they compare, then the sections of each."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from gondwana.nas.candidate import RESULTS
from gondwana.nas.report.data.compare_run import chance_of
from gondwana.nas.report.data.run_data import RunData, commit_of
from gondwana.nas.report.data.several_runs import Joined, join_runs
from gondwana.nas.report.page.page import Figures, main_content, page
from gondwana.nas.report.page.templates import render, sentence
from gondwana.nas.report.page.wording import count, duration, number, when
from gondwana.nas.report.report import load_run, run_sections
from gondwana.nas.report.sections.comparison import comparison
from gondwana.nas.report.sections.evolution import evolutions
from gondwana.nas.report.sections.run import introduction
from gondwana.nas.statistics.multiplicity import Correction


def render_several(runs: Sequence[RunData], *, correction: Correction = "holm") -> str:
    """Return the report of several runs as one HTML document."""
    joined = join_runs(runs, correction=correction)
    shown = Figures()
    content: list[tuple[str, Markup]] = [("The runs", _overview(joined))]
    if joined.groups and not joined.why.startswith("The runs have different tasks"):
        first = joined.runs[0]
        content.append(
            ("Fitness over generations", evolutions(joined.groups, first.metric, chance_of(first), shown))
        )
    content.append(("Comparison", _comparison(joined, shown)))
    for number_, run in enumerate(joined.runs, start=1):
        content.append((f"Run {number_}: {run.name}", _one(run, number_, shown)))
    title = f"{len(runs)} runs compared"
    return page(title, main_content(title, _introduction(joined), content, shown))


def write_several(run_dirs: Sequence[Path], target: Path, *, correction: Correction = "holm") -> Path:
    """Write the report of several runs to ``target``, whole or not at all, and return it.

    Raises:
        gondwana.nas.engine.records.run_folder.RunFolderError: if a folder is not a run or is damaged.
        gondwana.nas.engine.records.store.StoreError: if a database cannot be read.
        OSError: if the file cannot be written.
    """
    text = render_several([load_run(path) for path in run_dirs], correction=correction)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _introduction(joined: Joined) -> Markup:
    outcomes = sum(len(run.outcomes) for run in joined.runs)
    finished = sum(run.finished is not None for run in joined.runs)
    return sentence(
        f"{len(joined.runs)} runs, {finished} of them finished, with {outcomes:,} outcomes in all."
    )


def _overview(joined: Joined) -> Markup:
    folders = " ".join(shlex.quote(str(run.path)) for run in joined.runs)
    return render(
        "sections/runs.html.j2",
        rows=[_row(run, label) for run, label in zip(joined.runs, joined.labels, strict=True)],
        commands=[
            ("this page", f"gondwana report {folders}"),
            ("the tables and tests", f"gondwana compare {folders}"),
        ],
    )


def _row(run: RunData, label: str) -> list[str]:
    best = run.best(1)
    worked = sum(sum(values) for phase, values in run.seconds().items() if phase != "queued")
    results = sum(number for state, number in run.states().items() if state in RESULTS)
    status = "" if run.finished is not None else " (under way)"
    return [
        run.name,
        label or "the seed",
        run.kind,
        run.metric,
        f"{count(results)} of {count(len(run.trials))}{status}",
        number(best[0].fitness) if best else "",
        duration(worked),
        when(run.created),
        str(run.config.get("seed", "unknown")),
        commit_of(run) or "unknown",
        str(run.path),
    ]


def _comparison(joined: Joined, shown: Figures) -> Markup:
    if joined.result is None:
        return sentence(f"Nothing is compared. {joined.why}")
    return comparison(joined.result, shown)


def _one(run: RunData, position: int, shown: Figures) -> Markup:
    """Return the sections of a run, their headings one level lower."""
    found = run_sections(run, shown, table_id=f"candidates-{position}")
    return render(
        "sections/one_run.html.j2",
        introduction=introduction(run),
        sections=[(heading, content) for heading, content in found if content],
    )
