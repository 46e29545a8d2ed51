"""Rates of the tests on which verdicts rest, for groups as small as groups of whole evolutions; see false_positives.py.

Two groups are drawn from one distribution: normal accuracies, the same rounded to 0.001, and bimodal ones of which 40%
are at chance. Settings and bars were fixed before the first run: at level 0.05 at most 0.055 and two standard errors of
the simulation, at level 0.001 at most 0.002, coverage of the 95% interval at least 0.93. Beside the interval's coverage
of 1/2 stands that of a probability of superiority of 0.8, for which no bar was set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import sqrt

import numpy as np
from scipy import stats

from gondwana.nas.statistics.result import Interval
from gondwana.nas.statistics.two_groups.paired import wilcoxon, win_rate
from gondwana.nas.statistics.two_groups.superiority import brunner_munzel, superiority

INDEPENDENT = ((4, 4), (5, 5), (6, 6), (8, 8), (4, 20), (5, 30))
LARGER = ((20, 20), (20, 100), (60, 60))
"""Without rounded values, which take long: nearly every draw has ties of its own and so divisions of its own."""
PAIRED = (4, 5, 6, 8, 12, 20)
COVERAGE_SHARE = 5
"""One in so many simulations has its intervals computed too, which takes longer than the test."""
SUPERIORITY = 0.8
SPREAD, CENTRE, CHANCE, FAILING = 0.02, 0.85, 0.1, 0.4
LIKENESS = 0.7
"""Correlation of the two values of a pair."""
Draw = Callable[[np.ndarray, np.ndarray], np.ndarray]


def normal(z: np.ndarray, luck: np.ndarray) -> np.ndarray:
    """Accuracies of standard normal ``z``."""
    return CENTRE + SPREAD * z


def rounded(z: np.ndarray, luck: np.ndarray) -> np.ndarray:
    """The same with three decimals."""
    return np.round(CENTRE + SPREAD * z, 3)


def bimodal(z: np.ndarray, luck: np.ndarray) -> np.ndarray:
    """The same, of which those with a ``luck`` (standard normal) in the lowest 40% are at chance."""
    return np.where(stats.norm.cdf(luck) < FAILING, CHANCE, CENTRE + SPREAD * z)


KINDS: tuple[Draw, ...] = (normal, rounded, bimodal)


def groups(
    rng: np.random.Generator, kind: Draw, sizes: tuple[int, int], *, likeness: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw two groups from one distribution; pairs of equal position are alike if ``likeness`` is above 0."""
    shared = rng.standard_normal((2, max(sizes)))
    columns = []
    for size in sizes:
        own = rng.standard_normal((2, size))
        z, luck = sqrt(likeness) * shared[:, :size] + sqrt(1 - likeness) * own
        columns.append(kind(z, luck))
    return columns[0], columns[1]


def row(name: str, p: np.ndarray, covered: list[bool], other: list[bool]) -> tuple[str, int]:
    """Return the line of one design, and how many of its bars are missed."""
    often, rarely = float(np.mean(p < 0.05)), float(np.mean(p < 0.001))
    most = 0.055 + 2 * sqrt(0.05 * 0.95 / p.size)
    missed = [often > most, rarely > 0.002, float(np.mean(covered)) < 0.93]
    line = f"{name:<34}{often:>8.4f}{rarely:>9.4f}{np.mean(covered):>10.3f}{np.mean(other):>10.3f}"
    return line + ("  MISSED" if any(missed) else "  met"), sum(missed)


def independent(simulations: int, seed: int) -> Iterator[tuple[str, int]]:
    """Yield a line for each sizes and kind of independent groups."""
    apart = stats.norm.ppf(SUPERIORITY) * sqrt(2) * SPREAD
    for sizes in INDEPENDENT + LARGER:
        for kind in KINDS if sizes in INDEPENDENT else (normal, bimodal):
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=sizes))
            drawn = [groups(rng, kind, sizes) for _ in range(simulations)]
            p = np.array([brunner_munzel(a, b).p for a, b in drawn])
            some = drawn[::COVERAGE_SHARE]
            covered = [_holds(superiority(a, b), 0.5) for a, b in some]
            shifted = [groups(rng, normal, sizes) for _ in some]
            other = [_holds(superiority(a, b + apart), SUPERIORITY) for a, b in shifted]
            yield row(f"{sizes[0]} against {sizes[1]}, {kind.__name__}", p, covered, other)


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def pairs(simulations: int, seed: int) -> Iterator[tuple[str, int]]:
    """Yield a line for each number and kind of pairs; the interval is that of the win rate."""
    for size in PAIRED:
        for kind in KINDS:
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(size,)))
            drawn = [groups(rng, kind, (size, size), likeness=LIKENESS) for _ in range(simulations)]
            p = np.array([wilcoxon(a, b).p for a, b in drawn])
            some = drawn[::COVERAGE_SHARE]
            covered = [_holds(win_rate(a, b), 0.5) for a, b in some]
            winners = [np.where(rng.random(size) < SUPERIORITY, 1.0, -1.0) for _ in some]
            other = [_holds(win_rate(np.zeros(size), signs), SUPERIORITY) for signs in winners]
            yield row(f"{size} pairs, {kind.__name__}", p, covered, other)


def power(simulations: int, seed: int) -> Iterator[tuple[str, int]]:
    """Yield a line for each effect at 60 against 60: how often it is shown, and by the test of version 0.1.0."""
    for shift, spread in ((0.3, 1.0), (0.5, 1.0), (0.5, 2.0)):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(60, round(10 * shift))))
        now = before = 0
        for _ in range(simulations):
            first, second = rng.normal(0, 1, 60), rng.normal(shift * spread, spread, 60)
            now += brunner_munzel(first, second).p < 0.05
            before += stats.brunnermunzel(first, second).pvalue < 0.05
        name = f"60 against 60, {shift:g} deviations{', twice the spread' if spread > 1 else ''}"
        met = "met" if now >= before else "MISSED"
        yield f"{name:<48}{now / simulations:>8.4f}{before / simulations:>8.4f}  {met}", int(now < before)


def lines(simulations: int, seed: int) -> Iterator[tuple[str, int]]:
    """Yield every line with the number of bars it misses."""
    head = f"{'p below 0.05':>42}{'0.001':>9}{'covers 1/2':>12}{'0.8':>6}"
    yield f"independent groups, {simulations} simulations each, seed {seed}", 0
    yield head, 0
    yield from independent(simulations, seed)
    yield "", 0
    yield f"paired groups, {simulations} simulations each, seed {seed}", 0
    yield head, 0
    yield from pairs(simulations, seed)
    yield "", 0
    yield f"power at level 0.05, {simulations // 5} simulations each, and that of version 0.1.0", 0
    yield from power(simulations // 5, seed)
