"""The section on how the networks learned."""

from __future__ import annotations

import shlex

from markupsafe import Markup

from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.report.figures.curve_figures import learning_curves
from gondwana.nas.report.page.page import Figures


def curves(run: RunData, shown: Figures) -> Markup:
    """Return the learning curves of all trainings in one figure; empty for runs that recorded none."""
    figure = learning_curves(run)
    if figure is None:
        return Markup("")
    return shown.add(
        figure,
        "Learning curves",
        f"{run.metric} after each epoch on a fixed part of the validation split; a candidate's fitness is measured on "
        f"all of it. Losses and seconds: gondwana export {shlex.quote(str(run.path))} --curves curves.csv",
    )
