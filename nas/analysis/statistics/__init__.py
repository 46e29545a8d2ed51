"""Statistics of outcomes: ``compare(groups) -> Comparison``, and the single tests it is made of."""

from nas.analysis.statistics.comparison import Comparison, Group, Pair, compare
from nas.analysis.statistics.distribution import Edf, edf, median_difference
from nas.analysis.statistics.multiplicity import adjust
from nas.analysis.statistics.power import Power, proportions_needed, rank_power
from nas.analysis.statistics.result import Interval, StatisticsError, Test

__all__ = [
    "Comparison",
    "Edf",
    "Group",
    "Interval",
    "Pair",
    "Power",
    "StatisticsError",
    "Test",
    "adjust",
    "compare",
    "edf",
    "median_difference",
    "proportions_needed",
    "rank_power",
]
