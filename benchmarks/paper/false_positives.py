"""False-positive rates of every test of ``gondwana.nas.statistics``, by simulation under the null hypothesis.

Three groups are drawn from one distribution like that of the paper's Section 7: a share of trainings fails and scatters
around chance, the others spread below the best accuracy. In the paired design the three values of one function rise
and fall together (a Gaussian copula). For each test, the share of simulations in which it tells the first two groups
apart (p < 0.05) is held against the 99.9% binomial interval around 0.05: there are dozens of rates, so 95% intervals
would be missed by chance. Holm's family-wise rate, that any of the three pairs is significant after correction, is held
against 0.05 from above, since Holm controls it and need not reach it. Small groups, of which whole evolutions come, are
simulated in small_groups.py. Exits with 1 if a rate is too high or a bar is missed.

    python benchmarks/paper/false_positives.py --simulations 1000 --small 10000 --out docs/results/false-positives.md
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import small_groups
from scipy import stats

from gondwana.nas.statistics import compare

CHANCE, MARGIN, BASELINE, ALPHA = 0.1, 0.012, 0.89, 0.05
SCATTER = 0.004
"""Standard deviation of chance accuracy on 5,000 validation images of ten classes."""
LIKENESS = 0.7
"""Correlation of what one function does under two strategies, in the paired design."""
DISCRETE = ("McNemar (failures)", "McNemar (above baseline)", "Kolmogorov-Smirnov", "Epps-Singleton")
"""Conservative by nature (exact tests of small counts or of few different values): may fall below, never rise above."""
OF_PAIRS = ("McNemar (failures)", "McNemar (above baseline)", "Wilcoxon signed-rank")
INTRODUCTION = """# False-positive rates, by simulation

Every test of `gondwana.nas.statistics` under the null hypothesis: three groups from one distribution, of which a share
fails and scatters around chance, {simulations:,} simulations for each design. The rate at which the first comparison's
p-value falls below 0.05 stands beside the 99.9% binomial interval around 0.05; the last column is the rate at which
any of the three comparisons is significant after Holm's correction, which must not exceed 0.05 by more than chance.

```bash
{command}
```

{conclusion} "Conservative (expected)" are exact tests of small counts or of few different values, tests of failure
rates where nothing fails, and tests for independent groups on pairs whose values rise and fall together.

```
{table}
```

## Small groups

The tests on which verdicts rest, for two groups from one distribution as small as groups of whole evolutions. The bars
were fixed before the first run: at level 0.05 at most 0.055 and two standard errors, at level 0.001 at most 0.002,
coverage of 1/2 by the 95% interval of the probability of superiority at least 0.93, and at 60 against 60 a power not
below that of the former test. The last column is the coverage of a probability of superiority of 0.8 (normal values,
shifted; pairs: a win rate of 0.8), for which no bar was set. Intervals come from a fifth of the simulations.
{small_conclusion}

```
{small}
```

Measured on {date}.

Python {python}, {versions}.
"""


@dataclass(frozen=True)
class Design:
    """One kind of experiment."""

    size: int
    failing: float
    paired: bool

    def groups(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw three groups of accuracies from one distribution."""
        shared = rng.standard_normal((2, self.size)) if self.paired else np.zeros((2, self.size))
        weight = LIKENESS if self.paired else 0.0
        return {name: self._group(rng, shared, weight) for name in "abc"}

    def _group(self, rng: np.random.Generator, shared: np.ndarray, weight: float) -> np.ndarray:
        own = rng.standard_normal((2, self.size))
        luck, skill = stats.norm.cdf(weight**0.5 * shared + (1 - weight) ** 0.5 * own)
        values = np.clip(0.92 - 0.12 * stats.gamma.ppf(skill, 0.8, scale=0.6), CHANCE, 1.0)
        return np.where(luck < self.failing, CHANCE + SCATTER * rng.standard_normal(self.size), values)

    def expected(self, test: str) -> bool:
        """Return whether the test is conservative here for a reason that is known."""
        return (
            test in DISCRETE
            or (self.paired and test not in OF_PAIRS)
            or (self.failing == 0 and "failures" in test)
        )

    def __str__(self) -> str:
        kind = "paired" if self.paired else "independent"
        return f"{kind}, 3 groups of {self.size}, {self.failing:.0%} failing"


DESIGNS = tuple(
    Design(size, failing, paired)
    for paired in (False, True)
    for size, failing in ((60, 0.0), (60, 0.6), (200, 0.65))
)


def simulate(design: Design, simulations: int, seed: int) -> Iterator[tuple[str, bool]]:
    """Yield the lines of the table of one design, each with whether a rate is too high."""
    rng = np.random.default_rng(seed)
    hits: dict[str, int] = defaultdict(int)
    defined: dict[str, int] = defaultdict(int)
    family: dict[str, int] = defaultdict(int)
    for _ in range(simulations):
        result = compare(
            design.groups(rng),
            chance=CHANCE,
            margin=MARGIN,
            baseline=BASELINE,
            paired=design.paired,
            resamples=1,
        )
        for test in result.pairs[0].tests:
            defined[test.name] += test.defined
            hits[test.name] += test.p < ALPHA
            family[test.name] += any(pair[test.name].adjusted < ALPHA for pair in result.pairs)
    yield f"{design}, {simulations} simulations, seed {seed}", False
    yield f"{'test':<34}{'rate':>8}  {'interval around 0.05':<22}{'verdict':<26}{'Holm, any of 3':>14}", False
    most = stats.binom.ppf(0.9995, simulations, ALPHA)
    for name, number in defined.items():
        low, high = stats.binom.interval(0.999, number, ALPHA)
        rate = hits[name] / max(number, 1)
        bounds = f"{low / max(number, 1):.4f} to {high / max(number, 1):.4f}"
        verdict = "ok"
        if hits[name] > high:
            verdict = "TOO HIGH"
        elif hits[name] < low:
            verdict = "conservative (expected)" if design.expected(name) else "conservative"
        holm = "ok" if family[name] <= most else "TOO HIGH"
        line = f"{name:<34}{rate:>8.4f}  {bounds:<22}{verdict:<26}{family[name] / simulations:>9.4f} {holm}"
        yield line, "TOO HIGH" in (verdict, holm)


def main() -> int:
    """Run the designs; 1 if a rate is too high."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument(
        "--small", type=int, default=10_000, help="simulations for each design of small groups"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write the page too")
    options = parser.parse_args()
    lines, high = [], 0
    for design in DESIGNS:
        for line, too_high in simulate(design, options.simulations, options.seed):
            print(line, flush=True)
            lines.append(line)
            high += too_high
        print()
        lines.append("")
    small, missed = [], 0
    for line, bars in small_groups.lines(options.small, options.seed):
        print(line, flush=True)
        small.append(line)
        missed += bars
    if options.out is not None:
        options.out.write_text(page(options, lines, high, small, missed), encoding="utf-8")
    return int(high + missed > 0)


def page(options: argparse.Namespace, lines: list[str], high: int, small: list[str], missed: int) -> str:
    """Return the page of docs/results."""
    chosen = f"--simulations {options.simulations} --small {options.small} --seed {options.seed} --out {options.out}"
    return INTRODUCTION.format(
        simulations=options.simulations,
        command=f"python benchmarks/paper/false_positives.py {chosen}",
        conclusion="No rate is too high." if not high else f"{high} rates are too high.",
        table="\n".join(lines).rstrip(),
        small_conclusion="Every bar is met." if not missed else f"{missed} bars are missed.",
        small="\n".join(small).rstrip(),
        date=datetime.now(UTC).date().isoformat(),
        python=platform.python_version(),
        versions=", ".join(f"{name} {version(name)}" for name in ("scipy", "statsmodels", "numpy")),
    )


if __name__ == "__main__":
    sys.exit(main())
