"""Statistics of outcomes: ``compare(groups) -> Comparison``, and the single tests it is made of."""

from gondwana.nas.statistics.comparison import Comparison, compare
from gondwana.nas.statistics.comparison_result import Group, Pair
from gondwana.nas.statistics.multiplicity import adjust
from gondwana.nas.statistics.planning.power import Power, proportions_needed, rank_power
from gondwana.nas.statistics.result import Interval, StatisticsError, Test
from gondwana.nas.statistics.two_groups.distribution import Edf, edf, median_difference

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
