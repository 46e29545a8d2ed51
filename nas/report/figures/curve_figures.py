"""The learning curves of a run in one figure."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from gondwana.nas.candidate import RESULTS
from gondwana.nas.report.data.run_data import RunData, Trial
from gondwana.nas.report.figures.figures import color, label

BEST = 5
"""Trainings with a line and a name of their own."""
OTHERS = 300
"""Most trainings behind them; of more, they are taken evenly from the first to the last."""


def learning_curves(run: RunData) -> go.Figure | None:
    """Validation metric over epochs, one line for each training; None if the run has no curve.

    A training that went on in a later candidate is part of that one's line.
    """
    continued = {trial.candidate.origin.get("continues") for trial in run.trials if trial.outcome is not None}
    trials = [t for t in run.trials if _points(t) and t.candidate.id not in continued]
    if not trials:
        return None
    ranked = sorted(trials, key=lambda trial: (-_reached(trial), trial.candidate.id))
    best, others = ranked[:BEST], sorted(ranked[BEST:], key=lambda trial: trial.candidate.id)
    figure = go.Figure()
    _add_others(figure, others[:: max(1, -(-len(others) // OTHERS))])
    for index, trial in enumerate(best):
        points = _points(trial)
        figure.add_scatter(
            x=[epoch for epoch, _ in points],
            y=[value for _, value in points],
            name=f"candidate {trial.candidate.id}",
            mode="lines+markers",
            line={"color": color(index)},
        )
    figure.update_layout(xaxis_title="epoch", yaxis_title=f"validation {label(run.metric)}")
    longest = max(epoch for trial in trials for epoch, _ in _points(trial))
    figure.update_xaxes(dtick=1 if longest <= 15 else None)
    return figure


def _add_others(figure: go.Figure, trials: Sequence[Trial]) -> None:
    """Draw many lines as one, with gaps between them, so that the legend stays short."""
    if not trials:
        return
    x: list[float | None] = []
    y: list[float | None] = []
    text: list[str] = []
    for trial in trials:
        points = _points(trial)
        x += [*(epoch for epoch, _ in points), None]
        y += [*(value for _, value in points), None]
        text += [f"candidate {trial.candidate.id}"] * (len(points) + 1)
    line = {"width": 1, "color": "rgba(128,128,128,0.35)"}
    figure.add_scatter(x=x, y=y, text=text, name=f"{len(trials)} others", mode="lines+markers", line=line)
    figure.data[-1].marker = {"size": 3}


def _points(trial: Trial) -> list[tuple[float, float]]:
    curve = () if trial.outcome is None else trial.outcome.curve
    return [(point["epoch"], round(point["val_fitness"], 5)) for point in curve if "val_fitness" in point]


def _reached(trial: Trial) -> float:
    outcome = trial.outcome
    if outcome is None or outcome.state not in RESULTS or outcome.fitness is None:
        return float("-inf")
    return outcome.fitness
