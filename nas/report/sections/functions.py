"""The best activation functions of a run: formulas and curves, like the paper's Figure 7b."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from markupsafe import Markup

from gondwana.nas.report.data.run_data import RunData, Trial
from gondwana.nas.report.figures.figures import color, label
from gondwana.nas.report.page.formula import formula
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.page.templates import render

if TYPE_CHECKING:
    from gondwana.activations import Graph

SHOWN = 6
SHAPES = 12
"""Parameter values drawn for the shapes that a function can take during training."""
_X = np.linspace(-5.0, 5.0, 201)
_Y_LIMIT = 5.0
_ROUNDING = 1e-12


def best_functions(run: RunData, shown: Figures) -> Markup:
    """Return the functions of largest fitness; empty if the run's candidates are no activation functions."""
    best = _distinct(run)
    if not best:
        return Markup("")
    functions = [
        _function(rank, text, trial, shown) for rank, (text, trial) in enumerate(best.items(), start=1)
    ]
    return render("sections/functions.html.j2", functions=functions)


def _function(rank: int, text: str, trial: Trial, shown: Figures) -> dict[str, object]:
    """Return the values that the template shows of a function; text and error if it cannot be read."""
    from gondwana import activations

    try:
        graph = activations.parse(text)
    except activations.GraphError as error:
        return {"text": text[:200], "error": error}
    caption = "red: at initialization, every factor at 1; blue: shapes for factors drawn from U(0.5, 2)"
    return {
        "error": None,
        "rank": rank,
        "fitness": trial.fitness,
        "candidate": trial.candidate.id,
        "formula": formula(graph),
        "text": graph.text,
        "moments": _moments(graph),
        "figure": shown.add(
            curves(graph), f"Curve of {text[:120]}", caption if graph.parameters else "no factors"
        ),
    }


def _distinct(run: RunData) -> dict[str, Trial]:
    found: dict[str, Trial] = {}
    for trial in run.best(len(run.trials)):
        model = trial.candidate.spec.get("model", {})
        if model.get("kind") == "architecture" and trial.candidate.origin.get("role") != "baseline":
            found.setdefault(str(model.get("activation", "")), trial)
        if len(found) == SHOWN:
            break
    return found


def _moments(graph: Graph) -> str:
    from gondwana import activations

    facts = activations.describe(graph)
    if facts["mean"] is None:
        return "not finite: " + str(facts["reason"])
    mean = 0.0 if abs(facts["mean"]) < _ROUNDING else facts["mean"]
    return f"mean {mean:.4g}, second moment {facts['second_moment']:.4g}"


def curves(graph: Graph, *, seed: int = 0) -> go.Figure:
    """Return the function at initialization and the shapes that its learnable factors reach from U(0.5, 2)."""
    figure = go.Figure()
    rng = np.random.default_rng(seed)
    for number in range(SHAPES if graph.parameters else 0):
        factors = list(rng.uniform(0.5, 2.0, graph.parameters))
        figure.add_scatter(
            x=_X,
            y=_values(graph, factors),
            mode="lines",
            line={"color": color(0, 0.35), "width": 1},
            hoverinfo="skip",
            name="trained shapes",
            legendgroup="trained",
            showlegend=number == 0,
        )
    figure.add_scatter(
        x=_X,
        y=_values(graph, None),
        mode="lines",
        line={"color": color(1), "width": 2.5},
        name="at initialization",
    )
    figure.update_layout(xaxis_title="x", yaxis_title=label(graph.text, 40), showlegend=False)
    figure.update_yaxes(range=[-_Y_LIMIT, _Y_LIMIT])
    return figure


def _values(graph: Graph, factors: list[Any] | None) -> list[float | None]:
    with np.errstate(all="ignore"):  # poles and overflows are what the picture leaves out
        values = np.broadcast_to(graph(_X, factors), _X.shape)
    return [float(value) if abs(value) <= 10 * _Y_LIMIT else None for value in values]
