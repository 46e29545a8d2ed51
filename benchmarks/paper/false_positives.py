"""False-positive rates of every test of ``nas.analysis.statistics``, by simulation under the null hypothesis.

Three groups are drawn from one distribution like that of the paper's Section 7: a share of trainings fails at chance,
the others spread below the best accuracy. For each test and each of the first two groups, the share of simulations with
p < 0.05 is printed beside its 99.9% binomial interval around 0.05 (there are a dozen tests, so 95% intervals would be
missed by chance); the family-wise rate of Holm's correction over the three pairs is held against 0.05 from above, since
Holm controls it and need not reach it.

    python benchmarks/paper/false_positives.py --simulations 2000
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np
from scipy import stats

from nas.analysis.statistics import compare

CHANCE, BASELINE, ALPHA = 0.1, 0.89, 0.05
DISCRETE = ("McNemar (failures)", "McNemar (above baseline)", "Kolmogorov-Smirnov", "Epps-Singleton")
"""Conservative by nature (exact tests of small counts, or of data with many ties): may fall below, never rise above."""


def group(rng: np.random.Generator, size: int, failing: float) -> np.ndarray:
    """Draw outcomes: ``failing`` of them at chance, the others like accuracies of trained networks."""
    values = 0.92 - 0.12 * rng.gamma(0.8, 0.6, size)
    return np.where(rng.random(size) < failing, CHANCE, np.clip(values, CHANCE, 1.0))


def simulate(simulations: int, size: int, failing: float, paired: bool, seed: int) -> None:
    """Print the table of one design."""
    rng = np.random.default_rng(seed)
    hits: dict[str, int] = defaultdict(int)
    defined: dict[str, int] = defaultdict(int)
    family: dict[str, int] = defaultdict(int)
    for _ in range(simulations):
        columns = {name: group(rng, size, failing) for name in "abc"}
        result = compare(
            columns,
            chance=CHANCE,
            margin=0.01,
            baseline=BASELINE,
            paired=paired,
            correction="holm",
            resamples=1,
        )
        for test in result.pairs[0].tests:
            defined[test.name] += test.defined
            hits[test.name] += test.p < ALPHA
        for test in result.pairs[0].tests:
            family[test.name] += any(pair[test.name].adjusted < ALPHA for pair in result.pairs)
    design = "paired" if paired else "independent"
    print(f"\n{design}, 3 groups of {size}, {failing:.0%} failing, {simulations} simulations, seed {seed}")
    print(f"{'test':<34}{'rate':>8}  {'interval around 0.05':<22}{'verdict':<26}{'Holm, any of 3':>14}")
    for name in hits:
        low, high = stats.binom.interval(0.999, defined[name], ALPHA)
        rate = hits[name] / max(defined[name], 1)
        bounds = f"{low / max(defined[name], 1):.4f} to {high / max(defined[name], 1):.4f}"
        print(f"{name:<34}{rate:>8.4f}  {bounds:<22}{_verdict(name, hits[name], low, high):<26}", end="")
        most = stats.binom.ppf(0.9995, simulations, ALPHA)
        print(f"{family[name] / simulations:>9.4f} {'ok' if family[name] <= most else 'HIGH'}")


def _verdict(name: str, hits: int, low: float, high: float) -> str:
    if hits > high:
        return "TOO HIGH"
    if hits < low:
        return "conservative (expected)" if name in DISCRETE else "conservative"
    return "ok"


def main() -> None:
    """Run the designs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for paired in (False, True):
        for size, failing in ((60, 0.0), (60, 0.6), (200, 0.65)):
            simulate(options.simulations, size, failing, paired, options.seed)


if __name__ == "__main__":
    main()
