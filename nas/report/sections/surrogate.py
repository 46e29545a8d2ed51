"""The section on how well a run learned to tell good candidates from bad ones before they were evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.report.figures.figures import color
from gondwana.nas.report.page.page import Figures


def surrogate(run: RunData, shown: Figures) -> Markup:
    """Return the rank correlation of each model of the run over the outcomes it was made from; empty without one."""
    forests = forests_of(run)
    if not forests:
        return Markup("")
    figure = go.Figure()
    for index, used in enumerate((True, False)):
        lines = [line for line in forests if bool(line["used"]) is used]
        figure.add_scatter(
            x=[line["outcomes"] for line in lines],
            y=[line["correlation"] for line in lines],
            name="used" if used else "not used: no better than chance",
            mode="markers" if not used else "lines+markers",
            marker={"color": color(index)},
        )
    figure.update_layout(xaxis_title="outcomes learned from", yaxis_title="rank correlation")
    return shown.add(
        figure,
        "What the surrogate knows",
        "rank correlation (Spearman) between what the forest says of outcomes that its trees have not seen, and what "
        "they were",
    )


def forests_of(run: RunData) -> list[Mapping[str, Any]]:
    """Return the forests of the latest snapshot, oldest first."""
    if not run.snapshots:
        return []
    known = run.snapshots[max(run.snapshots)].get("surrogate")
    return list(known["forests"]) if isinstance(known, Mapping) else []
