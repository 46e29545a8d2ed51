"""How signals pass through a run's best network at initialization, like the paper's Figures 2 and 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from markupsafe import Markup

from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.report.figures.figures import color, label
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.page.templates import sentence

if TYPE_CHECKING:
    from gondwana.autoinit.diagnostics.measure import Measurement

DEFAULT = "glorot_uniform"
BATCH = 16


def signals(run: RunData, shown: Figures) -> Markup:
    """Return the variance after every layer of the best candidate, with its own strategy and with Keras' default.

    Measured anew for the report: the network is built from the candidate's spec and sees standard Gaussian inputs.
    """
    best = run.best(1)
    if not best:
        return Markup("")
    spec = best[0].candidate.spec
    own = str(spec.get("initialization", {}).get("strategy", ""))
    try:
        measured = {own: _measure(spec, own)}
        if own != DEFAULT:
            measured[DEFAULT] = _measure(spec, DEFAULT)
    except (ValueError, TypeError, KeyError) as error:
        # A run of another version, or made-up data: the page says so and goes on.
        why = f"The best network cannot be built here, so nothing is measured: {error}"
        return sentence(why, note=True)
    caption = (
        f"variance over all entries of each layer's output for candidate {best[0].candidate.id} before training, "
        f"standard Gaussian inputs, batch of {BATCH}, as in training"
    )
    return shown.add(variances(measured), "Signals at initialization", caption)


def variances(measured: Mapping[str, list[Measurement]]) -> go.Figure:
    """Return variance against layer, one line for each strategy; layers whose signal is not finite are gaps."""
    figure = go.Figure()
    for index, (strategy, layers) in enumerate(measured.items()):
        values = [float(layer.variances.mean()) for layer in layers]
        figure.add_scatter(
            x=list(range(1, len(values) + 1)),
            y=[value if 0 < value < float("inf") else None for value in values],
            text=[label(f"{layer.name} ({layer.kind})") for layer in layers],
            name=label(strategy),
            mode="lines+markers",
            line={"color": color(index)},
        )
    figure.update_layout(xaxis_title="layer", yaxis_title="variance")
    figure.update_yaxes(type="log")
    return figure


def _measure(spec: Mapping[str, Any], strategy: str) -> list[Measurement]:
    from gondwana.autoinit.diagnostics.measure import measure
    from gondwana.nas.evaluation.evaluate import build_model

    own = spec["initialization"]
    chosen = own if strategy == own["strategy"] else {"strategy": strategy}
    model = build_model({**spec, "initialization": chosen})
    return measure(model, batch=BATCH, seed=int(spec["seed"]))
