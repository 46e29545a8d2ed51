"""Compare two or more groups of outcomes: every test, interval and count in one plain result."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from gondwana.nas.statistics import options, runs_needed, tables, verdicts
from gondwana.nas.statistics.comparison_result import ComparisonResult, Group, Pair, Values
from gondwana.nas.statistics.multiplicity import Correction, adjust
from gondwana.nas.statistics.planning.power import rank_power
from gondwana.nas.statistics.result import Interval, StatisticsError, Test
from gondwana.nas.statistics.two_groups import paired as paired_tests
from gondwana.nas.statistics.two_groups import superiority, two_sample
from gondwana.nas.statistics.two_groups.baseline import Baseline, measured
from gondwana.nas.statistics.two_groups.distribution import median_difference
from gondwana.nas.statistics.two_groups.proportions import two_proportions, wilson
from gondwana.nas.statistics.two_groups.pseudomedian import pseudomedian


class Comparison(ComparisonResult):
    """Result of :func:`compare`: the values, and the ways to show them."""

    def verdicts(self) -> list[str]:
        """Return one sentence in plain words for each pair."""
        return [runs_needed.limited(verdicts.sentence(self, pair), pair) for pair in self.pairs]

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each test of each pair."""
        return tables.tests_frame(self)

    def groups_frame(self) -> pd.DataFrame:
        """Return one row for each group."""
        return tables.groups_frame(self)

    def to_latex(self) -> str:
        """Return the two tables as LaTeX (package booktabs)."""
        return tables.to_latex(self)

    def to_text(self, verdicts: Sequence[str] | None = None) -> str:
        """Return tables and verdicts as plain text; ``verdicts`` are sentences to stand in their place."""
        return tables.text(self, verdicts)

    def __repr__(self) -> str:
        return self.to_text()


def compare(
    groups: Mapping[str, Values],
    *,
    chance: float | None = None,
    margin: float = 0.0,
    baseline: float | Sequence[float] | np.ndarray | None = None,
    paired: bool = False,
    correction: Correction = "holm",
    alpha: float = 0.05,
    power: float = 0.8,
    seed: int = 0,
    resamples: int = 9999,
) -> Comparison:
    """Compare groups of outcomes, larger being better.

    A value that is not finite is a training that diverged: a result, counted at ``chance``. None is a failure of the
    infrastructure (crash, lost worker): no result, left out and counted. Results that failed, by ``chance + margin``,
    all count at ``chance``: how far a network that has learned nothing is from chance is noise, which must not decide a
    test by ranks.

    Args:
        groups: outcomes by name, at least two groups. Paired groups have equal lengths.
        chance: value of the best constant answer, finite; needed if a value is not finite.
        margin: values up to ``chance + margin`` are failures; not negative.
        baseline: value to beat, such as the accuracy with ReLU. Of the results of several trainings the mean is to be
            beaten, and the numbers above it have intervals that take its uncertainty into account.
        paired: position i of every group belongs to the same subject, such as the same activation function.
        correction: "holm", "bh" or "none", over the pairs of groups, for each test.
        alpha: level of the verdicts; intervals have confidence ``1 - alpha``.
        power: aimed at by the planning figures, between 0 and 1.
        seed: of the bootstrap. Permutation tests do not depend on it.
        resamples: of the bootstrap, at least 1.

    Raises:
        StatisticsError: if there are fewer than two groups, a group has no result, paired groups differ in length, a
            value is not finite and there is no ``chance``, or an option is none of its values.
    """
    if len(groups) < 2:
        raise StatisticsError(f"a comparison needs at least two groups. Received: {sorted(groups)}")
    options.refuse(
        chance=chance,
        margin=margin,
        alpha=alpha,
        power=power,
        seed=seed,
        resamples=resamples,
        correction=correction,
    )
    beaten = measured(baseline)
    columns = {name: _clean(name, values, chance, margin) for name, values in groups.items()}
    if paired and len({column.size for column in columns.values()}) > 1:
        sizes = {name: column.size for name, column in columns.items()}
        raise StatisticsError(
            f"paired groups have equal lengths, None where one is missing. Received: {sizes}"
        )
    summaries = tuple(
        _summarize(name, columns[name], _untrained(groups[name]), chance, margin, beaten, alpha)
        for name in groups
    )
    rng = np.random.default_rng(seed)
    number = 1 if correction == "none" else len(groups) * (len(groups) - 1) // 2
    value = None if beaten is None else beaten.value
    design = _Design(chance, margin, value, paired, alpha, alpha / number, power, resamples)
    pairs = [_compare_two(a, b, columns, design, rng) for a, b in combinations(groups, 2)]
    return Comparison(
        groups=summaries,
        pairs=runs_needed.with_limits(_adjusted(pairs, correction), _sizes(summaries), correction, alpha),
        paired=paired,
        correction=correction,
        alpha=alpha,
        chance=chance,
        margin=margin,
        baseline=value,
        baseline_interval=None if beaten is None else beaten.interval(1 - alpha),
    )


def _sizes(groups: Sequence[Group]) -> dict[str, int]:
    return {group.name: group.size for group in groups}


@dataclass(frozen=True, slots=True)
class _Design:
    chance: float | None
    margin: float
    baseline: float | None
    paired: bool
    alpha: float
    planning_alpha: float
    power: float
    resamples: int

    def criteria(self) -> Iterable[tuple[str, float, bool]]:
        """Yield (what is counted, threshold, True if values above it are counted)."""
        if self.chance is not None:
            yield "failures", self.chance + self.margin, False
        if self.baseline is not None:
            yield "above baseline", self.baseline, True


def _clean(name: str, values: Values, chance: float | None, margin: float) -> np.ndarray:
    """Return the values with failed and diverged ones at chance and excluded ones NaN, shape (n,)."""
    try:
        column = np.array([math.nan if value is None else float(value) for value in values])
    except (TypeError, ValueError) as error:
        raise StatisticsError(f"group {name!r} holds something that is no number: {error}") from error
    bad = np.array([value is not None and not math.isfinite(value) for value in values], dtype=bool)
    if bad.any():
        if chance is None:
            raise StatisticsError(
                f"group {name!r} holds {int(bad.sum())} values that are not finite (diverged trainings). "
                "Give chance, the value at which they count, or None in their place if they are no results."
            )
        column[bad] = chance
    if chance is not None:
        column[column <= chance + margin] = chance
    if np.isnan(column).all():
        raise StatisticsError(f"group {name!r} holds no result ({len(column)} outcomes, all excluded)")
    return column


def _untrained(values: Values) -> int:
    return sum(value is not None and not math.isfinite(value) for value in values)


def _summarize(
    name: str,
    column: np.ndarray,
    untrained: int,
    chance: float | None,
    margin: float,
    baseline: Baseline | None,
    alpha: float,
) -> Group:
    known = column[~np.isnan(column)]

    def counted(mask: np.ndarray) -> tuple[int, Interval]:
        return int(mask.sum()), wilson(int(mask.sum()), known.size, 1 - alpha)

    return Group(
        name=name,
        values=known,
        untrained=untrained,
        excluded=int(column.size - known.size),
        failures=None if chance is None else counted(known <= chance + margin),
        above=None if baseline is None else baseline.above(known, 1 - alpha),
        confidence=1 - alpha,
    )


def _compare_two(
    first: str, second: str, columns: Mapping[str, np.ndarray], design: _Design, rng: np.random.Generator
) -> Pair:
    a, b = columns[first], columns[second]
    if design.paired:
        both = ~np.isnan(a) & ~np.isnan(b)
        a, b = a[both], b[both]
        if a.size == 0:
            raise StatisticsError(f"no subject has a result both in {first!r} and in {second!r}")
    else:
        a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    tests = [
        two_sample.kolmogorov_smirnov(a, b),
        two_sample.epps_singleton(a, b),
        two_sample.mann_whitney(a, b, "greater"),
        two_sample.mann_whitney(a, b, "less"),
        two_sample.mann_whitney(a, b),
        superiority.brunner_munzel(a, b),
        *_counting_tests(a, b, design),
    ]
    if design.paired:
        tests.append(paired_tests.wilcoxon(a, b))
    confidence = 1 - design.alpha
    if design.paired:
        primary, direction = "Wilcoxon signed-rank", paired_tests.signed_rank_direction(a, b)
        share = paired_tests.win_rate(a, b, confidence)
    else:
        primary, share = superiority.NAME, superiority.superiority(a, b, confidence)
        direction = int(np.sign(share.estimate - 0.5))
    return Pair(
        first=first,
        second=second,
        tests=tuple(tests),
        primary=primary,
        direction=direction,
        superiority=share,
        median_difference=median_difference(
            a, b, rng=rng, paired=design.paired, confidence=confidence, resamples=design.resamples
        ),
        power=rank_power(a, b, alpha=design.planning_alpha, power=design.power, paired=design.paired),
        pairs=a.size if design.paired else None,
        shift=pseudomedian(b - a, confidence) if design.paired else None,
        correlation=paired_tests.correlation(a, b) if design.paired else None,
    )


def _counting_tests(a: np.ndarray, b: np.ndarray, design: _Design) -> Iterable[Test]:
    for subject, threshold, count_above in design.criteria():
        of_a, of_b = (a > threshold, b > threshold) if count_above else (a <= threshold, b <= threshold)
        yield two_proportions(int(of_a.sum()), a.size, int(of_b.sum()), b.size, subject=subject)
        if design.paired:
            yield paired_tests.mcnemar(of_a, of_b, subject)


def _adjusted(pairs: Sequence[Pair], correction: Correction) -> tuple[Pair, ...]:
    """Adjust each test's p-values over the pairs of groups."""
    columns = [
        adjust([pair.tests[position].p for pair in pairs], correction)
        for position in range(len(pairs[0].tests))
    ]
    return tuple(
        replace(
            pair,
            tests=tuple(
                replace(test, adjusted=column[row]) for test, column in zip(pair.tests, columns, strict=True)
            ),
        )
        for row, pair in enumerate(pairs)
    )
