"""The signal-propagation figure (the paper's Figures 2 and 3): variance after each layer, predicted and measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from gondwana.autoinit.diagnostics.measure import Measurement
from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.planning import Plan

Series = Plan | Sequence[Measurement]


def signal_figure(series: Mapping[str, Series], *, title: str = "") -> Figure:
    """Return a figure of the variance after each layer, on a logarithmic axis.

    Predictions are lines, measurements are dots with the range over draws; layers with weights are marked below. The
    figure belongs to no window; save it with ``figure.savefig(path)``.

    Args:
        series: by label, plans (predicted) and results of :func:`autoinit.measure` (measured), all of one model.
        title: of the figure.

    Raises:
        AutoInitError: if there is no series.
    """
    if not series:
        raise AutoInitError("a signal figure needs at least one plan or measurement. Received: {}")
    figure = Figure(figsize=(9.0, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for number, (label, one) in enumerate(series.items()):
        colour = f"C{number}"
        if isinstance(one, Plan):
            axes.plot([call.outputs[0].variance for call in one.calls], color=colour, label=label)
            _mark_weights(axes, one)
        else:
            means = [row.variances.mean() for row in one]
            low = [mean - row.variances.min() for mean, row in zip(means, one, strict=True)]
            high = [row.variances.max() - mean for mean, row in zip(means, one, strict=True)]
            axes.errorbar(
                range(len(one)), means, (low, high), fmt=".", color=colour, label=label, elinewidth=0.8
            )
    axes.set(
        xlabel="layer, in order of evaluation", ylabel="variance of the output", yscale="log", title=title
    )
    axes.axhline(1.0, color="0.7", linewidth=0.8, zorder=0)
    axes.legend()
    return figure


def _mark_weights(axes: Any, plan: Plan) -> None:
    places = [number for number, call in enumerate(plan.calls) if call.weighted]
    axes.plot(places, [0.02] * len(places), "|", color="C3", transform=axes.get_xaxis_transform(), zorder=0)
