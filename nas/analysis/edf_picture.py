"""The EDF figure as a vector graphic, for papers; the report holds the interactive form."""

from __future__ import annotations

from io import BytesIO

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from nas.analysis.figures import COLORS
from nas.analysis.statistics import Comparison


def edf_svg(comparison: Comparison) -> bytes:
    """Return the error EDFs of all groups with the KS statistic of each pair, like the paper's Figure 9.

    The same comparison gives the same bytes.
    """
    with mpl.rc_context({"svg.hashsalt": "gondwana", "svg.fonttype": "none", "text.parse_math": False}):
        figure = Figure(figsize=(5.5, 3.8), layout="constrained")
        axes = figure.add_subplot()
        lowest = min(100 * (1 - float(group.values.max())) for group in comparison.groups)
        highest = max(100 * (1 - float(group.values.min())) for group in comparison.groups)
        for index, group in enumerate(comparison.groups):
            error = 100 * (1 - np.sort(group.values)[::-1])
            x = np.concatenate([[lowest], error, [highest]])
            share = np.concatenate([[0.0], np.arange(1, group.size + 1) / group.size, [1.0]])
            axes.step(x, share, where="post", color=COLORS[index % len(COLORS)], label=group.name)
        distances = [f"D({pair.first}, {pair.second}) = {pair.ks_d:.3f}" for pair in comparison.pairs[:6]]
        axes.set_title("\n".join(distances), fontsize=8, loc="left")
        axes.set(xlabel="error, percent", ylabel="share of results with a smaller error", ylim=(0, 1.02))
        axes.legend(loc="lower right", fontsize=8)
        target = BytesIO()
        FigureCanvasSVG(figure).print_svg(target, metadata={"Date": None})
        return target.getvalue()
