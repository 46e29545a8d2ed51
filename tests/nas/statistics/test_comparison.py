"""compare(): counts, corrections, pairs and words."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from gondwana.nas.statistics import (
    StatisticsError,
    adjust,
    compare,
    edf,
    median_difference,
    rank_power,
)
from gondwana.nas.statistics.planning.power import proportions_needed
from gondwana.nas.statistics.two_groups import paired

RNG = np.random.default_rng(7)
GROUPS = {
    "default": np.concatenate([np.full(30, 0.1), RNG.normal(0.80, 0.05, 30)]),
    "autoinit": np.concatenate([np.full(26, 0.1), RNG.normal(0.82, 0.05, 34)]),
    "autoinit++": np.concatenate([np.full(12, 0.1), RNG.normal(0.88, 0.05, 48)]),
}


def test_every_two_groups_are_compared_in_the_order_given() -> None:
    result = compare(GROUPS)
    assert [(pair.first, pair.second) for pair in result.pairs] == [
        ("default", "autoinit"),
        ("default", "autoinit++"),
        ("autoinit", "autoinit++"),
    ]
    assert (
        result.pair("default", "autoinit++").ks_d == stats.ks_2samp(*_of("default", "autoinit++")).statistic
    )


def _of(first: str, second: str) -> tuple[np.ndarray, np.ndarray]:
    return GROUPS[first], GROUPS[second]


@pytest.mark.parametrize(("correction", "method"), [("holm", "holm"), ("bh", "fdr_bh")])
def test_each_test_is_corrected_over_the_pairs(correction: str, method: str) -> None:
    result = compare(GROUPS, correction=correction)
    raw = [pair["Brunner-Munzel"].p for pair in result.pairs]
    assert [pair["Brunner-Munzel"].adjusted for pair in result.pairs] == pytest.approx(
        multipletests(raw, method=method)[1]
    )
    uncorrected = compare(GROUPS, correction="none")
    assert [pair["Brunner-Munzel"].adjusted for pair in uncorrected.pairs] == raw


def test_holm_worked_example() -> None:
    assert adjust([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust([0.01, math.nan, 0.04])[0] == pytest.approx(0.02)
    assert math.isnan(adjust([0.01, math.nan])[1])
    with pytest.raises(StatisticsError, match="unknown correction 'bonferoni'"):
        adjust([0.1], "bonferoni")  # type: ignore[arg-type]


def test_diverged_counts_at_chance_and_infrastructure_failures_are_left_out() -> None:
    result = compare(
        {"a": [0.5, math.nan, math.inf, None, 0.11], "b": [0.6, 0.7, 0.8]}, chance=0.1, margin=0.02
    )
    group = result.group("a")
    assert sorted(group.values) == [0.1, 0.1, 0.1, 0.5]
    assert (group.size, group.untrained, group.excluded) == (4, 2, 1)
    assert group.failures is not None
    assert group.failures[0] == 3


def test_numbers_above_the_baseline_are_counted() -> None:
    result = compare({"a": [0.5, 0.6, 0.61], "b": [0.7, 0.8, 0.1]}, baseline=0.6)
    assert [group.above and group.above[0] for group in result.groups] == [1, 2]
    assert all(group.failures is None for group in result.groups)
    assert "above 0.6000" in repr(result)


@pytest.mark.parametrize(
    ("groups", "options", "message"),
    [
        ({"a": [0.1]}, {}, "at least two groups"),
        ({"a": [0.1, math.nan], "b": [0.1]}, {}, "1 values that are not finite"),
        ({"a": [None], "b": [0.1]}, {}, "holds no result"),
        ({"a": [0.1, 0.2], "b": [0.1]}, {"paired": True}, "equal lengths"),
        ({"a": [0.1, None], "b": [None, 0.1]}, {"paired": True}, "no subject has a result both"),
        ({"a": [0.1], "b": [0.1]}, {"alpha": 5}, "alpha lies between"),
    ],
)
def test_what_cannot_be_compared_is_refused(groups: dict, options: dict, message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        compare(groups, **options)


def test_paired_comparison_drops_incomplete_pairs_and_uses_paired_tests() -> None:
    first = [*GROUPS["default"], None, 0.5]
    second = [*GROUPS["autoinit++"], 0.5, 0.4]
    pair = compare({"a": first, "b": second}, paired=True, chance=0.1).pairs[0]
    assert pair.pairs == 61
    a, b = np.append(GROUPS["default"], 0.5), np.append(GROUPS["autoinit++"], 0.4)
    assert pair["Wilcoxon signed-rank"] == replace(paired.wilcoxon(a, b), adjusted=paired.wilcoxon(a, b).p)
    assert "McNemar (failures)" in {test.name for test in pair.tests}
    assert pair.primary == "Wilcoxon signed-rank"


def test_verdict_names_the_better_group_whatever_the_order() -> None:
    forward = compare({"weak": GROUPS["default"], "strong": GROUPS["autoinit++"]}).verdicts()[0]
    backward = compare({"strong": GROUPS["autoinit++"], "weak": GROUPS["default"]}).verdicts()[0]
    assert forward.startswith("strong is better than weak: p < 0.0001")
    assert forward == backward


def test_verdict_without_evidence_says_what_could_have_been_seen() -> None:
    sentence = compare({"a": GROUPS["default"][20:45], "b": GROUPS["autoinit"][16:41]}).verdicts()[0]
    assert sentence.startswith("No difference between a and b could be shown")
    assert "with probability 80%" in sentence
    assert "per group" in sentence


def test_no_more_pairs_are_asked_for_than_there_are() -> None:
    first = [0.1, 0.1, 0.1, 0.112, 0.117, 0.114, 0.1, 0.1]
    second = [0.1, 0.1, 0.1, 0.176, 0.202, 0.228, 0.195, 0.134]
    pair = compare({"a": first, "b": second}, paired=True)
    assert pair.pairs[0].power.needed <= 8  # so that the test could fail
    sentence = pair.verdicts()[0]
    assert sentence.startswith("No difference between a and b could be shown")
    assert "would need" not in sentence


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize(
    "values",
    [[0.1], [0.1, 0.1], [0.1] * 30, [0.1, 0.9], [0.1] * 29 + [0.9]],
    ids=["1", "2", "30", "mixed", "outlier"],
)
def test_degenerate_groups_never_raise_and_always_print(values: list[float], paired: bool) -> None:
    result = compare({"a": values, "b": values}, chance=0.1, baseline=0.5, paired=paired)
    assert "nan is better" not in repr(result)
    assert result.to_latex().count(r"\bottomrule") == 2
    assert len(result.to_frame()) == len(result.pairs[0].tests)


def test_the_same_seed_gives_the_same_intervals() -> None:
    assert repr(compare(GROUPS, seed=3)) == repr(compare(GROUPS, seed=3))
    first, second = GROUPS["default"][30:], GROUPS["autoinit"][26:]
    one = median_difference(first, second, rng=np.random.default_rng(1))
    two = median_difference(first, second, rng=np.random.default_rng(2))
    assert one.estimate == two.estimate
    assert one.low != two.low


def test_bootstrap_agrees_with_scipy() -> None:
    first, second = GROUPS["default"][30:], GROUPS["autoinit++"][12:]
    ours = median_difference(first, second, rng=np.random.default_rng(0), resamples=20_000)
    theirs = stats.bootstrap(
        (second, first),
        lambda a, b, axis: np.median(a, axis=axis) - np.median(b, axis=axis),
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=2e-3)


def test_edf_band_is_that_of_massart() -> None:
    result = edf(np.array([0.1, 0.1, 0.4, 0.9]))
    assert list(result.x) == [0.1, 0.4, 0.9]
    assert list(result.fraction) == [0.5, 0.75, 1.0]
    assert result.half_width == pytest.approx(math.sqrt(math.log(40) / 8))
    assert result.high.max() == 1.0
    with pytest.raises(ValueError, match="at least one value"):
        edf(np.array([]))


def test_needed_size_shows_the_effect_with_the_power_asked_for() -> None:
    """Simulate experiments of the size that the planning figure names: about 80% of them must be significant."""
    rng = np.random.default_rng(5)
    pilot = rank_power(rng.normal(0, 1, 4000), rng.normal(0.5, 1, 4000))
    size = int(pilot.needed)
    trials = [
        stats.brunnermunzel(rng.normal(0, 1, size), rng.normal(0.5, 1, size)).pvalue < 0.05
        for _ in range(1000)
    ]
    assert np.mean(trials) == pytest.approx(0.8, abs=0.06)


def test_proportions_needed_worked_example() -> None:
    """Cohen (1988), Table 6.4.1: an effect of h = 0.2 needs 392 per group for a power of 0.8."""
    first = 0.5
    second = math.sin(math.asin(math.sqrt(first)) + 0.1) ** 2
    assert proportions_needed(first, second) == pytest.approx(392, abs=1)
    assert math.isnan(proportions_needed(0.3, 0.3))


def test_names_are_escaped_in_latex() -> None:
    latex = compare({"a_b%": [0.1, 0.2], r"\input{x}": [0.1, 0.3]}).to_latex()
    assert r"a\_b\%" in latex
    assert r"\textbackslash{}input\{x\}" in latex


def test_undefined_tests_are_named_under_the_table() -> None:
    text = repr(compare({"a": [0.1, 0.2], "b": [0.3, 0.4]}))
    assert "Not computed: Epps-Singleton: needs at least 5 values" in text


def test_pair_look_up_names_what_there_is() -> None:
    pair = compare({"a": [0.1, 0.2], "b": [0.3, 0.4]}).pairs[0]
    with pytest.raises(KeyError, match="Kolmogorov-Smirnov"):
        pair["Student"]
    assert replace(pair["Kolmogorov-Smirnov"], p=math.nan).defined is False


@pytest.mark.parametrize(("correction", "method"), [("holm", "holm"), ("bh", "fdr_bh")])
@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_corrections_agree_with_statsmodels(correction: str, method: str, size: int) -> None:
    p_values = np.random.default_rng(size).beta(0.3, 1, size)
    p_values[size // 2] = p_values[0]
    assert adjust(list(p_values), correction) == pytest.approx(multipletests(p_values, method=method)[1])


def test_the_order_among_failures_decides_nothing() -> None:
    """Constant answers of another class score below chance; a network that was never trained counts at chance."""
    trained = [0.8, 0.85, 0.9]
    result = compare(
        {"a": [0.08, 0.09, 0.1, 0.11] * 5 + trained, "b": [math.nan] * 20 + trained},
        chance=0.1,
        margin=0.02,
        paired=True,
    )
    assert result.pairs[0]["Wilcoxon signed-rank"].p == 1.0
    assert result.pairs[0].superiority.estimate == 0.5


@pytest.mark.parametrize("value", ["high", [1.0], {}])
def test_a_value_that_is_no_number_is_refused_with_its_group(value):
    with pytest.raises(StatisticsError, match=r"group 'b' holds something that is no number"):
        compare({"a": [0.1, 0.2], "b": [0.1, value]})
