"""The section of a comparison: counts, tests, and for each pair a sentence in plain words."""

from __future__ import annotations

import math

from gondwana.nas.report.data.compare_run import RunComparison
from gondwana.nas.report.data.metric import is_accuracy
from gondwana.nas.report.data.wording import number
from gondwana.nas.report.figures import figures
from gondwana.nas.report.page.html import Html, Node, details, element, escape, join, table
from gondwana.nas.report.page.page import Figures
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


def comparison(result: RunComparison, shown: Figures) -> Html:
    """Return the section; a sentence if there is too little to compare yet."""
    found = result.comparison
    if found is None:
        return element("p", "Fewer than two strategies have results: there is nothing to compare yet.")
    parts: list[Node] = [element("p", result.note) if result.note else None]
    parts += [element("p", sentence, class_="verdict") for sentence in found.verdicts()]
    parts += [_design(found, result), _groups(found)]
    parts.append(
        shown.add(
            figures.error_edf(found, result.metric),
            "Error distributions" if is_accuracy(result.metric) else f"Distributions of {result.metric}",
            "the paper's Figure 9: share of results with a smaller error, or for other metrics up to the value on the "
            "axis; confidence bands can be switched on in the legend",
        )
    )
    parts.append(
        shown.add(
            figures.distributions(found, result.texts, result.metric),
            "Every result",
            f"each point is one {result.unit}",
        )
    )
    for pair in found.pairs:
        parts.append(element("h3", f"{pair.first} and {pair.second}"))
        parts.append(_estimates(pair))
        if found.paired:
            scatter = figures.paired_scatter(
                pair.first, pair.second, at_chance(result, found), result.texts[pair.first]
            )
            caption = f"above the line: better with {pair.second}"
            parts.append(shown.add(scatter, f"The same subjects: {pair.first} and {pair.second}", caption))
        parts.append(details(f"All tests of {pair.first} and {pair.second}", _tests(found, pair)))
    return join(parts)


def at_chance(result: RunComparison, found: Comparison) -> dict[str, list[float | None]]:
    """Return the values with those of untrained networks at the chance level."""
    return {
        name: [found.chance if value is not None and math.isnan(value) else value for value in column]
        for name, column in result.values.items()
    }


def _design(found: Comparison, result: RunComparison) -> Html:
    design = ""
    if found.paired:
        design = (
            f"Every group was tried on the same {result.unit}s, so the verdicts rest on paired tests; tests for "
            "independent groups are given beside them and are conservative here. "
        )
    elif result.unit == "function":
        design = "Functions were drawn for every strategy independently, as in the paper. "
    text = (
        f"{design}Values are the validation {result.metric}, larger is better. p-values are "
        f"{corrected(found.correction)} over {len(found.pairs)} comparison(s) for each test. "
        "Trainings that diverged and networks that a strategy could not initialize count at chance; failures of the "
        "infrastructure do not count and are listed as excluded."
    )
    if found.chance is not None:
        limit = found.chance + found.margin
        text += f" A training failed if its fitness is at most {limit:.4f} (chance {found.chance:.4f})."
    if found.baseline is not None:
        values = ", ".join(number(value) for value in result.baseline_fitness)
        text += f" The baseline to beat is {found.baseline:.4f}, the mean of {values}."
    return element("p", text)


def _groups(found: Comparison) -> Html:
    header: list[Node] = [
        "group",
        "results",
        "failures",
        "above baseline",
        "best",
        "median",
        "untrained",
        "excluded",
    ]
    rows = [[group.name, str(group.size), *_counts(group), *_values(group)] for group in found.groups]
    return table(header, rows, caption="Groups; intervals are Wilson's")


def _counts(group: Group) -> list[Node]:
    cells: list[Node] = []
    for counted in (group.failures, group.above):
        if counted is None:
            cells.append("")
        else:
            count, share = counted
            cells.append(f"{count} ({share.estimate:.0%}; {share.low:.0%} to {share.high:.0%})")
    return cells


def _values(group: Group) -> list[Node]:
    median = float(sorted(group.values)[(group.size - 1) // 2] + sorted(group.values)[group.size // 2]) / 2
    return [number(float(group.values.max())), number(median), str(group.untrained), str(group.excluded)]


def _estimates(pair: Pair) -> Html:
    subject = "for the same subject" if pair.pairs is not None else "for two results drawn at random"
    rows: list[list[Node]] = [
        ["largest distance of the EDFs (KS D)", f"{pair.ks_d:.3f}"],
        [f"probability that {pair.second} exceeds {pair.first} {subject}", str(pair.superiority)],
        ["difference of medians, bootstrap interval", str(pair.median_difference)],
    ]
    if pair.pairs is not None:
        rows.append(["complete pairs", str(pair.pairs)])
    return table(("estimate", "value"), rows)


def _tests(found: Comparison, pair: Pair) -> Html:
    rows: list[list[Node]] = [
        [
            element("strong", test.name) if test.name == pair.primary else test.name,
            EXPLANATIONS.get(test.name, ""),
            "" if not test.defined else f"{test.statistic:.4g}",
            p_text(test.p),
            p_text(test.adjusted),
            answer(test.adjusted, found.alpha),
            test.note,
        ]
        for test in pair.tests
    ]
    header = ("test", "question", "statistic", "p", "p, corrected", "answer", "note")
    return table(header, rows, caption="In bold: the test on which the verdict rests, fixed in advance")


def answer(p: float, alpha: float) -> Html:
    """Return the answer that a p-value gives to its test's question."""
    if p != p:
        return escape("not computed")
    return escape(f"yes (at {alpha:g})" if p < alpha else "not shown")
