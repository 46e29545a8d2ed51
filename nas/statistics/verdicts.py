"""Sentences in plain words about a comparison."""

from __future__ import annotations

import math

from gondwana.nas.statistics.comparison_result import ComparisonResult, Pair
from gondwana.nas.statistics.result import Interval


def sentence(comparison: ComparisonResult, pair: Pair) -> str:
    """Return the verdict on a pair: which is better, by how much, how sure, or what could have been seen.

    Test, direction and estimate are of one quantity: P(second > first) for independent groups, whose test is
    Brunner and Munzel's; the typical change of one subject for pairs, whose test is Wilcoxon's.
    """
    test = pair[pair.primary]
    if not test.defined:
        return f"{pair.first} and {pair.second} cannot be told apart: {test.note}."
    evidence = f"{p_equation(test.adjusted)} ({test.name}, {corrected(comparison.correction)})"
    if test.adjusted >= comparison.alpha or pair.direction == 0:
        return (
            f"No difference between {pair.first} and {pair.second} could be shown: {evidence}. "
            + _what_could_have_been_seen(pair)
        )
    better, worse = (pair.second, pair.first) if pair.direction > 0 else (pair.first, pair.second)
    found = _change(pair, better, worse) if pair.shift is not None else _superiority(pair, better, worse)
    return f"{better} is better than {worse}: {evidence}. {found}"


def _superiority(pair: Pair, better: str, worse: str) -> str:
    share = pair.superiority if pair.direction > 0 else _reversed(pair.superiority)
    return (
        f"A result with {better} exceeds one with {worse} with probability {share.estimate:.2f} "
        f"(interval {share.low:.2f} to {share.high:.2f}; ties count half)."
    )


def _change(pair: Pair, better: str, worse: str) -> str:
    """Say by how much a subject typically changes, and in how many pairs the better group is ahead."""
    assert pair.shift is not None
    shift = (
        pair.shift
        if pair.direction > 0
        else Interval(-pair.shift.estimate, -pair.shift.high, -pair.shift.low)
    )
    share = pair.superiority if pair.direction > 0 else _reversed(pair.superiority)
    interval = f"(Hodges-Lehmann estimate; interval {_number(shift.low)} to {_number(shift.high)})"
    if shift.estimate > 0:
        amount = _number(shift.estimate)
        text = f"With the same subject, a result with {better} is typically {amount} above one with {worse} {interval}"
    else:
        text = f"As many pairs are equal, the typical change of a subject is {_number(shift.estimate)} {interval}"
    wins = f"of the pairs (interval {share.low:.0%} to {share.high:.0%}; ties count half)"
    if share.estimate >= 0.5:
        return f"{text}; {better} is ahead in {share.estimate:.0%} {wins}."
    return (
        f"{text}. Yet {better} is ahead in only {share.estimate:.0%} {wins}: a minority gains much and a majority "
        f"loses a little, so for most subjects {worse} is the better choice."
    )


def _reversed(share: Interval) -> Interval:
    return Interval(1 - share.estimate, 1 - share.high, 1 - share.low)


def _number(value: float) -> str:
    """Return a change with three significant digits, and at least the digits of a table of accuracies."""
    if math.isinf(value):
        return "unbounded"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 10 else f"{value:.3g}"


def _what_could_have_been_seen(pair: Pair) -> str:
    paired = pair.shift is not None
    groups = "Pairs like these" if paired else "Groups like these"
    what = "that one is ahead in a share of the pairs of" if paired else "a probability of superiority of"
    planned = pair.power
    if math.isnan(planned.detectable):
        text = f"{groups} show no difference, however large, with probability {planned.power:.0%}"
    else:
        text = (
            f"{groups} would show, with probability {planned.power:.0%}, {what} {planned.detectable:.2f} or more "
            f"(seen: {pair.superiority.estimate:.2f})"
        )
    enough = pair.pairs is not None and planned.needed <= pair.pairs  # many of these pairs are equal
    if math.isnan(planned.needed) or enough:
        return text + "."
    unit = "pairs" if paired else "per group"
    return text + f"; an effect as small as the one seen would need about {planned.needed:,.0f} {unit}."


def corrected(correction: str) -> str:
    """Say how p-values were adjusted."""
    return {"holm": "Holm-corrected", "bh": "Benjamini-Hochberg-corrected", "none": "not corrected"}[
        correction
    ]


def p_equation(p: float) -> str:
    """Return "p = 0.012", or "p < 0.0001"."""
    return f"p {p_text(p)}" if p < 1e-4 else f"p = {p_text(p)}"


def p_text(p: float) -> str:
    """Return a p-value with three significant digits, or "< 0.0001", or "n/a" if there is none."""
    if math.isnan(p):
        return "n/a"
    return "< 0.0001" if p < 1e-4 else f"{p:.3g}"
