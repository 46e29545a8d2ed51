"""A person's own data at the command line: it works, or one line says what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import gondwana

pytestmark = pytest.mark.slow

SEARCH = {
    "kind": "codeepneat",
    "population": {"blueprints": 2, "modules": 2},
    "evaluations": 1,
    "species": {"blueprints": 1, "modules": 1},
    "space": {
        "layers": ["Add", "Dense"],
        "genes": {"activation": ["relu"], "units": {"low": 8, "high": 16}},
    },
}
TRIPS = """survived,sex,age,fare,deck,town
yes,female,29,211.3,B,Cherbourg
no,male,,7.9,,Queenstown
no,male,22,7.25,,unknown
yes,female,38,71.3,C,Cherbourg
yes,female,26,7.9,,Southampton
no,male,35,8.05,E,
no,male,54,51.9,E,Southampton
yes,male,2,21.1,,Southampton
yes,female,27,11.1,,Cherbourg
no,female,14,30.1,,Queenstown
"""


def evolve(folder: Path, task: dict, *options: str, **changes) -> subprocess.CompletedProcess[str]:
    config = {
        "task": task,
        "training": {"epochs": 2, "batch_size": 16},
        "search": SEARCH,
        "engine": {"pool": "local"},
        **changes,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "gondwana",
        "evolve",
        "config.yaml",
        "--run-dir",
        "run",
        "--data-dir",
        ".",
    ]
    return subprocess.run(
        [*command, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], code: int) -> str:
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr.startswith("gondwana: ") and len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_ten_rows_with_nothing_declared(tmp_path):
    (tmp_path / "trips.csv").write_text(TRIPS, encoding="utf-8")
    done = evolve(tmp_path, {"name": "table", "options": {"path": "trips.csv", "target": "survived"}})
    assert done.returncode == 0, done.stderr
    assert "target survived: class (2: no, yes)" in done.stdout
    assert "age: number, with empty cells" in done.stdout
    recorded = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text(encoding="utf-8"))
    assert recorded["task"]["options"]["schema"]["sex"] == {
        "kind": "category",
        "categories": ["female", "male"],
    }
    run = gondwana.load_run(tmp_path / "run")
    assert set(run.predict(tmp_path / "trips.csv")) <= {"yes", "no"}


def test_an_array_file(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    np.savez(tmp_path / "signals.npz", x=x, y=x[:, 0] > 0)
    done = evolve(tmp_path, {"name": "arrays", "options": {"path": "signals.npz"}})
    assert done.returncode == 0, done.stderr
    predicted = gondwana.load_run(tmp_path / "run").predict(x)
    assert predicted.dtype == bool and len(predicted) == 60


def test_a_time_budget_ends_a_run(tmp_path):
    (tmp_path / "trips.csv").write_text(TRIPS, encoding="utf-8")
    task = {"name": "table", "options": {"path": "trips.csv", "target": "survived"}}
    done = evolve(tmp_path, task, "--time-budget", "3s", generations=500)
    assert done.returncode == 0, done.stderr
    noted = json.loads((tmp_path / "run" / "budget.json").read_text(encoding="utf-8"))
    assert noted["seconds"] == 3.0 and 0 < noted["ended_after"] < 1000
    assert "finalist 1" in done.stdout
    shown = subprocess.run(
        [sys.executable, "-m", "gondwana", "show", "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"of 3 s; it ended the search after {noted['ended_after']} outcomes" in shown.stdout
    for wrong in ("soon", "0", "-3"):
        done = evolve(tmp_path, task, f"--time-budget={wrong}")
        assert "time_budget" in refused(done, 2)


WRONG_TASK = """
from dataclasses import asdict, dataclass

import numpy as np

from gondwana import tasks
from gondwana.tasks.splits import classification_head


@tasks.register("wrong")
@dataclass(frozen=True)
class Wrong(tasks.Task):
    what: str = ""

    @property
    def info(self):
        return tasks.TaskInfo("wrong", (3,), (classification_head(2),), options=asdict(self))

    def search_data(self, data_dir=None):
        return tasks.SearchData(self._split(0), self._split(1))

    def test_data(self, data_dir=None):
        return self._split(2)

    def _split(self, seed):
        x = np.random.default_rng(seed).normal(size=(12, 3)).astype(np.float32)
        y = np.arange(12, dtype=np.int32) % 2
        if self.what == "nan":
            x[3, 1] = np.nan
        if self.what == "label":
            y[5] = 7
        if self.what == "empty":
            x, y = x[:0], y[:0]
        if self.what == "shape":
            x = x[:, :2]
        if self.what == "one class":
            y[:] = 1
        if self.what == "same":
            x[:] = 1
            x[0] = 2
        return tasks.Split(x, y)
"""


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nan", "training split: x holds 1 numbers that are not finite, the first in row 3: nan"),
        ("label", "labels from 0 to 1. Received: 7 in row 5"),
        ("empty", "training split: it has no rows"),
        ("shape", "x must have the shape (rows, 3)"),
        ("one class", "all training rows have the class 1"),
    ],
)
def test_wrong_data_end_before_anything_is_trained(what, message, tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG_TASK, encoding="utf-8")
    done = evolve(tmp_path, {"file": "wrong.py", "options": {"what": what}})
    assert message in refused(done, 2)
    assert not (tmp_path / "run").exists()


def test_what_is_suspicious_is_shown_and_logged(tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG_TASK, encoding="utf-8")
    done = evolve(tmp_path, {"file": "wrong.py", "options": {"what": "same"}})
    assert done.returncode == 0, done.stderr
    assert "warning: 12 of 12 validation rows are also in training" in done.stdout
    log = (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8")
    assert any('"event": "data"' in line and "also in training" in line for line in log.splitlines())


def test_a_run_whose_candidates_all_fail_says_so_and_ends_with_1(tmp_path):
    (tmp_path / "trips.csv").write_text(TRIPS, encoding="utf-8")
    task = {"name": "table", "options": {"path": "trips.csv", "target": "survived"}}
    done = evolve(tmp_path, task, limits={"max_parameters": 1}, generations=3)
    line = refused(done, 1)
    assert "all 2 candidates of the first generation failed" in line
    assert "1 x invalid" in line and "limits.max_parameters is 1" in line
