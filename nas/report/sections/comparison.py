"""The section of a comparison: counts, tests, and for each pair a sentence in plain words."""

from __future__ import annotations

import math

from markupsafe import Markup

from gondwana.nas.report.data.compare_run import RunComparison
from gondwana.nas.report.data.metric import is_accuracy
from gondwana.nas.report.figures import figures
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.page.templates import render, sentence
from gondwana.nas.report.page.wording import number
from gondwana.nas.statistics import Comparison, Group, Pair
from gondwana.nas.statistics.verdicts import corrected, p_text

EXPLANATIONS = {
    "Kolmogorov-Smirnov": "do the two distributions differ anywhere? D is the largest distance between the EDFs",
    "Epps-Singleton": "do the two distributions differ anywhere? By characteristic functions",
    "Mann-Whitney U (larger)": "does the second group tend to larger values?",
    "Mann-Whitney U (smaller)": "does the second group tend to smaller values?",
    "Mann-Whitney U": "does either group tend to larger values, given distributions of the same shape?",
    "Brunner-Munzel": "is the probability that the second exceeds the first other than one half?",
    "Wilcoxon signed-rank": "do the differences within pairs tend to one side?",
    "two proportions (failures)": "do the failure rates differ?",
    "two proportions (above baseline)": "do the rates of results above the baseline differ?",
    "McNemar (failures)": "do more subjects fail in one group only than in the other only?",
    "McNemar (above baseline)": "do more subjects beat the baseline in one group only than in the other only?",
}


def comparison(result: RunComparison, shown: Figures) -> Markup:
    """Return the section; a sentence if there is too little to compare yet."""
    found = result.comparison
    if found is None:
        return sentence("Fewer than two strategies have results: there is nothing to compare yet.")
    drawn = _distributions(found, result, shown)
    return render(
        "sections/comparison.html.j2",
        note=result.note,
        verdicts=result.verdicts(),
        conservative=found.independent_tests_conservative,
        paired=found.paired,
        unit=result.unit,
        metric=result.metric,
        correction=corrected(found.correction),
        chance=found.chance,
        limit=None if found.chance is None else found.chance + found.margin,
        baseline=found.baseline,
        baseline_fitness=result.baseline_fitness,
        groups=[(group.name, str(group.size), *_counts(group), *_values(group)) for group in found.groups],
        figures=drawn,
        pairs=[_pair(pair, found, result, shown) for pair in found.pairs],
    )


def _distributions(found: Comparison, result: RunComparison, shown: Figures) -> list[Markup]:
    errors = shown.add(
        figures.error_edf(found, result.metric),
        "Error distributions" if is_accuracy(result.metric) else f"Distributions of {result.metric}",
        "the paper's Figure 9: share of results with a smaller error, or for other metrics up to the value on the "
        "axis; confidence bands can be switched on in the legend",
    )
    every = shown.add(
        figures.distributions(found, result.texts, result.metric),
        "Every result",
        f"each point is one {result.unit}",
    )
    return [errors, every]


def _pair(pair: Pair, found: Comparison, result: RunComparison, shown: Figures) -> dict[str, object]:
    """Return the values that the template shows of two groups: estimates, tests and, if paired, the scatter."""
    names = f"{pair.first} and {pair.second}"
    figure = None
    if found.paired:
        scatter = figures.paired_scatter(
            pair.first, pair.second, at_chance(result, found), result.texts[pair.first]
        )
        figure = shown.add(
            scatter, f"The same subjects: {names}", f"above the line: better with {pair.second}"
        )
    return {"names": names, "estimates": _estimates(pair), "figure": figure, "tests": _tests(found, pair)}


def at_chance(result: RunComparison, found: Comparison) -> dict[str, list[float | None]]:
    """Return the values with those of untrained networks at the chance level."""
    return {
        name: [found.chance if value is not None and math.isnan(value) else value for value in column]
        for name, column in result.values.items()
    }


def _counts(group: Group) -> list[str]:
    cells = []
    for counted in (group.failures, group.above):
        if counted is None:
            cells.append("")
        else:
            count, share = counted
            cells.append(f"{count} ({share.estimate:.0%}; {share.low:.0%} to {share.high:.0%})")
    return cells


def _values(group: Group) -> list[str]:
    median = float(sorted(group.values)[(group.size - 1) // 2] + sorted(group.values)[group.size // 2]) / 2
    return [number(float(group.values.max())), number(median), str(group.untrained), str(group.excluded)]


def _estimates(pair: Pair) -> list[tuple[str, str]]:
    subject = "for the same subject" if pair.pairs is not None else "for two results drawn at random"
    rows = [
        ("largest distance of the EDFs (KS D)", f"{pair.ks_d:.3f}"),
        (f"probability that {pair.second} exceeds {pair.first} {subject}", str(pair.superiority)),
        ("difference of medians, bootstrap interval", str(pair.median_difference)),
    ]
    if pair.pairs is not None:
        rows.append(("complete pairs", str(pair.pairs)))
    return rows


def _tests(found: Comparison, pair: Pair) -> list[tuple[tuple[str, ...], bool]]:
    """Return the cells of each test, and whether the verdict rests on it."""
    return [
        (
            (
                test.name,
                EXPLANATIONS.get(test.name, ""),
                "" if not test.defined else f"{test.statistic:.4g}",
                p_text(test.p),
                p_text(test.adjusted),
                answer(test.adjusted, found.alpha),
                test.note,
            ),
            test.name == pair.primary,
        )
        for test in pair.tests
    ]


def answer(p: float, alpha: float) -> str:
    """Return the answer that a p-value gives to its test's question."""
    if p != p:
        return "not computed"
    return f"yes (at {alpha:g})" if p < alpha else "not shown"
