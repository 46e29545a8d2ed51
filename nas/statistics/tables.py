"""A comparison as text, data frame and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gondwana.nas.statistics.comparison_result import ComparisonResult, Pair
from gondwana.nas.statistics.result import Interval
from gondwana.nas.statistics.runs_needed import limited
from gondwana.nas.statistics.verdicts import corrected, p_text, sentence


def groups_frame(comparison: ComparisonResult) -> pd.DataFrame:
    """Return one row for each group: sizes, failures, number above the baseline, quartiles."""
    rows = []
    for group in comparison.groups:
        row: dict[str, object] = {"group": group.name, "n": group.size}
        for label, counted in (("failures", group.failures), ("above_baseline", group.above)):
            if counted is not None:
                count, share = counted
                row |= {label: count, f"{label}_low": share.low, f"{label}_high": share.high}
        low, median, high = np.quantile(group.values, [0.25, 0.5, 0.75])
        row |= {"best": group.values.max(), "median": median, "lower_quartile": low, "upper_quartile": high}
        row |= {"mean": group.values.mean(), "untrained": group.untrained, "excluded": group.excluded}
        rows.append(row)
    return pd.DataFrame(rows).set_index("group")


def tests_frame(comparison: ComparisonResult) -> pd.DataFrame:
    """Return one row for each test of each pair: statistic, p, adjusted p, note."""
    rows = [
        {
            "first": pair.first,
            "second": pair.second,
            "test": test.name,
            "statistic": test.statistic,
            "p": test.p,
            "p_adjusted": test.adjusted,
            "note": test.note,
        }
        for pair in comparison.pairs
        for test in pair.tests
    ]
    return pd.DataFrame(rows)


def pairs_frame(comparison: ComparisonResult) -> pd.DataFrame:
    """Return the table of Appendix D: one row for each pair, formatted."""
    return pd.DataFrame([_pair_row(pair) for pair in comparison.pairs])


def _pair_row(pair: Pair) -> dict[str, str]:
    primary = pair[pair.primary]
    return {
        "pair": f"{pair.first} / {pair.second}",
        "KS D": f"{pair.ks_d:.3f}",
        "KS p": p_text(pair["Kolmogorov-Smirnov"].adjusted),
        "Epps-Singleton p": p_text(pair["Epps-Singleton"].adjusted),
        "Mann-Whitney larger p": p_text(pair["Mann-Whitney U (larger)"].adjusted),
        f"{primary.name} p": p_text(primary.adjusted),
        "P(second > first)": str(pair.superiority),
        "median difference": str(pair.median_difference),
    }


def text(comparison: ComparisonResult, verdicts: Sequence[str] | None = None) -> str:
    """Return the comparison as plain text of two tables and the verdicts, or what is to be said in their place."""
    if verdicts is None:
        verdicts = [limited(sentence(comparison, pair), pair) for pair in comparison.pairs]
    groups = pd.DataFrame(
        [_group_row(comparison, index) for index in range(len(comparison.groups))]
    ).to_string(index=False)
    pairs = "\n\n".join(
        "\n".join([row.pop("pair"), *(f"  {label:<24}{value}" for label, value in row.items())])
        for row in map(_pair_row, comparison.pairs)
    )
    notes = sorted(
        {f"{test.name}: {test.note}" for pair in comparison.pairs for test in pair.tests if not test.defined}
    )
    return "\n\n".join(
        [
            groups,
            f"p-values are {corrected(comparison.correction)} over {len(comparison.pairs)} comparison(s).\n\n{pairs}",
            *(["Not computed: " + "; ".join(notes) + "."] if notes else []),
            *verdicts,
        ]
    )


def _group_row(comparison: ComparisonResult, index: int) -> dict[str, str]:
    group = comparison.groups[index]
    row = {"group": group.name, "n": str(group.size)}
    if group.failures is not None:
        row["failures"] = _count(*group.failures)
    if group.above is not None:
        row[f"above {comparison.baseline:.4f}"] = _count(*group.above)
    row |= {"best": f"{group.values.max():.4f}", "median": f"{np.median(group.values):.4f}"}
    return row | {"untrained": str(group.untrained), "excluded": str(group.excluded)}


def _count(count: int, share: Interval) -> str:
    return f"{count} ({share.estimate:.0%}; {share.low:.0%} to {share.high:.0%})"


def to_latex(comparison: ComparisonResult) -> str:
    """Return the table of the groups and the table of the pairs as LaTeX with booktabs rules."""
    groups = pd.DataFrame([_group_row(comparison, index) for index in range(len(comparison.groups))])
    return _latex(groups) + "\n" + _latex(pairs_frame(comparison))


def _latex(frame: pd.DataFrame) -> str:
    lines = [rf"\begin{{tabular}}{{l{'r' * (frame.shape[1] - 1)}}}", r"\toprule"]
    lines += [" & ".join(map(_escape, frame.columns)) + r" \\", r"\midrule"]
    lines += [" & ".join(map(_escape, row)) + r" \\" for row in frame.itertuples(index=False, name=None)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


_SPECIAL = {character: rf"\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
}


def _escape(cell: object) -> str:
    return "".join(_SPECIAL.get(character, character) for character in str(cell))
