"""``gondwana new`` and ``gondwana check``, as a user with a table runs them."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from gondwana.nas.cli import app
from gondwana.nas.config.schema import load_config

RUNNER = CliRunner()


@pytest.fixture
def table(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    rows = ["survived,sex,age,note: really?\n"]
    for _ in range(80):
        sex = rng.choice(["female", "male"])
        age = "" if rng.random() < 0.2 else int(rng.integers(1, 80))
        rows.append(f"{rng.choice(['yes', 'no'])},{sex},{age},{rng.choice(['a', 'b'])}\n")
    path = tmp_path / "my trips: 1.csv"
    path.write_text("".join(rows), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return path


def test_a_config_is_written_that_says_what_was_inferred(table, tmp_path):
    result = RUNNER.invoke(app, ["new", "--data", str(table), "--target", "survived", "--out", "trips.yaml"])
    assert result.exit_code == 0, result.output
    assert "age: number, with empty cells" in result.output
    text = (tmp_path / "trips.yaml").read_text(encoding="utf-8")
    assert "#   sex: category (2: female, male)" in text
    config = load_config(tmp_path / "trips.yaml")
    assert config.task.options == {"path": str(table), "target": "survived"}
    assert yaml.safe_load(text)["finalists"] == {"count": 3, "seeds": 3}


def test_names_come_from_the_file_and_the_metric_from_the_command(table):
    result = RUNNER.invoke(app, ["new", "--data", str(table), "--target", "survived", "--metric", "roc_auc"])
    assert result.exit_code == 0, result.output
    config = load_config("my trips: 1.yaml")
    assert config.name == "my-trips--1"
    assert config.task.options["metric"] == "roc_auc"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "survivd"], "survivd"),
        (["--target", "survived", "--metric", "mae"], "not defined"),
        (["--target", "survived", "--out", "here.txt"], ".yaml"),
        (["--target", "survived", "--out", "there.yaml"], "exists already"),
    ],
)
def test_what_cannot_be_written_is_refused_in_one_line(table, tmp_path, options, message):
    (tmp_path / "there.yaml").write_text("precious", encoding="utf-8")
    result = RUNNER.invoke(app, ["new", "--data", str(table), *options])
    assert isinstance(result.exception, ValueError)
    assert message in str(result.exception)
    assert (tmp_path / "there.yaml").read_text(encoding="utf-8") == "precious"
    assert not list(tmp_path.glob("my*.yaml"))


def test_check_shows_data_candidates_and_time_and_writes_nothing(table, tmp_path):
    RUNNER.invoke(app, ["new", "--data", str(table), "--target", "survived", "--out", "trips.yaml"])
    before = sorted(tmp_path.iterdir())
    result = RUNNER.invoke(app, ["check", "trips.yaml", "--set", "engine.pool=local"])
    assert result.exit_code == 0, result.output
    assert "48 training, 16 validation" in result.output
    assert "candidates  32" in result.output
    assert result.output.count("parameters in") == 3
    assert "with 1 worker; " in result.output
    assert sorted(tmp_path.iterdir()) == before


def test_check_refuses_what_a_run_would_refuse(table):
    RUNNER.invoke(app, ["new", "--data", str(table), "--target", "survived", "--out", "trips.yaml"])
    result = RUNNER.invoke(app, ["check", "trips.yaml", "--set", "training.epochs=0"])
    assert isinstance(result.exception, ValueError)
    assert "epochs" in str(result.exception)
