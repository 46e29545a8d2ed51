"""Whether groups of a size can differ at all, and how many runs it takes: what rank tests can say at best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gondwana.nas.statistics.comparison_result import Pair
from gondwana.nas.statistics.multiplicity import Correction, adjust
from gondwana.nas.statistics.planning.least_p import smallest_p
from gondwana.nas.statistics.result import StatisticsError

MOST = 10_000
"""Number of runs beyond which nobody asks."""


def runs_needed(
    comparisons: int = 1, *, alpha: float = 0.05, paired: bool = False, correction: Correction = "holm"
) -> int:
    """Return the fewest runs in each group, or pairs, with which any comparison can have a p-value below ``alpha``.

    With Holm's correction the smallest of ``comparisons`` p-values is multiplied by their number; the others need no
    more runs than that one.

    Raises:
        StatisticsError: if ``comparisons`` is below 1 or ``alpha`` is not between 0 and 1.
    """
    if comparisons < 1:
        raise StatisticsError(f"comparisons is a number of at least 1. Received: {comparisons!r}")
    if not 0 < alpha < 1:
        raise StatisticsError(f"alpha lies between 0 and 1. Received: {alpha!r}")
    for size in range(1 if paired else 2, MOST):
        least = smallest_p(size, None if paired else size)
        if adjust([least] * comparisons, correction)[0] < alpha:
            return size
    raise StatisticsError(f"no number of runs below {MOST:,} reaches alpha. Received: {alpha!r}")


def with_limits(
    pairs: Sequence[Pair], sizes: Mapping[str, int], correction: Correction, alpha: float
) -> tuple[Pair, ...]:
    """Return the pairs with what their tests can say at best, given the sizes of all groups and the correction.

    Args:
        sizes: number of results by name of the group; those of paired groups are not used.
    """
    paired = pairs[0].pairs is not None
    least = adjust(
        [smallest_p(pair.pairs) if pair.pairs is not None else _of(pair, sizes) for pair in pairs], correction
    )
    needed = runs_needed(len(pairs), alpha=alpha, paired=paired, correction=correction)
    return tuple(
        replace(
            pair,
            least_p=p,
            needed_runs=needed,
            limitation="" if p < alpha else _limitation(pair, p, sizes, len(pairs), needed),
        )
        for pair, p in zip(pairs, least, strict=True)
    )


def _of(pair: Pair, sizes: Mapping[str, int]) -> float:
    return smallest_p(sizes[pair.first], sizes[pair.second])


def _limitation(pair: Pair, least: float, sizes: Mapping[str, int], number: int, needed: int) -> str:
    if pair.pairs is None:
        what, each = f"{sizes[pair.first]} against {sizes[pair.second]} results", "in each group"
    else:
        what, each = f"{pair.pairs} pair" + ("s" if pair.pairs > 1 else ""), "pairs"
    best = "have no p-value" if least != least else f"cannot have a p-value below {least:.2g}"
    among = f" among {number} comparisons" if number > 1 else ""
    return f"No verdict is possible: {what}{among} {best}, whatever the values; it takes at least {needed} {each}."


def limited(sentence: str, pair: Pair) -> str:
    """Return the sentence about a pair with its limitation, if it has one, in front."""
    return f"{pair.limitation} {sentence}" if pair.limitation else sentence
