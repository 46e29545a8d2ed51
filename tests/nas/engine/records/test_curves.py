"""Learning curves as tables."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.cli import app
from gondwana.nas.engine.records.curves import COLUMNS, curve_rows
from tests.helpers.runs import comparison_config, spec, write_run


def point(epoch: int, **figures: float) -> dict[str, float]:
    return {"epoch": epoch, "train_loss": 1 / epoch, "seconds": 0.5 * epoch, **figures}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    candidates = [Candidate(i, 0, spec("relu(x)", "autoinit", i)) for i in range(3)]
    outcomes = [
        Outcome(0, State.COMPLETED, 0.9, curve=(point(1, val_fitness=0.7), point(2, val_fitness=0.9))),
        Outcome(1, State.DUPLICATE, 0.9, reason="equal", duplicate_of=0),
        Outcome(2, State.DIVERGED, 0.1, reason="nan", curve=(point(1),)),
    ]
    return write_run(tmp_path / "run", comparison_config(True), candidates, outcomes)


def test_each_epoch_of_each_training_is_a_row(run):
    rows = list(curve_rows(run))
    assert [(row["candidate"], row["epoch"], row["val_fitness"]) for row in rows] == [
        (0, 1, 0.7),
        (0, 2, 0.9),
        (2, 1, None),
    ]
    assert all(tuple(row) == COLUMNS for row in rows)
    assert rows[2]["state"] == "diverged"


def test_the_command_writes_the_format_of_the_ending(run, tmp_path):
    for name in ("curves.csv", "curves.json", "curves.jsonl", "curves.tex"):
        result = CliRunner().invoke(app, ["export", str(run), "--curves", str(tmp_path / name)])
        assert result.exit_code == 0, result.output
        assert result.output == ""
    with (tmp_path / "curves.csv").open(encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    assert [row["val_fitness"] for row in table] == ["0.7", "0.9", ""]
    assert json.loads((tmp_path / "curves.json").read_text(encoding="utf-8")) == list(curve_rows(run))
    assert len((tmp_path / "curves.jsonl").read_text(encoding="utf-8").splitlines()) == len(table)
    assert "\\toprule" in (tmp_path / "curves.tex").read_text(encoding="utf-8")
    both = ["export", str(run), "--curves", str(tmp_path / "c.csv"), "--out", str(tmp_path / "o.csv")]
    assert CliRunner().invoke(app, both).exit_code == 0
    assert len((tmp_path / "o.csv").read_text(encoding="utf-8").splitlines()) == 4
