"""What the best network answers to the validation rows: confusions or residuals, and the rows answered worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.report.figures.figures import color
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.page.templates import render

STRENGTHS = 5


def answers(run: RunData, shown: Figures) -> Markup:
    """Return the answers of the network that is saved, head by head; empty if they were not computed."""
    found = run.analysis or {}
    if not found.get("answers"):
        return Markup("")
    return render(
        "sections/answers.html.j2",
        rows=found["rows"],
        all_rows=found["all_rows"],
        heads=[_head(head, shown) for head in found["answers"]],
        several=len(found["answers"]) > 1,
    )


def _head(head: Mapping[str, Any], shown: Figures) -> dict[str, Any]:
    """Return the values that the template shows of a head."""
    name = str(head["head"])
    made = {key: head.get(key) for key in ("classes", "labels", "worst", "bias", "middle_half", "pairs")}
    points = head.get("points")
    made["figure"] = points and shown.add(
        residuals(points),
        f"Answers against the truth: {name}",
        "each point a validation row; on the line the answer is the truth",
    )
    made["matrix"] = _shaded(head["matrix"]) if "matrix" in head else None
    return made | {"name": name}


def _shaded(matrix: Sequence[Sequence[int]]) -> list[list[tuple[int, int]]]:
    """Return each count with a strength of its shade, 0 for none: the share of the row's truth."""
    return [
        [(value, -(-STRENGTHS * value // total) if (total := sum(row)) and value else 0) for value in row]
        for row in matrix
    ]


def residuals(points: Sequence[Sequence[float]]) -> go.Figure:
    """Return answers against the truth, with the diagonal."""
    truth, said = [point[0] for point in points], [point[1] for point in points]
    figure = go.Figure()
    figure.add_scatter(
        x=truth, y=said, mode="markers", marker={"color": color(0, 0.5), "size": 5}, name="rows"
    )
    ends = [min(truth), max(truth)]
    line = {"dash": "dot", "width": 1, "color": color(1)}
    figure.add_scatter(x=ends, y=ends, mode="lines", line=line, name="truth", hoverinfo="skip")
    figure.update_layout(xaxis_title="truth", yaxis_title="answer", showlegend=False)
    return figure
