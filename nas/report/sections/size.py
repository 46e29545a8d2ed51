"""The section on what accuracy costs: fitness against parameters and seconds of training."""

from __future__ import annotations

from markupsafe import Markup

from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.sections.pareto import COSTS, cost, front_of, measured, objectives_of, pareto_figure

LEAST = 3


def size(run: RunData, shown: Figures) -> Markup:
    """Return fitness over each cost that differs; what the section on the Pareto front shows is left out."""
    figures = []
    for name, words in COSTS.items():
        if name in objectives_of(run):
            continue
        pair = ("fitness", name)
        points = measured(run, pair)
        if len({cost(trial, name) for trial in points}) < LEAST:
            continue
        titles = ("networks", "none is better and cheaper")
        figure = pareto_figure(run.metric, points, front_of(points, pair), name, titles)
        caption = "a point for each network; on the marked line no other one is both better and cheaper"
        figures.append(shown.add(figure, f"Validation {run.metric} against {words}", caption))
    return Markup("\n").join(figures)
