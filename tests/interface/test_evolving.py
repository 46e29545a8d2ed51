"""Searches from Python: data in memory, budgets, resuming, interruptions."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import pytest

import gondwana
from gondwana import tasks
from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.schema import parse_config
from gondwana.nas.engine.budget import read_budget
from gondwana.tasks import registry
from gondwana.tasks.splits import classification_head
from tests.helpers import ROOT

pytestmark = [
    pytest.mark.slow,
]


def test_a_table_in_memory_becomes_a_network_that_predicts(tiny, table, tmp_path, capsys):
    run = gondwana.evolve(tiny, data=table, run_dir=tmp_path / "run")
    assert run.finished and len(run.finalists) == 1
    assert run.classes == ["in", "out"]
    predicted = run.predict(table[0])
    assert set(predicted) <= {"in", "out"} and len(predicted) == 120
    np.testing.assert_allclose(run.predict_proba(table[0]).sum(axis=1), 1, atol=1e-5)
    told = capsys.readouterr().out
    assert "colour: category (3: blue, green, red), with empty cells" in told and "run folder" in told


def test_rows_of_a_file_are_predicted_like_those_in_memory(tiny, table, tmp_path):
    run = gondwana.evolve(tiny, data=table, run_dir=tmp_path / "run", progress=False)
    table[0].to_csv(tmp_path / "rows.csv", index=False)
    assert list(run.predict(tmp_path / "rows.csv")) == list(run.predict(table[0]))


def test_a_moved_run_of_data_in_memory_is_still_complete(tiny, table, tmp_path):
    run = gondwana.evolve({**tiny, "finalists": 0}, data=table, run_dir=tmp_path / "run", progress=False)
    run.path.rename(tmp_path / "moved")
    again = gondwana.resume(tmp_path / "moved", progress=False)
    assert again.finished and len(again.to_frame()) == 2


def test_splits_of_ones_own_are_kept(tiny, table, tmp_path):
    x, y = table
    parts = [(x[:60], y[:60]), (x[60:90], y[60:90]), (x[90:], y[90:])]
    flat = [item for part in parts for item in part]
    run = gondwana.evolve(tiny, data=flat, run_dir=tmp_path / "three", progress=False)
    assert run.finalists[0].test is not None
    run = gondwana.evolve(tiny, data=flat[:4], run_dir=tmp_path / "two", progress=False)
    assert run.finalists[0].test is None and run.finalists[0].fitness is not None
    with np.load(tmp_path / "two" / "data.npz") as file:
        assert len(file["x_train"]) == 60 and len(file["x_validation"]) == 30 and "x_test" not in file.files


def test_a_number_is_predicted_on_its_own_scale(tiny, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = 450_000 + 1000 * x[:, 0]
    run = gondwana.evolve(
        {**tiny, "training": {"epochs": 30, "learning_rate": 0.02}},
        data=(x, y),
        run_dir=tmp_path / "run",
        progress=False,
    )
    assert np.abs(run.predict(x) - y).mean() < 500
    with pytest.raises(ValueError, match="predicts a number, not a class"):
        run.predict_proba(x)


def test_what_is_left_out_of_a_config_follows_from_the_data(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (40, 6, 6)).astype(np.uint8)
    labels = np.arange(40) % 2
    config = {"generations": 1, "engine": {"pool": "local"}, "training": {"epochs": 1}}
    run = gondwana.evolve(config, data=(images, labels), run_dir=tmp_path / "run", progress=False)
    assert "Conv2D" in run.config["search"]["space"]["layers"]
    assert run.predict(images[:3]).shape == (3,) and run.classes == [0, 1]


def test_configs_of_all_forms_mean_the_same(tiny, tmp_path):
    import yaml

    whole = {**tiny, "task": {"name": "digits"}, "training": {"epochs": 1}, "finalists": 0}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
    fitness = []
    for number, config in enumerate((whole, str(tmp_path / "tiny.yaml"), parse_config(whole, source="test"))):
        run = gondwana.evolve(config, run_dir=tmp_path / str(number), progress=False)
        fitness.append(list(run.to_frame()["fitness"]))
    assert fitness[0] == fitness[1] == fitness[2]


@pytest.mark.parametrize(
    ("config", "data", "message"),
    [
        ("digist", None, "neither a file nor a preset"),
        (3, None, "config is the name of a preset, a path, a mapping or a RunConfig. Received: int"),
        ({"task": {"name": "digits"}}, None, "search"),
        ({}, 3, r"data must be \(x, y\).*Received: int"),
        ({}, (1, 2, 3), "Received: 3 parts"),
        ({}, (np.zeros((10, 2)), np.zeros(9)), "as many rows. Received: 10 and 9"),
        ({}, (np.zeros((10, 2)), np.arange(10) % 2), "all training rows are equal"),
        ({}, (np.ones((20, 2)) * np.inf, np.arange(20) % 2), "column '0', row 0: an infinite number"),
        ({}, (np.random.default_rng(0).normal(size=(20, 2)), ["a"] * 20), "nothing to tell apart"),
        ({}, (np.random.default_rng(0).normal(size=(20, 2)), [None, *"ab" * 9, "a"]), "empty in 1 of"),
    ],
)
def test_what_cannot_be_run_is_refused_and_leaves_no_folder(config, data, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        gondwana.evolve(config, data=data, run_dir=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_wrong_budget_is_refused(tiny):
    for wrong in ("soon", -1, 0):
        with pytest.raises(ConfigError, match="time_budget"):
            gondwana.evolve({**tiny, "task": {"name": "digits"}}, time_budget=wrong, progress=False)


def test_a_budget_ends_the_search_and_a_resumed_run_ends_at_the_same_place(tiny, table, tmp_path):
    begin = time.monotonic()
    config = {**tiny, "generations": 1000, "finalists": 1}
    run = gondwana.evolve(config, data=table, run_dir=tmp_path / "run", time_budget="8s", progress=False)
    assert time.monotonic() - begin < 60
    noted = read_budget(run.path)
    frame = run.to_frame()
    assert run.finished and noted is not None and noted["ended_after"] == len(frame) < 2000
    best = frame[frame["state"] == "completed"].sort_values(["fitness", "candidate"], ascending=[False, True])
    assert run.finalists[0].candidate == best["candidate"].iloc[0]
    _reopen(run.path)
    (run.path / "best.keras").unlink()
    again = gondwana.resume(run.path, progress=False)
    assert again.finalists[0].candidate == run.finalists[0].candidate
    assert again.finalists[0].fitness == run.finalists[0].fitness
    pd.testing.assert_frame_equal(again.to_frame(), frame)


def _reopen(path):
    """Take back the end of a run: as if its driver had been killed before the finalists were trained."""
    import sqlite3

    with sqlite3.connect(path / "run.sqlite") as database:
        database.execute("UPDATE runs SET finished = NULL")
        database.execute("DELETE FROM finals")


@dataclass(frozen=True)
class Parity(tasks.Task):
    """Not registered by anybody."""

    bits: int = 5

    @property
    def info(self):
        return tasks.TaskInfo("parity-here", (self.bits,), (classification_head(2),), options=asdict(self))

    def search_data(self, data_dir=None):
        return tasks.SearchData(self._split(0), self._split(1))

    def test_data(self, data_dir=None):
        return self._split(2)

    def _split(self, seed):
        x = np.random.default_rng(seed).normal(size=(40, self.bits)).astype(np.float32)
        return tasks.Split(x, (x.sum(axis=1) > 0).astype(np.int32))


def test_a_task_can_be_given_as_an_object(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_TASKS", dict(registry._TASKS))
    run = gondwana.evolve(tiny, data=Parity(bits=4), run_dir=tmp_path / "run", progress=False)
    assert run.finished and run.config["task"] == {"name": "parity-here", "options": {"bits": 4}}
    assert set(run.predict(np.zeros((3, 4), np.float32))) <= {0, 1}


PROGRAM = """
import sys
from dataclasses import asdict, dataclass

import numpy as np

import gondwana
from gondwana import tasks
from gondwana.tasks.splits import classification_head


@tasks.register("mine")
@dataclass(frozen=True)
class Mine(tasks.Task):
    bits: int = 4

    @property
    def info(self):
        return tasks.TaskInfo("mine", (self.bits,), (classification_head(2),), options=asdict(self))

    def search_data(self, data_dir=None):
        return tasks.SearchData(self._split(0), self._split(1))

    def test_data(self, data_dir=None):
        return self._split(2)

    def _split(self, seed):
        x = np.random.default_rng(seed).normal(size=(40, self.bits)).astype(np.float32)
        return tasks.Split(x, (x.sum(axis=1) > 0).astype(np.int32))


search = {
    "kind": "codeepneat", "population": {"blueprints": 2, "modules": 2}, "evaluations": 1,
    "species": {"blueprints": 1, "modules": 1},
    "space": {"layers": ["Add", "Dense"], "genes": {"activation": ["relu"], "units": {"low": 8, "high": 16}}},
}
config = {"name": "mine", "training": {"epochs": int(sys.argv[2])}, "generations": int(sys.argv[3]),
          "search": search, "engine": {"workers": 1}}
print(gondwana.evolve(config, data=Mine(), run_dir=sys.argv[1]))
"""


def test_a_task_that_a_program_defines_is_known_to_ray_workers(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "run"), "2", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(gondwana.load_run(tmp_path / "run").to_frame()["state"]) == {"completed"}


def test_an_interrupted_run_ends_cleanly_leaves_no_process_and_can_be_resumed(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "run"), "2", "500"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        _wait_for_outcomes(tmp_path / "run", process)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=90)
        assert process.returncode == 0, out + error
    assert "stopped; continue with gondwana.resume(" in out and "Traceback" not in error
    assert "stopped, can be resumed" in out
    assert not _processes_of_session(process.pid)
    assert not gondwana.load_run(tmp_path / "run").finished


def _wait_for_outcomes(path, process):
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        if (path / "log.jsonl").exists() and '"outcome"' in (path / "log.jsonl").read_text(encoding="utf-8"):
            return
        time.sleep(0.2)
    raise AssertionError("no outcome")


def _processes_of_session(session):
    listing = subprocess.run(
        ["ps", "-o", "pid=", "-s", str(session)], capture_output=True, text=True, check=False
    )
    return listing.stdout.split()
