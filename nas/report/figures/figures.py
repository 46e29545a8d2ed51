"""Plotly figures. They carry no colours of text or background: the page that shows them sets these, light or dark."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from gondwana.nas.candidate import PHASES, State
from gondwana.nas.report.data.metric import UNKNOWN, is_accuracy
from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.statistics import Comparison, edf

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Distinguishable for the colour-blind (Okabe and Ito), on light and on dark ground."""


def label(text: object, limit: int = 80) -> str:
    """Return a text for use inside a figure: Plotly reads tags in labels, so they are escaped; long ones are cut."""
    words = str(text)
    return html.escape(words if len(words) <= limit else words[: limit - 1] + "…", quote=False)


def color(index: int, opacity: float = 1.0) -> str:
    """Return the colour of the ``index``-th series."""
    red, green, blue = (int(COLORS[index % len(COLORS)][at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def fitness_over_generations(run: RunData) -> go.Figure:
    """Best, mean and spread (10th to 90th percentile) of the fitness in each generation, and the best so far."""
    values = run.by_generation()
    generations = list(values)
    low, high = (
        [float(np.quantile(values[generation], quantile)) for generation in generations]
        for quantile in (0.1, 0.9)
    )
    best = [max(values[generation]) for generation in generations]
    mean = [float(np.mean(values[generation])) for generation in generations]
    figure = go.Figure()
    add_band(figure, generations, low, high, 0, "10th to 90th percentile")
    figure.add_scatter(x=generations, y=mean, name="mean", mode="lines+markers", line={"color": color(0)})
    figure.add_scatter(x=generations, y=best, name="best", mode="lines+markers", line={"color": color(1)})
    figure.add_scatter(
        x=generations,
        y=list(np.maximum.accumulate(best)),
        name="best so far",
        mode="lines",
        line={"color": color(1), "dash": "dot"},
    )
    figure.update_layout(xaxis_title="generation", yaxis_title=f"validation {label(run.metric)}")
    figure.update_xaxes(dtick=1 if len(generations) <= 15 else None)
    return figure


def fitness_by_candidate(run: RunData) -> go.Figure:
    """Fitness of every candidate in the order of ids, one series for each state."""
    figure = go.Figure()
    for index, state in enumerate((State.COMPLETED, State.DIVERGED, State.DUPLICATE)):
        chosen = [t for t in run.trials if t.outcome is not None and t.outcome.state is state]
        if chosen:
            figure.add_scatter(
                x=[trial.candidate.id for trial in chosen],
                y=[trial.fitness for trial in chosen],
                text=[label(trial.candidate.origin.get("text", "")) for trial in chosen],
                name=state.value,
                mode="markers",
                marker={"color": color(index, 0.7), "size": 5},
            )
    figure.update_layout(xaxis_title="candidate", yaxis_title=f"validation {label(run.metric)}")
    return figure


def fitness_over_seconds(run: RunData) -> go.Figure | None:
    """Fitness of every candidate and the best so far over wall seconds since the start; None if no time is recorded."""
    known = [
        (run.recorded[trial.candidate.id] - run.created, trial.fitness, trial.candidate.id)
        for trial in run.trials
        if trial.fitness is not None and trial.candidate.id in run.recorded
    ]
    if not known:
        return None
    known.sort(key=lambda point: (point[0], point[2]))
    seconds = [round(point[0], 2) for point in known]
    values = [point[1] for point in known]
    figure = go.Figure()
    figure.add_scatter(
        x=seconds,
        y=values,
        text=[f"candidate {point[2]}" for point in known],
        name="candidates",
        mode="markers",
        marker={"color": color(0, 0.6), "size": 5},
    )
    best = [float(value) for value in np.maximum.accumulate(values)]
    line = {"color": color(1), "shape": "hv"}
    figure.add_scatter(x=seconds, y=best, name="best so far", mode="lines", line=line)
    figure.update_layout(xaxis_title="seconds since the start", yaxis_title=f"validation {label(run.metric)}")
    return figure


def species_over_time(run: RunData, population: str) -> go.Figure | None:
    """Size of every species at the end of each generation, stacked; None if the run has no such population.

    Args:
        population: key of the snapshots, such as ``modules``.
    """
    sizes: dict[str, dict[int, int]] = {}
    for generation, snapshot in run.snapshots.items():
        species = snapshot.get(population, {}).get("species", {})
        for name, facts in species.items():
            sizes.setdefault(str(name), {})[generation] = len(facts.get("members", ()))
    if not sizes:
        return None
    figure = go.Figure()
    for index, (name, by_generation) in enumerate(sizes.items()):
        figure.add_scatter(
            x=list(run.snapshots),
            y=[by_generation.get(generation, 0) for generation in run.snapshots],
            name=label(f"species {name}"),
            mode="lines+markers",
            stackgroup="one",
            line={"color": color(index)},
        )
    figure.update_layout(xaxis_title="generation", yaxis_title=label(population))
    figure.update_xaxes(dtick=1 if len(run.snapshots) <= 15 else None)
    return figure


def species_fitness(run: RunData, population: str) -> go.Figure | None:
    """Best fitness that every species has reached so far; None if no snapshot knows it."""
    best: dict[str, list[tuple[int, float]]] = {}
    for generation, snapshot in run.snapshots.items():
        for name, facts in snapshot.get(population, {}).get("species", {}).items():
            if facts.get("best") is not None:
                best.setdefault(str(name), []).append((generation, float(facts["best"])))
    if not best:
        return None
    figure = go.Figure()
    for index, (name, points) in enumerate(best.items()):
        figure.add_scatter(
            x=[generation for generation, _ in points],
            y=[fitness for _, fitness in points],
            name=label(f"species {name}"),
            mode="lines+markers",
            line={"color": color(index)},
        )
    figure.update_layout(xaxis_title="generation", yaxis_title="best fitness so far")
    figure.update_xaxes(dtick=1 if len(run.snapshots) <= 15 else None)
    return figure


def seconds_by_phase(run: RunData) -> go.Figure:
    """Median of the wall seconds of each phase, and a bar from the 10th to the 90th percentile, over evaluations."""
    figure = go.Figure()
    for index, (phase, values) in enumerate(run.seconds().items()):
        if values:
            low, median, high = (float(np.quantile(values, share)) for share in (0.1, 0.5, 0.9))
            figure.add_scatter(
                x=[median],
                y=[phase],
                name=label(phase),
                mode="markers",
                marker={"color": color(index), "size": 10},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [high - median],
                    "arrayminus": [median - low],
                    "thickness": 3,
                },
            )
    figure.update_layout(xaxis_title="seconds per evaluation", showlegend=False)
    figure.update_yaxes(categoryorder="array", categoryarray=list(reversed(PHASES)))
    return figure


def states(run: RunData) -> go.Figure:
    """Number of outcomes in each state."""
    counts = run.states()
    present = [state for state in State if counts[state]]
    figure = go.Figure(
        go.Bar(
            x=[counts[state] for state in present],
            y=[state.value.replace("_", " ") for state in present],
            orientation="h",
            marker_color=[color(0) if state is State.COMPLETED else color(1) for state in present],
            text=[counts[state] for state in present],
        )
    )
    figure.update_layout(xaxis_title="outcomes", showlegend=False)
    figure.update_yaxes(autorange="reversed")
    return figure


def error_edf(comparison: Comparison, metric: str = "accuracy") -> go.Figure:
    """EDFs with the KS statistic of every pair, like the paper's Figure 9.

    For an accuracy ``F(e)`` is the share of results with an error less than ``e``, which is one minus the value; for
    another metric the share of results at most as large as the value. The shaded bands hold the true distribution
    functions with the confidence of the comparison.
    """
    figure = go.Figure()
    for index, group in enumerate(comparison.groups):
        x, share = edf_line(group.values, metric)
        band = group.edf.half_width
        add_band(
            figure,
            x,
            list(np.clip(np.array(share) - band, 0, 1)),
            list(np.clip(np.array(share) + band, 0, 1)),
            index,
            f"{label(group.name)} ({group.confidence:.0%} band)",
            shape="hv",
            visible="legendonly",
        )
        figure.add_scatter(
            x=x, y=share, name=label(group.name), mode="lines", line={"shape": "hv", "color": color(index)}
        )
    distances = "<br>".join(
        f"D({label(pair.first, 24)}, {label(pair.second, 24)}) = {pair.ks_d:.3f}"
        for pair in comparison.pairs[:6]
    )
    figure.add_annotation(
        text=distances,
        xref="paper",
        yref="paper",
        x=0.99,
        y=0.02,
        showarrow=False,
        align="right",
        xanchor="right",
        yanchor="bottom",
    )
    edf_axes(figure, metric, "results")
    return figure


def edf_axes(figure: go.Figure, metric: str, what: str) -> None:
    """Name the axes of a figure of EDFs of ``what``: errors in percent of an accuracy, otherwise values."""
    errors = is_accuracy(metric)
    figure.update_layout(
        xaxis_title="error, percent" if errors else label(metric),
        yaxis_title=f"share of {what} " + ("with a smaller error" if errors else "up to this value"),
    )
    figure.update_yaxes(range=[0, 1.02])


def edf_line(values: np.ndarray, metric: str) -> tuple[list[float], list[float]]:
    """Return the steps of :func:`error_edf` for one group: errors in percent of an accuracy, otherwise values."""
    function = edf(values)
    if not is_accuracy(metric):
        return [float(v) for v in function.x], [float(v) for v in function.fraction]
    share = 1 - np.concatenate([function.fraction[::-1][1:], [0.0]])
    return [float(v) for v in 100 * (1 - function.x[::-1])], [float(v) for v in share]


def distributions(
    comparison: Comparison, texts: Mapping[str, Sequence[str]] | None = None, metric: str = UNKNOWN
) -> go.Figure:
    """Every result of every group with quartiles, median and the baseline, like the paper's Figure 7a."""
    figure = go.Figure()
    for index, group in enumerate(comparison.groups):
        names = (texts or {}).get(group.name, [])
        figure.add_scatter(
            x=[round(index + 0.6 * (share - 0.5), 3) for share in _spread(group.size)],
            y=group.values,
            name=label(group.name, 24),
            mode="markers",
            marker={"color": color(index, 0.7), "size": 4},
            text=[label(name) for name in names] if len(names) == group.size else None,
        )
        low, median, high = (float(np.quantile(group.values, share)) for share in (0.25, 0.5, 0.75))
        left, right = index - 0.35, index + 0.35
        figure.add_scatter(
            x=[left, right, right, left, left, None, left, right],
            y=[low, low, high, high, low, None, median, median],
            name=f"quartiles of {label(group.name, 24)}",
            mode="lines",
            line={"width": 1.5, "color": color(index)},
            hoverinfo="skip",
        )
    if comparison.baseline is not None:
        figure.add_hline(y=comparison.baseline, line={"dash": "dot", "width": 1}, annotation_text="baseline")
    figure.update_layout(yaxis_title=f"validation {label(metric)}", showlegend=False)
    names = [label(group.name, 24) for group in comparison.groups]
    figure.update_xaxes(tickvals=list(range(len(names))), ticktext=names, range=[-0.6, len(names) - 0.4])
    return figure


def _spread(count: int) -> list[float]:
    """Return places in [0, 1), each far from those before it: multiples of the golden ratio."""
    golden = (5**0.5 - 1) / 2
    return [number * golden % 1 for number in range(count)]


def paired_scatter(
    first: str, second: str, values: Mapping[str, Sequence[float | None]], texts: Sequence[str]
) -> go.Figure:
    """One point for each subject: its value in the one group against its value in the other."""
    rows = [
        (a, b, text)
        for a, b, text in zip(values[first], values[second], texts, strict=False)
        if a is not None and b is not None
    ]
    figure = go.Figure(
        go.Scatter(
            x=[row[0] for row in rows],
            y=[row[1] for row in rows],
            text=[label(row[2]) for row in rows],
            mode="markers",
            marker={"color": color(0, 0.6), "size": 6},
        )
    )
    if rows:
        ends = [min(min(row[:2]) for row in rows), max(max(row[:2]) for row in rows)]
        figure.add_scatter(x=ends, y=ends, mode="lines", line={"dash": "dot", "width": 1}, hoverinfo="skip")
    figure.update_layout(xaxis_title=label(first), yaxis_title=label(second), showlegend=False)
    return figure


def add_band(
    figure: go.Figure,
    x: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    index: int,
    name: str,
    shape: str = "linear",
    visible: bool | str = True,
) -> None:
    """Shade the area between two lines; the band has an entry of its own in the legend."""
    edge = {"mode": "lines", "line": {"width": 0, "shape": shape}, "hoverinfo": "skip", "visible": visible}
    figure.add_scatter(x=x, y=low, showlegend=False, legendgroup=name, **edge)
    figure.add_scatter(
        x=x, y=high, fill="tonexty", fillcolor=color(index, 0.15), name=name, legendgroup=name, **edge
    )
