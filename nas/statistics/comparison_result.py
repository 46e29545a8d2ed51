"""The plain values of a comparison: groups, pairs, and all of it. Nothing here renders or computes a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gondwana.nas.statistics.multiplicity import Correction
from gondwana.nas.statistics.planning.power import Power
from gondwana.nas.statistics.result import UNDEFINED, Interval, Test
from gondwana.nas.statistics.two_groups.distribution import Edf, edf

Values = Sequence[float | None] | np.ndarray


@dataclass(frozen=True)
class Group:
    """One group of outcomes.

    Attributes:
        name: what the outcomes have in common, such as the initialization strategy.
        values: one per result, failed and diverged ones at chance, shape (n,).
        untrained: results without a finite value (the training diverged or could not begin), which stand in
            ``values`` at the chance level.
        excluded: failures of the infrastructure, which are no results and not in ``values``.
        failures: results at the chance level (at most chance plus margin), with Wilson interval; None without chance.
        above: results above the baseline, with Wilson interval, wider if the baseline is the mean of trainings
            (see :meth:`gondwana.nas.statistics.two_groups.baseline.Baseline.above`); None without a baseline.
        confidence: of the intervals.
    """

    name: str
    values: np.ndarray
    untrained: int
    excluded: int
    failures: tuple[int, Interval] | None
    above: tuple[int, Interval] | None
    confidence: float

    @property
    def size(self) -> int:
        """Number of results."""
        return int(self.values.size)

    @property
    def edf(self) -> Edf:
        """Empirical distribution function with its confidence band."""
        return edf(self.values, self.confidence)


@dataclass(frozen=True)
class Pair:
    """What two groups have to say about each other; "larger" means that ``second`` is larger.

    Attributes:
        first, second: names of the groups.
        tests: every test made, with adjusted p-values.
        primary: name of the test on which the verdict rests, fixed before the data are seen.
        direction: sign of the effect that the primary test is about, 1 if ``second`` tends to be larger.
        superiority: probability that a value of ``second`` exceeds one of ``first``, ties counted half; in a paired
            comparison of the same subject, otherwise of any two.
        median_difference: median of ``second`` minus median of ``first``.
        power: what groups like these can show.
        pairs: number of pairs in a paired comparison, None otherwise.
        shift: typical change from ``first`` to ``second`` of one subject, the Hodges-Lehmann pseudomedian, which is the
            estimate that belongs to the signed-rank test; None if the groups are independent.
        correlation: rank correlation of the two values of a pair; None if the groups are independent, NaN if one of
            them does not vary.
        least_p: smallest adjusted p-value that the primary test can have for groups of these sizes.
        needed_runs: runs in each group, or pairs, with which an adjusted p-value below the level becomes possible.
        limitation: sentence that says so where no verdict is possible, whatever the values; empty otherwise.
    """

    first: str
    second: str
    tests: tuple[Test, ...]
    primary: str
    direction: int
    superiority: Interval
    median_difference: Interval
    power: Power
    pairs: int | None = None
    shift: Interval | None = None
    correlation: float | None = None
    least_p: float = UNDEFINED
    needed_runs: int = 0
    limitation: str = ""

    def __getitem__(self, name: str) -> Test:
        for test in self.tests:
            if test.name == name:
                return test
        raise KeyError(f"no test {name!r}; there are {[test.name for test in self.tests]}")

    @property
    def ks_d(self) -> float:
        """Largest vertical distance between the two EDFs."""
        return self["Kolmogorov-Smirnov"].statistic


@dataclass(frozen=True)
class ComparisonResult:
    """What was found when groups were compared.

    Attributes:
        groups: in the order given.
        pairs: every two groups, the earlier one first.
        paired: True if values of different groups at the same position belong together.
        correction: how p-values were adjusted; each test's family is the pairs of groups it was applied to.
        alpha: level of the verdicts.
        chance, margin: as given to ``compare``.
        baseline: as given to ``compare``, or the mean of what was given.
        baseline_interval: the baseline with its interval over trainings; None without a baseline.
    """

    groups: tuple[Group, ...]
    pairs: tuple[Pair, ...]
    paired: bool
    correction: Correction
    alpha: float
    chance: float | None
    margin: float
    baseline: float | None
    baseline_interval: Interval | None = None

    @property
    def independent_tests_conservative(self) -> bool:
        """True if the groups are paired and the values of every two rise and fall together.

        Only then do the tests for independent groups, given beside the paired ones, reject less often than they say.
        """
        return self.paired and all((pair.correlation or 0.0) > 0 for pair in self.pairs)

    def group(self, name: str) -> Group:
        """Return the group of this name. Raises: KeyError."""
        return {group.name: group for group in self.groups}[name]

    def pair(self, first: str, second: str) -> Pair:
        """Return the comparison of ``first`` with ``second``, which stand in this order. Raises: KeyError."""
        return {(pair.first, pair.second): pair for pair in self.pairs}[first, second]
