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


def test_the_best_network_is_exported_with_its_card(run, tmp_path):
    done = call("best", run, "--export", "keras", "--plain", "--out", tmp_path / "network.keras")
    assert done.exit_code == 0, done.output
    assert "answers within" in done.output and "age: float64, a number, NaN" in done.output
    assert "--plain" not in done.output
    assert "keras.models.load_model" in (tmp_path / "network.keras.card.md").read_text(encoding="utf-8")
    rows = mixed_table()
    found = gondwana.load_predictor(tmp_path / "network.keras").predict_proba(rows)
    np.testing.assert_allclose(found, gondwana.load_run(run).predict_proba(rows), rtol=0, atol=1e-5)


def test_a_card_is_written_without_an_export(run):
    done = call("best", run, "--card")
    assert done.exit_code == 0 and done.output.split() == ["card", str(run / "card.md")]


def test_options_that_would_do_nothing_are_refused(run):
    assert call("best", run, "--plain").exit_code == 2
    with pytest.raises(ValueError, match=r"written to a file that ends with \.tflite"):
        CliRunner().invoke(
            app, ["best", str(run), "--export", "tflite", "--out", "x.h5"], catch_exceptions=False
        )
