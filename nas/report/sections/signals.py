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
MOST_NAMES = 30
"""Names of layers on the axis; of more layers every second, third, ... is named."""
WEIGHTED = ("Dense", "Conv", "Depthwise", "Separable", "EinsumDense")
"""Beginnings of the kinds of layers that have a kernel."""


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
        f"candidate {best[0].candidate.id} before training, standard Gaussian inputs, batch of {BATCH}, dropout on; "
        "large marks: what layers with weights compute, before their activation function; small ones: other layers"
    )
    figure = shown.add(variances(measured), "Variance of the signals at initialization", caption)
    return figure + sentence(explanation(measured))


def explanation(measured: Mapping[str, list[Measurement]]) -> str:
    """Return how to read the figure, and what it shows of each strategy."""
    said = []
    for strategy, layers in measured.items():
        known = [float(layer.variances.mean()) for layer in layers if has_weights(layer)]
        finite = [value for value in known if 0 < value < float("inf")]
        if finite:
            span = f"{min(finite):.3g} to {max(finite):.3g}" if len(finite) > 1 else f"{finite[0]:.3g}"
            gaps = f" ({len(known) - len(finite)} not finite)" if len(finite) < len(known) else ""
            said.append(f"with {strategy} {span}{gaps}")
    shown = f" Here these variances are {'; '.join(said)}." if said else ""
    return (
        "The dashed line at 1 is the target: AutoInit scales the weights so that what each layer with weights "
        "computes has about variance 1, at any depth. Activation functions, pooling and dropout between them change "
        "the variance, as the small marks show; the next layer's weights make up for that. What matters is that the "
        f"large marks neither die out nor explode.{shown}"
    )


def has_weights(layer: Measurement) -> bool:
    """Return whether a layer is of a kind whose weights an initialization scales."""
    return layer.kind.startswith(WEIGHTED)


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
            marker={"size": [10 if has_weights(layer) else 5 for layer in layers], "opacity": 1},
        )
    figure.add_hline(y=1, line={"dash": "dash", "width": 1})
    # On a logarithmic axis Plotly takes the place of a text, unlike that of a line, as an exponent.
    figure.add_annotation(x=1, xref="paper", y=0, text="target", showarrow=False, yanchor="bottom")
    names = [_short(layer.name) for layer in next(iter(measured.values()), [])]
    step = -(-len(names) // MOST_NAMES) if names else 1
    legend = {"y": 1.02, "yanchor": "bottom"}  # below are the names of the layers
    figure.update_layout(xaxis_title="layer", yaxis_title="variance", legend=legend)
    figure.update_xaxes(tickvals=list(range(1, len(names) + 1, step)), ticktext=names[::step], tickangle=-40)
    figure.update_yaxes(type="log")
    return figure


def _short(name: str) -> str:
    """Return a layer's name without the module that it belongs to."""
    return label(
        "_".join(name.split("/")[-1].split("_")[-2:] if "module" in name else [name.split("/")[-1]]), 24
    )


def _measure(spec: Mapping[str, Any], strategy: str) -> list[Measurement]:
    from gondwana.autoinit.diagnostics.measure import measure
    from gondwana.nas.evaluation.evaluate import build_model

    own = spec["initialization"]
    chosen = own if strategy == own["strategy"] else {"strategy": strategy}
    model = build_model({**spec, "initialization": chosen})
    return measure(model, batch=BATCH, seed=int(spec["seed"]), before_activation=True)
