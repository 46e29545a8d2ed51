"""The section of a sweep: fitness against each varied hyperparameter, like the paper's Figures 1 and 4a."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from markupsafe import Markup

from gondwana.nas.report.data.compare_run import chance_of
from gondwana.nas.report.data.metric import UNKNOWN
from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.report.figures.figures import color, label
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.page.templates import render
from gondwana.nas.report.page.wording import number

Cells = dict[str, dict[str, list[float | None]]]
"""Strategy -> value of the axis as JSON text -> fitness of each replicate, None for no result."""


def sweep(run: RunData, shown: Figures) -> Markup:
    """Return a figure and a table for each axis, and for a grid a table of every point."""
    chance = chance_of(run)
    axes = [found for axis in run.config["search"]["axes"] if (found := _axis(run, axis, chance, shown))]
    return render(
        "sections/sweep.html.j2",
        axes=axes,
        limit=None if chance is None else _limit(run, chance),
        grid=_every_point(run) if _is_grid(run) else None,
    )


def _axis(
    run: RunData, axis: Mapping[str, Any], chance: float | None, shown: Figures
) -> dict[str, object] | None:
    """Return the values that the template shows of one axis; None if it has no outcome yet."""
    key, values = str(axis["key"]), [json.dumps(value) for value in axis["values"]]
    cells = _cells(run, key)
    if not cells:
        return None
    others = "replicates" if not _is_grid(run) else "replicates and the values of the other axes"
    figure = axis_figure(key, axis["values"], cells, chance, run.metric)
    caption = f"mean over {others}, bars from the least to the largest"
    return {
        "figure": shown.add(figure, f"Fitness against {key}", caption),
        "header": (key, *cells),
        "rows": [
            (value, *(_cell(by_value.get(value, [])) for by_value in cells.values())) for value in values
        ],
        "beats_chance": [] if chance is None else _beats_chance(cells, values, _limit(run, chance)),
    }


def _limit(run: RunData, chance: float) -> float:
    """Return the fitness that a training must exceed to beat chance."""
    return chance + float(run.config["search"]["margin"])


def _is_grid(run: RunData) -> bool:
    search = run.config["search"]
    return search.get("design") == "grid" and len(search["axes"]) > 1


def _every_point(run: RunData) -> dict[str, object]:
    """Return header and rows of the table of a grid: one row for each combination, one column for each strategy."""
    keys = [str(axis["key"]) for axis in run.config["search"]["axes"]]
    points: dict[tuple[str, ...], dict[str, list[float | None]]] = {}
    strategies: dict[str, None] = {}
    for trial in run.trials:
        changes, strategy = trial.candidate.origin.get("changes", {}), str(trial.candidate.origin["strategy"])
        if trial.outcome is not None:
            strategies[strategy] = None
            point = tuple(json.dumps(changes.get(key)) for key in keys)
            points.setdefault(point, {}).setdefault(strategy, []).append(trial.fitness)
    rows = [(*point, *(_cell(cells.get(name, [])) for name in strategies)) for point, cells in points.items()]
    return {"header": (*keys, *strategies), "rows": rows}


def axis_figure(
    key: str, values: Sequence[Any], cells: Cells, chance: float | None, metric: str = UNKNOWN
) -> go.Figure:
    """Return fitness by strategy over the values of one axis; a logarithmic axis for numbers that span decades."""
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    positive = numeric and min(values) > 0
    figure = go.Figure()
    for index, (strategy, by_value) in enumerate(cells.items()):
        points = [
            (value, [f for f in by_value.get(json.dumps(value), []) if f is not None]) for value in values
        ]
        points = [(value, fitness) for value, fitness in points if fitness]
        means = [float(np.mean(fitness)) for _, fitness in points]
        figure.add_scatter(
            x=[value if numeric else label(value, 30) for value, _ in points],
            y=means,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [max(fitness) - mean for (_, fitness), mean in zip(points, means, strict=True)],
                "arrayminus": [mean - min(fitness) for (_, fitness), mean in zip(points, means, strict=True)],
                "thickness": 1,
            },
            name=label(strategy),
            mode="lines+markers" if numeric else "markers",
            line={"color": color(index)},
        )
    if chance is not None:
        figure.add_hline(y=chance, line={"dash": "dot", "width": 1}, annotation_text="chance")
    figure.update_layout(xaxis_title=label(key), yaxis_title=f"validation {label(metric)}")
    if positive and max(values) / min(values) >= 30:
        figure.update_xaxes(type="log")
    return figure


def _cells(run: RunData, key: str) -> Cells:
    found: Cells = {}
    for trial in run.trials:
        changes = trial.candidate.origin.get("changes", {})
        if isinstance(changes, Mapping) and key in changes and trial.outcome is not None:
            strategy = str(trial.candidate.origin["strategy"])
            by_value = found.setdefault(strategy, {})
            by_value.setdefault(json.dumps(changes[key]), []).append(trial.fitness)
    return found


def _cell(fitness: Sequence[float | None]) -> str:
    known = [value for value in fitness if value is not None]
    missing = f" ({len(fitness) - len(known)} without a result)" if len(known) < len(fitness) else ""
    return (number(float(np.mean(known))) if known else "") + missing


def _beats_chance(cells: Cells, values: Sequence[str], limit: float) -> list[tuple[str, list[str]]]:
    """Return for each strategy with which values training beat chance, which is how the paper reads Figure 4a."""
    found = []
    for strategy, by_value in cells.items():
        good = [
            value
            for value in values
            if (known := [f for f in by_value.get(value, []) if f is not None]) and np.mean(known) > limit
        ]
        found.append((strategy, good))
    return found
