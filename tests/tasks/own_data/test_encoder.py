from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest

from gondwana.tasks.own_data.cells import CellError
from gondwana.tasks.own_data.columns import Column, infer
from gondwana.tasks.own_data.encoder import NothingToLearnError, TableEncoder


def frame(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "size": rng.normal(10, 3, rows),
            "colour": rng.choice(["red", "green", "blue"], rows),
            "on": rng.random(rows) < 0.5,
            "day": pd.date_range("2024-01-01", periods=rows, freq="29h"),
            "text": [
                " ".join(rng.choice(["good", "bad", "old", "new", "red", "big"], 4)) for _ in range(rows)
            ],
            "level": pd.Categorical(rng.choice([1, 2, 3], rows)),
        }
    )
    table.loc[::7, "size"] = np.nan
    table.loc[::9, "colour"] = None
    return table


def test_every_kind_of_column_is_seen_and_encoded():
    encoder = TableEncoder().fit(frame())
    assert {name: column.kind for name, column in encoder.columns.items()} == {
        "size": "number",
        "colour": "category",
        "on": "boolean",
        "day": "date",
        "text": "text",
        "level": "category",
    }
    x = encoder.transform(frame())
    assert x.shape == (60, encoder.width) and x.dtype == np.float32 and len(encoder.names) == encoder.width
    assert np.isfinite(x).all()
    np.testing.assert_allclose([x.mean(), x.var()], [0, 1], atol=1e-5)


def test_empty_cells_become_the_median_and_an_indicator():
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0, np.nan]})
    encoder = TableEncoder().fit(table)
    assert encoder.names == ["a", "a (empty)"]
    x = encoder.transform(table)
    assert x[3, 0] == x[1, 0], "the median is 2"
    assert (x[:3, 1] == x[0, 1]).all() and x[3, 1] > x[0, 1]


def test_unseen_and_rare_categories_share_a_bucket_and_empty_cells_have_their_own():
    table = pd.DataFrame({"a": ["x"] * 5 + ["y"] * 5 + ["rare", None, None]})
    encoder = TableEncoder().fit(table)
    assert encoder.names == ["a = x", "a = y", "a = (other)", "a (empty)"]
    x = encoder.transform(pd.DataFrame({"a": ["rare", "never seen", None, "x"]}))
    np.testing.assert_array_equal(x[0], x[1])
    assert x[2].argmax() == 3 and x[3].argmax() == 0


def test_a_category_never_seen_is_no_category_if_none_is_rare():
    encoder = TableEncoder().fit(pd.DataFrame({"a": ["x", "y"] * 5}))
    x = encoder.transform(pd.DataFrame({"a": ["z", None]}))
    assert np.isfinite(x).all() and (x[0] < 0).all()
    np.testing.assert_array_equal(x[0], x[1])


def test_what_was_fitted_travels_as_json_and_as_a_pickle():
    encoder = TableEncoder().fit(frame())
    expected = encoder.transform(frame(90))
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    np.testing.assert_array_equal(again.transform(frame(90)), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).transform(frame(90)), expected)


def test_rows_of_a_file_are_encoded_as_rows_in_memory(tmp_path):
    encoder = TableEncoder().fit(frame())
    frame().to_csv(tmp_path / "rows.csv", index=False)
    as_text = pd.read_csv(tmp_path / "rows.csv", dtype=str, keep_default_na=False)
    np.testing.assert_allclose(encoder.transform(as_text), encoder.transform(frame()), atol=1e-5)


def test_a_number_far_outside_is_cut_off():
    encoder = TableEncoder().fit(pd.DataFrame({"a": np.arange(30.0) % 7}))
    assert encoder.transform(pd.DataFrame({"a": [1e30]}))[0, 0] == 10.0


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", "", "3"], "number"),
        (["1", "2.5", "unknown", *map(str, range(40))], "number"),
        (["yes", "no", "yes"], "boolean"),
        (["2024-01-02", "2023-12-31", ""], "date"),
        (["31.12.2023", "01.02.2024"], "date"),
        (["3/14/2024 10:30", "4/1/2024 9:00"], "date"),
        (["a", "b", "a"], "category"),
        ([f"a{n}" for n in range(30)], "identifier"),
        ([f"the {n}th of its kind" for n in range(30)], "text"),
        (["x"] * 10, "constant"),
        (["", "NA", "?"], "constant"),
        (["x", "x", ""], "category"),
    ],
)
def test_the_kind_of_a_column_of_text(cells, kind):
    assert infer(pd.DataFrame({"c": cells}))["c"].kind == kind


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("customer_id", np.random.default_rng(0).permutation(1000)[:50], "identifier"),
        ("PassengerId", np.arange(50) * 7 + 100, "identifier"),
        ("Unnamed: 0", np.arange(50), "identifier"),
        ("row", np.arange(1, 51), "identifier"),
        ("anything", np.arange(50), "identifier"),
        ("year", np.arange(1950, 2000), "number"),
        ("price", np.random.default_rng(0).permutation(1000)[:50], "number"),
        ("valid", np.random.default_rng(0).permutation(1000)[:50], "number"),
    ],
)
def test_numbers_that_only_count_rows_are_no_inputs(name, values, kind):
    assert infer(pd.DataFrame({name: values}))[name].kind == kind


def test_days_come_first_where_they_must():
    found = infer(pd.DataFrame({"d": ["03/04/2024", "31/12/2023"]}))["d"]
    assert found.day_first
    assert not infer(pd.DataFrame({"d": ["03/04/2024", "12/31/2023"]}))["d"].day_first


def test_dates_are_circles_and_a_number():
    days = pd.DataFrame({"d": ["2023-01-01", "2024-01-01", "2023-07-02", "2023-01-08"]})
    encoder = TableEncoder().fit(days)
    assert encoder.names == [
        "d",
        "d (sine of year)",
        "d (cosine of year)",
        "d (sine of week)",
        "d (cosine of week)",
    ]
    x = encoder.transform(days)
    np.testing.assert_allclose(x[0, 3:], x[3, 3:], atol=1e-5)  # both are Sundays
    np.testing.assert_allclose(x[0, 2], x[1, 2], atol=0.01)  # both begin a year
    assert (np.abs(x) < 5).all(), "Sunday and Monday have one cosine; its rounding is no signal"


def test_a_table_of_nothing_is_refused():
    with pytest.raises(NothingToLearnError, match="no column of the table is of use: a: constant"):
        TableEncoder().fit(pd.DataFrame({"a": [1, 1, 1]}))


def test_what_is_wrong_with_rows_is_said():
    encoder = TableEncoder().fit(frame())
    with pytest.raises(
        CellError, match=r"no column 'size', which the network was trained with. Received: colour"
    ):
        encoder.transform(frame().drop(columns="size"))
    with pytest.raises(CellError, match="call fit with the training rows first"):
        TableEncoder().transform(frame())
    with pytest.raises(CellError, match="two columns have the name 'a'"):
        TableEncoder().fit(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]))
    with pytest.raises(CellError, match="complex numbers"):
        TableEncoder().fit(pd.DataFrame({"a": [1j, 2j]}))


def test_a_column_description_is_checked():
    assert Column.from_json(Column("category", ("a",), other=True).to_json()) == Column(
        "category", ("a",), other=True
    )
    with pytest.raises(ValueError, match=r"unknown kind of a column 'numbr'. Did you mean 'number'"):
        Column.from_json({"kind": "numbr"})
    with pytest.raises(ValueError, match=r"unknown key of a column 'categorys'"):
        Column.from_json({"kind": "category", "categorys": []})
