"""The EDF figure as a vector graphic, for papers; the report holds the interactive form."""

from __future__ import annotations

from io import BytesIO

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from gondwana.nas.report.data.metric import is_accuracy
from gondwana.nas.report.figures.figures import COLORS
from gondwana.nas.statistics import Comparison


def edf_svg(comparison: Comparison, metric: str = "accuracy") -> bytes:
    """Return the EDFs of all groups with the KS statistic of each pair, like the paper's Figure 9.

    Of errors in percent for an accuracy, otherwise of the values.

    The same comparison gives the same bytes.
    """
    with mpl.rc_context({"svg.hashsalt": "gondwana", "svg.fonttype": "none", "text.parse_math": False}):
        figure = Figure(figsize=(5.5, 3.8), layout="constrained")
        axes = figure.add_subplot()
        errors = is_accuracy(metric)
        columns = [np.sort(100 * (1 - g.values) if errors else g.values) for g in comparison.groups]
        lowest, highest = min(c[0] for c in columns), max(c[-1] for c in columns)
        for index, (group, column) in enumerate(zip(comparison.groups, columns, strict=True)):
            x = np.concatenate([[lowest], column, [highest]])
            share = np.concatenate([[0.0], np.arange(1, group.size + 1) / group.size, [1.0]])
            axes.step(x, share, where="post", color=COLORS[index % len(COLORS)], label=group.name)
        distances = [f"D({pair.first}, {pair.second}) = {pair.ks_d:.3f}" for pair in comparison.pairs[:6]]
        axes.set_title("\n".join(distances), fontsize=8, loc="left")
        what = ("error, percent", "with a smaller error") if errors else (metric, "up to this value")
        axes.set(xlabel=what[0], ylabel=f"share of results {what[1]}", ylim=(0, 1.02))
        axes.legend(loc="lower right", fontsize=8)
        target = BytesIO()
        FigureCanvasSVG(figure).print_svg(target, metadata={"Date": None})
        return target.getvalue()
