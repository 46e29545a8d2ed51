"""Whether the planning figures of a comparison are true: how often the effect that they name is shown.

    python benchmarks/paper/power.py [--seed 0]

Gaussian groups; one comparison, and one of three after Holm's correction if the other two show nothing.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
from scipy import stats

from gondwana.nas.statistics import rank_power
from gondwana.nas.statistics.two_groups.paired import wilcoxon
from gondwana.nas.statistics.two_groups.superiority import brunner_munzel

INDEPENDENT = ((8, 8), (12, 12), (5, 30), (25, 25), (60, 60), (500, 500))
PAIRS = (8, 12, 30, 80, 150)


def independent(
    rng: np.random.Generator, sizes: tuple[int, int], alpha: float, number: int
) -> tuple[float, float]:
    """Return the detectable probability of superiority, and how often it is shown."""
    share = rank_power(rng.normal(size=sizes[0]), rng.normal(size=sizes[1]), alpha=alpha).detectable
    shift = math.sqrt(2) * stats.norm.ppf(share)
    shown = [
        brunner_munzel(rng.normal(size=sizes[0]), rng.normal(shift, 1, sizes[1])).p < alpha
        for _ in range(number)
    ]
    return share, float(np.mean(shown))


def pairs(rng: np.random.Generator, size: int, alpha: float, number: int) -> tuple[float, float]:
    """Return the detectable share of pairs that win, and how often it is shown."""
    share = rank_power(rng.normal(size=size), rng.normal(size=size), alpha=alpha, paired=True).detectable
    shift = stats.norm.ppf(share)
    shown = [wilcoxon(np.zeros(size), rng.normal(shift, 1, size)).p < alpha for _ in range(number)]
    return share, float(np.mean(shown))


def main() -> None:
    """Print a row for each design."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--experiments", type=int, default=1500)
    chosen = parser.parse_args()
    rng = np.random.default_rng(chosen.seed)
    print("design              comparisons  detectable  shown (0.80 is aimed at)")
    for comparisons in (1, 3):
        alpha = 0.05 / comparisons
        for sizes in INDEPENDENT:
            share, shown = independent(rng, sizes, alpha, chosen.experiments if sum(sizes) < 500 else 400)
            print(
                f"{f'{sizes[0]} against {sizes[1]}':<20}{comparisons:<13}{share:<12.3f}{shown:.3f}",
                flush=True,
            )
        for size in PAIRS:
            share, shown = pairs(rng, size, alpha, chosen.experiments)
            print(f"{f'{size} pairs':<20}{comparisons:<13}{share:<12.3f}{shown:.3f}", flush=True)


if __name__ == "__main__":
    main()
