"""Fitness against what it costs: the Pareto front of a run with several objectives, and figures for every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from markupsafe import Markup

from gondwana.nas.candidate import State
from gondwana.nas.report.data.run_data import RunData, Trial
from gondwana.nas.report.figures.figures import color, label
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.page.templates import render
from gondwana.nas.report.page.wording import count, number
from gondwana.nas.searches.codeepneat.evolution.nsga2 import front

COSTS = {"parameters": "parameters", "training_seconds": "seconds of training"}
"""Objectives that are minimized, as axes name them."""

LEAST_COSTS = 3
"""Fewest different costs for a figure of networks against it."""

MOST_ROWS = 30
"""Rows of the table of the front, which is in the figure as a whole."""


def pareto(run: RunData, shown: Figures) -> Markup:
    """Return a figure for each cost, and the front as a table; empty for a run with one objective."""
    names = objectives_of(run)
    points = measured(run, names)
    if len(names) < 2 or not points:
        return Markup("")
    best = front_of(points, names)
    return render(
        "sections/pareto.html.j2",
        points=len(points),
        front=len(best),
        objectives=[COSTS.get(name, name) for name in names],
        metric=run.metric,
        figures=[
            shown.add(
                pareto_figure(run.metric, points, best, cost),
                f"Validation {run.metric} over {COSTS[cost]}",
                "the front is marked; further objectives, if there are any, decide about it too",
            )
            for cost in names[1:]
        ]
        + [
            shown.add(
                figure,
                "Hypervolume of the front so far",
                "share of the objectives' space that the front dominates, from the fitness of guessing and the largest "
                "costs in the first generation",
            )
            for figure in volume_figures(run)
        ],
        rows=[_row(trial) for trial in best[:MOST_ROWS]],
    )


def size(run: RunData, shown: Figures) -> Markup:
    """Return fitness over each cost that differs; what the section on the Pareto front shows is left out."""
    figures = []
    for name, words in COSTS.items():
        if name in objectives_of(run):
            continue
        pair = ("fitness", name)
        points = measured(run, pair)
        if len({cost(trial, name) for trial in points}) < LEAST_COSTS:
            continue
        titles = ("networks", "none is better and cheaper")
        figure = pareto_figure(run.metric, points, front_of(points, pair), name, titles)
        caption = "a point for each network; on the marked line no other one is both better and cheaper"
        figures.append(shown.add(figure, f"Validation {run.metric} against {words}", caption))
    return Markup("\n").join(figures)


def objectives_of(run: RunData) -> tuple[str, ...]:
    """Return the objectives that a run's config names, ``fitness`` first."""
    search = run.config.get("search", {})
    if not isinstance(search, Mapping):
        return ("fitness",)
    inner = search.get("evolution")
    found = (inner if isinstance(inner, Mapping) else search).get("objectives", ())
    return ("fitness", *(name for name in found if name in COSTS))


def measured(run: RunData, names: Sequence[str]) -> list[Trial]:
    """Return the trials that have a result and every cost, each network once."""
    results = (State.COMPLETED, State.DIVERGED)
    return [
        trial
        for trial in run.trials
        if trial.outcome is not None and trial.outcome.state in results
        if all(cost(trial, name) is not None for name in names[1:])
    ]


def cost(trial: Trial, name: str) -> float | None:
    """Return the parameters or the seconds of training of a trial; None if they are not known."""
    if trial.outcome is None:
        return None
    value = trial.outcome.parameters if name == "parameters" else trial.outcome.seconds.get("trained")
    return None if value is None else float(value)


def front_of(points: Sequence[Trial], names: Sequence[str]) -> list[Trial]:
    """Return the trials that no other dominates, best fitness first."""
    figures = [
        (float(trial.fitness or 0.0), *(-(cost(trial, name) or 0.0) for name in names[1:]))
        for trial in points
    ]
    return sorted((points[i] for i in front(figures)), key=lambda t: (-(t.fitness or 0.0), t.candidate.id))


def pareto_figure(
    metric: str,
    points: Sequence[Trial],
    best: Sequence[Trial],
    name: str,
    titles: tuple[str, str] = ("dominated", "Pareto front"),
) -> go.Figure:
    """Return fitness over a cost: every network, the front joined by steps, the candidate in the hover text."""
    figure = go.Figure()
    chosen = {trial.candidate.id for trial in best}
    others = [trial for trial in points if trial.candidate.id not in chosen]
    line = sorted(best, key=lambda trial: (cost(trial, name) or 0.0, trial.fitness or 0.0))
    for index, (title, trials, mode, size) in enumerate(
        ((titles[0], others, "markers", 6), (titles[1], line, "lines+markers", 10))
    ):
        figure.add_scatter(
            x=[cost(trial, name) for trial in trials],
            y=[trial.fitness for trial in trials],
            name=title,
            mode=mode,
            text=[_hover(trial) for trial in trials],
            hovertemplate="%{text}<extra></extra>",
            marker={
                "color": color(index, 0.6 if index == 0 else 1.0),
                "size": size,
                "symbol": ("circle", "diamond")[index],
            },
            line={"color": color(index), "shape": "hv", "dash": "dot"},
        )
    figure.update_layout(xaxis_title=COSTS[name], yaxis_title=f"validation {label(metric)}")
    costs = [value for trial in points if (value := cost(trial, name)) is not None]
    if min(costs) > 0 and max(costs) > 30 * min(costs):
        figure.update_xaxes(type="log")
    return figure


def volume_figures(run: RunData) -> list[go.Figure]:
    """Return the hypervolume over the generations as a figure; none if the latest snapshot holds no such thing."""
    history = run.snapshots[max(run.snapshots)].get("history", []) if run.snapshots else []
    lines = [line for line in history if "hypervolume" in line]
    if not lines:
        return []
    figure = go.Figure()
    figure.add_scatter(
        x=[line["generation"] for line in lines],
        y=[line["hypervolume"] for line in lines],
        mode="lines+markers",
        line={"color": color(0)},
    )
    figure.update_layout(xaxis_title="generation", yaxis_title="hypervolume")
    return [figure]


def _hover(trial: Trial) -> str:
    origin = trial.candidate.origin
    facts = [
        f"candidate {trial.candidate.id}, generation {trial.candidate.generation}",
        f"fitness {number(trial.fitness)}",
        f"{count(trial.outcome.parameters if trial.outcome else None)} parameters",
    ]
    if (seconds := cost(trial, "training_seconds")) is not None:
        facts.append(f"{seconds:.2f} s of training")
    if "blueprint" in origin:
        modules = origin.get("modules", {})
        ids = ", ".join(str(each) for each in modules.values()) if isinstance(modules, Mapping) else ""
        facts.append(f"blueprint {origin['blueprint']}, modules {ids}")
    return "<br>".join(label(fact) for fact in facts)


def _row(trial: Trial) -> tuple[str, ...]:
    return (
        str(trial.candidate.id),
        str(trial.candidate.generation),
        number(trial.fitness),
        count(trial.outcome.parameters if trial.outcome else None),
        number(cost(trial, "training_seconds")),
    )
