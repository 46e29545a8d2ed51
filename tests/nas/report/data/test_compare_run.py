"""From run folders and CSV files to comparisons."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from gondwana.nas.report.data.compare_run import TableError, compare_run, compare_table
from gondwana.nas.report.figures.edf_picture import edf_svg
from gondwana.nas.report.report import load_run, write_edf
from gondwana.nas.statistics import StatisticsError, compare


def test_a_run_is_compared_by_strategy(make_comparison: Callable[..., Path]) -> None:
    result = compare_run(load_run(make_comparison()))
    assert result.comparison is not None
    assert [group.name for group in result.comparison.groups] == ["glorot_uniform", "autoinit", "autoinit++"]
    assert [group.size for group in result.comparison.groups] == [40, 39, 40]
    assert result.comparison.group("autoinit").excluded == 1
    assert result.comparison.baseline == 0.9
    assert result.comparison.pair("glorot_uniform", "autoinit").pairs == 39
    failures = result.comparison.group("glorot_uniform").failures
    assert failures is not None
    assert failures[0] == result.comparison.group("glorot_uniform").untrained
    assert failures[0] == np.sum(np.isnan(np.array(result.values["glorot_uniform"]))) > 0


def test_independent_draws_are_compared_with_independent_tests(make_comparison: Callable[..., Path]) -> None:
    result = compare_run(load_run(make_comparison(paired=False))).comparison
    assert result is not None
    assert result.pairs[0].primary == "Brunner-Munzel"
    assert result.pairs[0].pairs is None


def test_only_comparisons_are_compared(evolution: Path) -> None:
    with pytest.raises(StatisticsError, match="is no comparison but a run of kind 'codeepneat'"):
        compare_run(load_run(evolution))


def write_csv(path: Path, text: str) -> Path:
    file = path / "results.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_table_is_compared_by_its_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.8, 0.02, 20), rng.normal(0.83, 0.02, 25)
    rows = [f"a,{value!r}" for value in map(float, first)] + [f"b,{value!r}" for value in map(float, second)]
    file = write_csv(tmp_path, "strategy,accuracy\n" + "\n".join(rows) + "\n")
    result = compare_table(file, group="strategy", value="accuracy")
    assert result.pair("a", "b")["Mann-Whitney U"].p == stats.mannwhitneyu(second, first).pvalue


def test_empty_cells_are_left_out_and_nan_counts_at_chance(tmp_path: Path) -> None:
    file = write_csv(tmp_path, "strategy,accuracy\na,0.5\na,\na,nan\nb,0.7\nb,0.6\n")
    group = compare_table(file, group="strategy", value="accuracy", chance=0.1).group("a")
    assert list(group.values) == [0.5, 0.1]
    assert (group.untrained, group.excluded) == (1, 1)


def test_states_of_an_export_are_respected(tmp_path: Path) -> None:
    text = "strategy,accuracy,state\na,0.5,completed\na,0.0,crashed\na,0.1,diverged\na,,invalid\nb,0.7,completed\n"
    group = compare_table(write_csv(tmp_path, text), group="strategy", value="accuracy", chance=0.2).group(
        "a"
    )
    assert list(group.values) == [0.5, 0.2, 0.2]
    assert group.excluded == 1


def test_a_subject_column_makes_the_comparison_paired(tmp_path: Path) -> None:
    text = "strategy,accuracy,function\na,0.5,f\na,0.6,g\nb,0.8,g\nb,0.7,f\nb,0.9,h\n"
    result = compare_table(write_csv(tmp_path, text), group="strategy", value="accuracy", subject="function")
    pair = result.pair("a", "b")
    assert pair.pairs == 2
    assert pair.superiority.estimate == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strategy,accuracy\na,0.5\n", "at least two groups"),
        ("strategy,acc\na,0.5\n", "no column 'accuracy'. Columns: 'strategy', 'acc'"),
        ("strategy,accuracy\na,0.5\nb,high\n", "line 3: expected a number. Received: 'high'"),
        ("", "is not a CSV file"),
        ("strategy,accuracy\n", "at least two groups"),
        ("strategy,accuracy\na,nan\nb,0.5\n", "Give chance"),
        ("strategy,accuracy\na,\nb,0.5\n", "holds no result"),
        (
            "strategy,accuracy\na,0.5\n,0.5\n",
            "line 3: the column 'strategy', which names the group, is empty",
        ),
        ("strategy,accuracy,accuracy\na,0.5,1\nb,0.5,1\n", "stand there twice: accuracy"),
        ("strategy,accuracy\na,0.5\nb,0.5,7,8\n", "is not a CSV file"),
    ],
)
def test_a_table_that_cannot_be_compared_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare_table(write_csv(tmp_path, text), group="strategy", value="accuracy")


def test_two_rows_for_one_subject_are_refused(tmp_path: Path) -> None:
    file = write_csv(tmp_path, "strategy,accuracy,function\na,0.5,f\na,0.6,f\nb,0.8,f\n")
    with pytest.raises(TableError, match="two rows for the subject 'f'"):
        compare_table(file, group="strategy", value="accuracy", subject="function")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"none\.csv: there is no such file"):
        compare_table(tmp_path / "none.csv", group="a", value="b")


def test_the_edf_figure_is_written_and_reproducible(make_comparison: Callable[..., Path]) -> None:
    path = make_comparison()
    comparison = compare_run(load_run(path)).comparison
    assert comparison is not None
    file = write_edf(path, comparison)
    assert file.read_bytes() == edf_svg(comparison)
    assert "D(glorot_uniform, autoinit++)" in file.read_text(encoding="utf-8")


def test_hostile_names_stay_text_in_the_vector_graphic() -> None:
    svg = edf_svg(compare({"<script>x</script>": [0.1, 0.2], "$\\frac$": [0.3, 0.4]})).decode()
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg
