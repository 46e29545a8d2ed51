"""p-values of the Kolmogorov-Smirnov test where values are tied, for which SciPy has none."""

from __future__ import annotations

import numpy as np

from gondwana.nas.statistics.result import SMALLEST

EXACT_STEPS = 150_000
EXACT_CELLS = 200_000_000
"""Number of values, and that number times the size of the smaller group, up to which the p-value is exact."""
SIMULATIONS = 9_999
POINTS = 1_000
"""Number of places at which the limiting process of large groups is looked at, beside the large ties."""


def tied(first: np.ndarray, second: np.ndarray) -> tuple[float, float, str]:
    """Return ``D = sup |F1 - F2|``, its p-value given the ties among the values, and what the p-value is.

    For continuous distributions every place between two values counts. With ties only those between different values
    do, so that the usual p-value is far too large. Small groups: the share of all divisions of the values into groups
    of these sizes with at least this distance. Large groups: the limiting Brownian bridge, simulated at these places.
    """
    values, blocks = np.unique(np.concatenate([first, second]), return_counts=True)
    below = [np.searchsorted(np.sort(column), values, side="right") for column in (first, second)]
    distance = int(np.abs(below[0] * second.size - below[1] * first.size).max())
    if distance == 0:
        return 0.0, 1.0, "all values are equal" if blocks.size == 1 else "the groups have the same values"
    n, m = sorted((first.size, second.size))
    largest = distance / (n * m)
    if n + m <= EXACT_STEPS and (n + m) * n <= EXACT_CELLS:
        p, note = _exact(distance, blocks, n, m), "exact p-value of the permutation test, given the ties"
    else:
        p = _bridge(largest * (n * m / (n + m)) ** 0.5, blocks)
        note = "p-value by simulation of the limiting distribution, given the ties"
    return largest, p, note


def _exact(distance: int, blocks: np.ndarray, n: int, m: int) -> float:
    """Walk over the sorted values; ``weights[i]`` is the probability that i of those passed belong to the first group.

    What has reached the distance at the end of a tie is moved from ``weights`` to ``reached``, so that small p-values
    are no differences of large numbers.

    Args:
        distance: ``n m sup |F1 - F2|``, an integer.
    """
    ends = np.zeros(n + m + 1, dtype=bool)
    ends[np.cumsum(blocks)] = True
    of_first = np.arange(n + 1)
    weights = np.zeros(n + 1)
    weights[0] = 1.0
    reached = 0.0
    for k in range(n + m):
        moved = weights * (n - of_first)
        weights = weights * np.maximum(m - k + of_first, 0)
        weights[1:] += moved[:-1]
        weights /= n + m - k
        if ends[k + 1]:
            far = np.abs(of_first * m - (k + 1 - of_first) * n) >= distance
            reached += float(weights[far].sum())
            weights[far] = 0.0
    return min(max(reached, SMALLEST), 1.0)


def _bridge(scaled: float, blocks: np.ndarray) -> float:
    """Return the probability that the largest distance of a Brownian bridge from 0 at the ends of ties is ``scaled``.

    Where there are more ends of ties than ``POINTS``, only as many are looked at; the process is then further from 0
    in between by 0.5826 standard deviations of a step (Chernoff 1965, Siegmund 1979), by which the distance is reduced.
    """
    share = np.cumsum(blocks) / blocks.sum()
    large = np.flatnonzero(blocks >= blocks.sum() / POINTS)
    grid = np.searchsorted(share, np.linspace(0, 1, POINTS + 1)[1:-1])
    looked_at = np.unique(np.concatenate([large, large - 1, grid]))
    if share.size > POINTS:
        scaled = max(scaled - 0.5826 * POINTS**-0.5, 0.0)
    else:
        looked_at = np.arange(share.size)
    times = share[looked_at[(looked_at >= 0) & (looked_at < share.size - 1)]]
    steps = np.sqrt(np.diff(np.concatenate([[0.0], times, [1.0]])))
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(steps.size,)))
    count, rows = 0, max(1, 2_000_000 // steps.size)
    for at in range(0, SIMULATIONS, rows):
        walk = np.cumsum(rng.standard_normal((min(rows, SIMULATIONS - at), steps.size)) * steps, axis=1)
        bridge = np.abs(walk[:, :-1] - times * walk[:, -1:])
        count += int((bridge.max(axis=1, initial=0.0) >= scaled).sum())
    return (count + 1) / (SIMULATIONS + 1)
