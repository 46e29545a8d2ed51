"""The section that sets groups of evolutions beside each other, like the paper's Figures 6a and 8."""

from __future__ import annotations

from itertools import pairwise

from markupsafe import Markup

from gondwana.nas.report.data.evolutions import Evolution, Groups, measured
from gondwana.nas.report.figures.group_figures import best_by_group, mean_by_group, networks_edf
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.page.templates import render
from gondwana.nas.report.page.wording import number


def evolutions(groups: Groups, metric: str, chance: float | None, shown: Figures) -> Markup:
    """Return the courses of best and mean fitness, a table of the evolutions, and the distribution of networks."""
    if not any(evolution.by_generation() for found in groups.values() for evolution in found):
        return Markup("")
    best = shown.add(
        best_by_group(groups, metric),
        "Best so far",
        "mean over the evolutions of a group; band from the worst of them to the best (the paper's Figure 6a)",
    )
    mean = shown.add(
        mean_by_group(groups, metric),
        "Mean of each generation",
        "band over the evolutions of a group or, where there is one, from the 10th to the 90th percentile of its "
        "networks (the paper's Figure 8)",
    )
    networks = shown.add(
        networks_edf(groups, metric, measured(groups).last, chance),
        "Every network",
        "distribution over all networks of a group, those that could not be trained at chance",
    )
    rows = [_row(name, evolution) for name, found in groups.items() for evolution in found]
    return render("sections/evolution.html.j2", best=best, mean=mean, networks=networks, rows=rows)


def _row(group: str, evolution: Evolution) -> tuple[str, ...]:
    means = evolution.means()[1]
    drops = [before - after for before, after in pairwise(means)]
    return (
        group,
        evolution.name,
        str(evolution.complete + 1),
        str(len(evolution.trials)),
        number(evolution.best()),
        number(means[-1] if means else None),
        number(max([*drops, 0.0])) if drops else "",
    )
