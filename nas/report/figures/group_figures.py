"""Figures of groups of evolutions, like the paper's Figures 6a and 8."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go

from gondwana.nas.report.data.evolutions import Evolution, Groups
from gondwana.nas.report.figures.figures import add_band, color, edf_axes, edf_line, label

Course = tuple[list[int], list[float]]
"""Generations, and a value for each."""


def best_by_group(groups: Groups, metric: str) -> go.Figure:
    """Best fitness up to each generation: mean over the evolutions of a group, band from the worst to the best."""
    return _courses(groups, Evolution.best_so_far, f"best validation {metric} so far", spread_of_one=None)


def mean_by_group(groups: Groups, metric: str) -> go.Figure:
    """Mean fitness of each generation: mean over the evolutions of a group, band from the least to the largest of them.

    The band of a group of one evolution goes from the 10th to the 90th percentile of its networks.
    """
    return _courses(groups, Evolution.means, f"mean validation {metric}", spread_of_one=_percentiles)


def _percentiles(evolution: Evolution) -> tuple[list[float], list[float]]:
    values = evolution.by_generation().values()
    low, high = ([float(np.quantile(found, q)) for found in values] for q in (0.1, 0.9))
    return low, high


def _courses(
    groups: Groups,
    course: Callable[[Evolution], Course],
    title: str,
    spread_of_one: Callable[[Evolution], tuple[list[float], list[float]]] | None,
) -> go.Figure:
    figure = go.Figure()
    longest = 0
    for index, (name, evolutions) in enumerate(groups.items()):
        known = [evolution for evolution in evolutions if course(evolution)[0]]
        if not known:
            continue
        courses = [course(evolution) for evolution in known]
        generations = sorted(set.intersection(*(set(found[0]) for found in courses)))
        table = np.array([[dict(zip(*c, strict=True))[g] for g in generations] for c in courses])
        if len(courses) > 1:
            low, high = [float(v) for v in table.min(axis=0)], [float(v) for v in table.max(axis=0)]
            add_band(figure, generations, low, high, index, f"{label(name)}, {len(courses)} evolutions")
        elif spread_of_one is not None:
            low, high = spread_of_one(known[0])
            add_band(figure, generations, low, high, index, f"{label(name)}, 10th to 90th percentile")
        mean = [float(v) for v in table.mean(axis=0)]
        line = {"color": color(index)}
        figure.add_scatter(x=generations, y=mean, name=label(name), mode="lines+markers", line=line)
        longest = max(longest, len(generations))
    figure.update_layout(xaxis_title="generation", yaxis_title=label(title))
    figure.update_xaxes(dtick=1 if longest <= 15 else None)
    return figure


def networks_edf(groups: Groups, metric: str, last: int, chance: float | None) -> go.Figure:
    """EDF of every network that the evolutions of each group made; untrained networks stand at chance."""
    figure = go.Figure()
    for index, (name, evolutions) in enumerate(groups.items()):
        values = _at_chance(evolutions, last, chance)
        if len(values):
            x, share = edf_line(values, metric)
            line = {"shape": "hv", "color": color(index)}
            figure.add_scatter(x=x, y=share, name=label(name), mode="lines", line=line)
    edf_axes(figure, metric, "networks")
    return figure


def _at_chance(evolutions: Sequence[Evolution], last: int, chance: float | None) -> np.ndarray:
    values = [value for evolution in evolutions for _, value in evolution.networks(last)]
    known = np.array([value for value in values if value is not None], dtype=float)
    return known[~np.isnan(known)] if chance is None else np.where(np.isnan(known), chance, known)
