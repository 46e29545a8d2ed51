"""What groups of a size can show at best, options that make no sense, and a baseline that was measured."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gondwana.nas.statistics import StatisticsError, compare
from gondwana.nas.statistics.runs_needed import runs_needed, smallest_p
from gondwana.nas.statistics.two_groups.baseline import measured
from gondwana.nas.statistics.two_groups.paired import wilcoxon
from gondwana.nas.statistics.two_groups.proportions import wilson
from gondwana.nas.statistics.two_groups.superiority import brunner_munzel


@pytest.mark.parametrize("size", [2, 3, 5, 9])
def test_smallest_p_values_are_those_of_groups_that_do_not_overlap(size: int) -> None:
    first, second = np.arange(float(size)), np.arange(6.0) + 10
    assert smallest_p(size, 6) == brunner_munzel(first, second).p
    assert smallest_p(size) == pytest.approx(wilcoxon(first, first + 1 + first / 10).p)
    assert smallest_p(size, 6) == smallest_p(6, size)


def test_single_runs_have_no_smallest_p_value() -> None:
    assert math.isnan(smallest_p(1, 100))
    assert math.isnan(smallest_p(0))


@pytest.mark.parametrize(
    ("comparisons", "options", "runs"),
    [
        (1, {}, 4),  # 2 / 70
        (3, {}, 5),  # 3 * 2 / 252; four against four: 3 * 2 / 70 = 0.086
        (10, {}, 6),  # 10 * 2 / 924; five: 10 * 2 / 252 = 0.079
        (10, {"correction": "none"}, 4),
        (10, {"correction": "bh"}, 4),
        (1, {"paired": True}, 6),  # 2 / 64
        (3, {"paired": True}, 7),
        (1, {"alpha": 0.001}, 7),  # 2 / 3,432
    ],
)
def test_runs_needed_follow_from_the_number_of_comparisons(
    comparisons: int, options: dict, runs: int
) -> None:
    assert runs_needed(comparisons, **options) == runs


@given(comparisons=st.integers(1, 200), paired=st.booleans())
def test_fewer_runs_than_needed_are_not_enough(comparisons: int, paired: bool) -> None:
    needed = runs_needed(comparisons, paired=paired)
    for size, enough in ((needed, True), (needed - 1, False)):
        least = smallest_p(size, None if paired else size)
        assert (comparisons * least < 0.05) == enough


@pytest.mark.parametrize("options", [{"alpha": 0.0}, {"comparisons": 0}])
def test_runs_needed_refuses_what_makes_no_sense(options: dict) -> None:
    with pytest.raises(StatisticsError, match="Received: 0"):
        runs_needed(**options)


def test_a_comparison_says_when_no_verdict_is_possible() -> None:
    groups = {name: [0.1 * i, 0.1 * i + 0.01, 0.1 * i + 0.02, 0.1 * i + 0.03] for i, name in enumerate("abc")}
    result = compare(groups)
    assert [pair["Brunner-Munzel"].adjusted for pair in result.pairs] == pytest.approx([6 / 70] * 3)
    for pair, sentence in zip(result.pairs, result.verdicts(), strict=True):
        assert pair.least_p == pytest.approx(6 / 70)
        assert pair.needed_runs == 5
        assert sentence.startswith(
            "No verdict is possible: 4 against 4 results among 3 comparisons cannot have a p-value below 0.086, "
            "whatever the values; it takes at least 5 in each group."
        )
        assert sentence in repr(result)
    enough = compare({"a": groups["a"], "b": groups["b"]})
    assert enough.pairs[0].limitation == ""
    assert enough.pairs[0].least_p == pytest.approx(2 / 70)


def test_groups_of_unequal_sizes_and_pairs_have_limits_of_their_own() -> None:
    many = np.linspace(0.5, 0.6, 20)
    uneven = compare({"a": [0.1, 0.2, 0.3], "b": [0.4, 0.5, 0.6], "c": many})
    assert [bool(pair.limitation) for pair in uneven.pairs] == [True, False, False]
    single = compare({"a": [0.1], "b": many})
    assert single.pairs[0].limitation.startswith(
        "No verdict is possible: 1 against 20 results have no p-value"
    )
    paired = compare({"a": [0.1, 0.2, 0.3, 0.4, 0.5], "b": [0.2, 0.4, 0.6, 0.8, 1.0]}, paired=True).pairs[0]
    assert "5 pairs cannot have a p-value below 0.062" in paired.limitation
    assert "at least 6 pairs" in paired.limitation


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chance", math.nan),
        ("chance", math.inf),
        ("chance", "0.1"),
        ("margin", -0.01),
        ("margin", math.nan),
        ("margin", math.inf),
        ("alpha", 0),
        ("alpha", 1.0),
        ("alpha", math.nan),
        ("power", 1),
        ("power", 0.0),
        ("power", math.nan),
        ("resamples", 0),
        ("resamples", -1),
        ("resamples", 10.5),
        ("seed", -1),
        ("seed", 0.5),
        ("correction", "bonferroni"),
        ("baseline", math.nan),
        ("baseline", [0.9, math.inf]),
        ("baseline", []),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(name: str, value: object) -> None:
    options = {"chance": 0.1, name: value}
    with pytest.raises(StatisticsError) as caught:
        compare({"a": [0.1, 0.2], "b": [0.3, 0.4]}, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith(f"{name} ")
    assert message.endswith(f"Received: {value!r}")
    assert "\n" not in message


def test_a_number_as_baseline_is_known_exactly() -> None:
    result = compare({"a": [0.5, 0.6, 0.61], "b": [0.7, 0.8, 0.1]}, baseline=0.6)
    assert result.baseline == 0.6
    assert result.baseline_interval is not None
    assert result.baseline_interval.low == result.baseline_interval.high == 0.6
    assert result.group("a").above == (1, wilson(1, 3))


def test_the_uncertainty_of_a_measured_baseline_widens_the_share_above_it() -> None:
    values = np.linspace(0.80, 0.99, 200)
    exact, close, apart = (
        measured(given).above(values)  # type: ignore[union-attr]
        for given in (0.9, [0.899, 0.9, 0.901], [0.85, 0.9, 0.95])
    )
    assert exact[0] == close[0] == apart[0]
    widths = [share.high - share.low for _, share in (exact, close, apart)]
    assert widths[0] < widths[1] < widths[2]
    trainings = [0.85, 0.9, 0.95]
    result = compare({"a": values, "b": values}, baseline=trainings)
    assert result.baseline == pytest.approx(0.9)
    assert result.group("a").above == apart
    assert result.baseline_interval is not None
    assert result.baseline_interval.low == pytest.approx(0.9 - 4.302653 * 0.05 / math.sqrt(3))


def test_one_training_of_the_baseline_has_no_interval() -> None:
    found = measured([0.9])
    assert found is not None
    assert math.isnan(found.interval().low)
    assert found.above(np.array([0.8, 0.95])) == (1, wilson(1, 2))


@pytest.mark.parametrize("seed", range(2))
def test_share_above_a_measured_baseline_covers(seed: int) -> None:
    """Results and trainings of the baseline scatter alike: half of the results are above its true mean."""
    rng = np.random.default_rng(seed)
    covered = plain = 0
    for _ in range(500):
        values, trainings = rng.normal(0.9, 0.01, 60), rng.normal(0.9, 0.01, 3)
        count, share = measured(trainings).above(values)  # type: ignore[union-attr]
        covered += share.low <= 0.5 <= share.high
        known = wilson(count, 60)
        plain += known.low <= 0.5 <= known.high
    assert covered / 500 > 0.95
    assert plain / 500 < 0.7


def test_independent_tests_are_called_conservative_only_where_pairs_rise_and_fall_together() -> None:
    first = np.linspace(0.1, 0.9, 12)
    assert compare({"a": first, "b": first + 0.01}, paired=True).independent_tests_conservative
    assert not compare({"a": first, "b": first[::-1]}, paired=True).independent_tests_conservative
    assert not compare({"a": first, "b": first + 0.01}).independent_tests_conservative
    assert not compare({"a": first, "b": np.full(12, 0.5)}, paired=True).independent_tests_conservative
    assert compare({"a": first, "b": first[::-1]}, paired=True).pairs[0].correlation == pytest.approx(-1)
    assert compare({"a": first, "b": first}).pairs[0].correlation is None
