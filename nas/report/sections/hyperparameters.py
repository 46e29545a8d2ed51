"""The section on hyperparameters: which matter, if that can be told, and which values the best candidates have."""

from __future__ import annotations

from markupsafe import Markup

from gondwana.nas.report.data.hyperparameters import (
    FOLDS,
    LEAST,
    Importance,
    candidates_of,
    hyperparameters,
    importance,
)
from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.report.figures.hyperparameter_figures import importances, parallel_coordinates
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.page.templates import render


def hyperparameter_section(run: RunData, shown: Figures, *, live: bool = False) -> Markup:
    """Return importances and parallel coordinates; on a live page no forest is fitted, which takes seconds."""
    trials = candidates_of(run)
    if len(trials) < 3:
        return Markup("")
    table = hyperparameters(trials)
    if table.empty:
        return Markup("")
    found = None if live else importance(trials, table)
    tells = found is not None and found.tells
    names = [name for name, _, _ in found.columns] if found is not None and tells else list(table.columns)
    fitness = [float(trial.fitness or 0.0) for trial in trials]
    lines = parallel_coordinates(table, names, fitness, [t.candidate.id for t in trials], run.metric)
    return render(
        "sections/hyperparameters.html.j2",
        words=_words(found, len(trials), live),
        bars=shown.add(
            importances(found),
            "Importance of hyperparameters",
            "how much worse the forest predicts when one is shuffled; bars show the standard deviation over folds",
        )
        if found is not None and tells
        else None,
        lines=shown.add(
            lines,
            "Candidates over their hyperparameters",
            "a line for each candidate, from the least value of each to the largest; the best tenth is marked",
        ),
    )


def _words(found: Importance | None, count: int, live: bool) -> str:
    if live:
        return "Which hyperparameters matter is computed by gondwana report, and when the run ends."
    if found is None:
        return (
            f"Nothing is said about importance: that needs at least {LEAST} candidates of different fitness; there are "
            f"{count}."
        )
    score = (
        f"A random forest that was fitted on four fifths of {count:,} candidates predicts the fitness of the others "
        f"with R squared {found.score:.2f} ({FOLDS}-fold cross-validation; p = {found.p:.3f} against shuffled fitness)"
    )
    if not found.tells:
        return f"{score}: no better than chance, so nothing is claimed about which hyperparameters matter."
    return (
        f"{score}. What it relies on is shown; that is a relation among the candidates of this search, not a cause, "
        "and hyperparameters that go together share it."
    )
