"""Sentences in plain words about a comparison."""

from __future__ import annotations

import math

from gondwana.nas.statistics.comparison_result import ComparisonResult, Pair
from gondwana.nas.statistics.result import Interval


def sentence(comparison: ComparisonResult, pair: Pair) -> str:
    """Return the verdict on a pair: which is better, by how much, how sure, or what could have been seen."""
    test = pair[pair.primary]
    if not test.defined:
        return f"{pair.first} and {pair.second} cannot be told apart: {test.note}."
    evidence = f"{p_equation(test.adjusted)} ({test.name}, {corrected(comparison.correction)})"
    if test.adjusted >= comparison.alpha or pair.direction == 0:
        return (
            f"No difference between {pair.first} and {pair.second} could be shown: {evidence}. "
            + _what_could_have_been_seen(pair)
        )
    better, worse, share = pair.second, pair.first, pair.superiority
    if pair.direction < 0:
        better, worse = worse, better
        share = Interval(1 - share.estimate, 1 - share.high, 1 - share.low)
    subject = "With the same subject, a" if comparison.paired else "A"
    return (
        f"{better} is better than {worse}: {evidence}. {subject} result with {better} exceeds one with {worse} "
        f"with probability {share.estimate:.2f} (interval {share.low:.2f} to {share.high:.2f}; ties count half)."
    )


def _what_could_have_been_seen(pair: Pair) -> str:
    if math.isnan(pair.power.detectable):
        return "The groups are too small or too alike to say what they could have shown."
    text = (
        f"Groups of this size would show, with probability {pair.power.power:.0%}, a probability of superiority of "
        f"{pair.power.detectable:.2f} or more (seen: {pair.superiority.estimate:.2f})"
    )
    if math.isnan(pair.power.needed):
        return text + "."
    return text + f"; an effect as small as the one seen would need about {pair.power.needed:,.0f} per group."


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
