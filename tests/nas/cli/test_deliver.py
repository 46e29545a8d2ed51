"""Commands on the result of a run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import gondwana
from gondwana.nas.cli import app
from tests.helpers.delivered import delivered, mixed_table


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return delivered(
        tmp_path_factory.mktemp("runs") / "run", mixed_table(), np.where(np.arange(120) % 3 == 0, "a", "b")
    )


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    values = 400_000 + 1e4 * mixed_table()["age"].fillna(40).to_numpy()
    return delivered(tmp_path_factory.mktemp("runs") / "prices", mixed_table(), values)


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_rows_of_a_file_are_predicted(run, tmp_path):
    mixed_table().assign(number=range(120), y="a").to_csv(tmp_path / "rows.csv", index=False)
    done = call("predict", run, tmp_path / "rows.csv", "--out", tmp_path / "found.csv", "--keep", "number")
    assert done.exit_code == 0 and "120 predictions written" in done.output
    found = pd.read_csv(tmp_path / "found.csv")
    assert list(found.columns) == ["number", "prediction", "probability a", "probability b"]
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert list(found["prediction"]) == list(gondwana.load_run(run).predict(rows))
    printed = call("predict", run, tmp_path / "rows.csv", "--keep", "number")
    assert printed.output == (tmp_path / "found.csv").read_text()


def test_a_number_is_predicted_in_its_own_units(prices, tmp_path):
    mixed_table().to_csv(tmp_path / "rows.csv", index=False)
    assert call("predict", prices, tmp_path / "rows.csv", "--out", tmp_path / "found.json").exit_code == 0
    found = pd.read_json(tmp_path / "found.json")
    assert list(found.columns) == ["prediction"] and found["prediction"].between(3e5, 1.5e6).all()
    np.testing.assert_allclose(found["prediction"], gondwana.load_run(prices).predict(tmp_path / "rows.csv"))
    with pytest.raises(ValueError, match="a number, not a class"):
        gondwana.load_run(prices).predict_proba(tmp_path / "rows.csv")


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda table: table.drop(columns="age"), (), "lacks the column 'age'"),
        (lambda table: table.assign(extra=1), (), "unknown column 'extra'"),
        (lambda table: table, ("--keep", "extra"), "--keep: unknown column 'extra'"),
        (lambda table: table.assign(age=np.inf), (), "column 'age', row 0: an infinite number"),
        (lambda table: table, ("--out", "found.doc"), r"\.csv, \.parquet"),
        (lambda table: table, ("--out", "absent/found.csv"), "there is no folder absent"),
    ],
)
def test_mistakes_are_one_line(run, tmp_path, change, options, words):
    change(mixed_table()).to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(ValueError, match=words):
        CliRunner().invoke(
            app, ["predict", str(run), str(tmp_path / "rows.csv"), *options], catch_exceptions=False
        )
