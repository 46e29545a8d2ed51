"""The smallest p-value that the test of a verdict can have: what groups of a size can say at best."""

from __future__ import annotations

from gondwana.nas.statistics.result import UNDEFINED
from gondwana.nas.statistics.two_groups.superiority import p_apart


def smallest_p(first: int, second: int | None = None) -> float:
    """Return the smallest p-value of the test on which a verdict rests; NaN where the test does not exist.

    Args:
        first: size of the first group, or number of pairs.
        second: size of the second group; None if the groups are paired.
    """
    if second is None:
        return UNDEFINED if first < 1 else min(2.0 ** (1 - min(first, 1000)), 1.0)
    return UNDEFINED if min(first, second) < 2 else p_apart(first, second)
