"""Exact p-values of rank sums with ties, for which SciPy has only approximations or random samples."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

CELLS = 50_000_000
"""Work (values times size of the group times sum of ranks) up to which the distribution is computed."""


def feasible(first: int, second: int) -> bool:
    """Return whether the exact distribution for groups of these sizes is cheap."""
    smaller = min(first, second)
    return (first + second) ** 2 * smaller**2 * 2 <= CELLS


def rank_sum_tails(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Return the shares of all divisions in which the ranks of ``second`` sum to at most and at least what is seen."""
    _, inverse, blocks = np.unique(np.concatenate([first, second]), return_inverse=True, return_counts=True)
    doubled = 2 * np.cumsum(blocks) - blocks + 1  # twice the midrank of each distinct value
    smaller_is_first = first.size <= second.size
    mine = inverse[: first.size] if smaller_is_first else inverse[first.size :]
    chances = _distribution(mine.size, blocks.astype(np.int64).tobytes())
    observed = int(doubled[mine].sum())
    at_most, at_least = float(chances[: observed + 1].sum()), float(chances[observed:].sum())
    return (at_least, at_most) if smaller_is_first else (at_most, at_least)


@lru_cache(maxsize=16)
def _distribution(size: int, blocks: bytes) -> np.ndarray:
    """Return the probability of each doubled rank sum of ``size`` values drawn from all, shape (largest sum + 1,)."""
    counts = np.frombuffer(blocks, np.int64)
    doubled = np.repeat(2 * np.cumsum(counts) - counts + 1, counts)
    chances = np.zeros((size + 1, int(doubled[-size:].sum()) + 1))
    chances[0, 0] = 1.0
    for rank in doubled:
        chances[1:, rank:] += chances[:-1, : chances.shape[1] - rank].copy()
    return np.asarray(chances[size] / chances[size].sum())


def signed_rank_tails(differences: np.ndarray) -> tuple[float, float]:
    """Return the shares of all signs of the differences with which the positive ranks sum to at most, at least, theirs.

    Zero differences are ranked with the others and then left out (Pratt 1959).

    Args:
        differences: at least one is not zero, shape (n,).
    """
    _, inverse, blocks = np.unique(np.abs(differences), return_inverse=True, return_counts=True)
    doubled = (2 * np.cumsum(blocks) - blocks + 1)[inverse]
    observed = int(doubled[differences > 0].sum())
    ranks = doubled[differences != 0]
    chances = np.zeros(int(ranks.sum()) + 1)
    chances[0] = 1.0
    for rank in ranks:
        shifted = np.concatenate([np.zeros(rank), chances[: chances.size - rank]])
        chances = (chances + shifted) / 2
    return float(chances[: observed + 1].sum()), float(chances[observed:].sum())
