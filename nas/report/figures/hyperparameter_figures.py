"""Figures of hyperparameters: how much each matters, and which values the best candidates have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gondwana.nas.report.data.hyperparameters import Importance
from gondwana.nas.report.figures.figures import color, label

SHOWN = 12
AXES = 8
MOST_LINES = 300


def importances(found: Importance) -> go.Figure:
    """Return the largest importances as bars, with the standard deviation over folds."""
    columns = found.columns[:SHOWN][::-1]
    figure = go.Figure(
        go.Bar(
            x=[round(mean, 4) for _, mean, _ in columns],
            y=[label(name, 40) for name, _, _ in columns],
            orientation="h",
            marker_color=color(0),
            error_x={"type": "data", "array": [round(deviation, 4) for _, _, deviation in columns]},
        )
    )
    figure.update_layout(xaxis_title="loss of R squared when shuffled", showlegend=False)
    return figure


def parallel_coordinates(
    table: pd.DataFrame, names: Sequence[str], fitness: Sequence[float], ids: Sequence[int], metric: str
) -> go.Figure:
    """Return a line for each candidate over its values, each axis from the least to the largest; the best on top."""
    order = np.argsort(np.asarray(fitness), kind="stable")
    order = order[np.unique(np.linspace(0, len(order) - 1, min(len(order), MOST_LINES)).round().astype(int))]
    axes = [(label(name, 24), *_axis(table[name])) for name in names[:AXES]]
    axes.append((label(metric, 24), *_axis(pd.Series(list(fitness)))))
    share = np.arange(len(order)) / max(len(order) - 1, 1)
    figure = go.Figure()
    groups = (
        ("lower half", 0.0, 0.5, "rgba(128,128,128,0.3)", 1.0),
        ("upper half", 0.5, 0.9, color(0, 0.5), 1.0),
    )
    for name, low, high, paint, width in (*groups, ("best tenth", 0.9, 1.01, color(1), 2.0)):
        rows = [int(row) for row, place in zip(order, share, strict=True) if low <= place < high]
        x: list[int | None] = []
        y: list[float | None] = []
        text: list[str] = []
        for row in rows:
            x += [*range(len(axes)), None]
            y += [*(round(float(places[row]), 3) for _, places, _ in axes), None]
            text += [f"candidate {ids[row]}<br>{name_}: {words[row]}" for name_, _, words in axes] + [""]
        line = {"color": paint, "width": width}
        figure.add_scatter(
            x=x,
            y=y,
            text=text,
            name=name,
            mode="lines+markers",
            line=line,
            marker={"size": 3},
            hoverinfo="text",
        )
    ticks = [f"{name}<br>{_ends(table[key] if key else None, fitness)}" for name, key in _keys(axes, names)]
    figure.update_xaxes(tickvals=list(range(len(axes))), ticktext=ticks)
    figure.update_yaxes(showticklabels=False, title="least to largest")
    return figure


def _keys(axes: Sequence[tuple[str, object, object]], names: Sequence[str]) -> list[tuple[str, str | None]]:
    keys: list[str | None] = [*names[:AXES], None]
    return [(axis[0], key) for axis, key in zip(axes, keys, strict=True)]


def _ends(values: pd.Series | None, fitness: Sequence[float]) -> str:
    """Return the ends of an axis in words."""
    if values is None:
        values = pd.Series(list(fitness))
    if pd.api.types.is_numeric_dtype(values):
        return f"{values.min():.3g} to {values.max():.3g}"
    words = sorted(set(values))
    return label(", ".join(words) if len(words) <= 3 else f"{len(words)} values", 24)


def _axis(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Return places from 0 to 1 and the values in words; on a logarithmic axis what spans decades."""
    if not pd.api.types.is_numeric_dtype(values):
        words = sorted(set(values))
        places = np.array([words.index(value) / max(len(words) - 1, 1) for value in values])
        return places, [label(value, 40) for value in values]
    numbers = values.to_numpy(float)
    known = numbers[np.isfinite(numbers)]
    low, high = float(known.min()), float(known.max())
    if low > 0 and high / low >= 30:
        places = (np.log(numbers) - np.log(low)) / (np.log(high) - np.log(low))
    else:
        places = (numbers - low) / ((high - low) or 1.0)
    return np.nan_to_num(places), ["none" if value != value else f"{value:.4g}" for value in numbers]
