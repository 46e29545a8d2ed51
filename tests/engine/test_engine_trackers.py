"""Figures for TensorBoard and MLflow."""

from __future__ import annotations

import sys
import types

import pytest
from engine_driver import job
from engine_fakes import FakeSearch

from nas.engine.event_file import EventFile
from nas.engine.local_pool import LocalPool
from nas.engine.loop import RunLoop
from nas.engine.store import Store, sqlite_engine
from nas.engine.trackers import MissingTrackerError, make_trackers


def run_with(trackers, tmp_path) -> FakeSearch:
    search = FakeSearch(generations=2, size=3)
    with Store.create(sqlite_engine(tmp_path / "run.sqlite"), "run", name="fake", config={}) as store:
        RunLoop(search, store, LocalPool(), job, trackers).run()
    for tracker in trackers:
        tracker.close()
    return search


def read_events(folder) -> list[tuple[int, str, float]]:
    """Read event files with TensorFlow's own reader, which checks the checksums."""
    import tensorflow as tf

    points = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            points += [(event.step, value.tag, value.simple_value) for value in event.summary.value]
    return points


def test_event_files_are_what_tensorboard_reads(tmp_path):
    file = EventFile(tmp_path)
    file.scalars(1, {"a": 0.5, "b/c": -1.0})
    file.scalars(300_000, {"a": 1e-3})
    file.close()
    points = read_events(tmp_path)
    assert [(step, name) for step, name, _ in points] == [(1, "a"), (1, "b/c"), (300_000, "a")]
    assert [value for _, _, value in points] == pytest.approx([0.5, -1.0, 1e-3])


def test_a_run_is_passed_on_to_tensorboard(tmp_path):
    trackers = make_trackers(True, False, tmp_path, "fake", {}, "run")
    search = run_with(trackers, tmp_path)
    points = read_events(tmp_path / "tensorboard")
    fitness = [value for _, name, value in points if name == "fitness/candidate"]
    assert fitness == pytest.approx([search.outcomes[number].fitness for number in range(6)])
    best = [(step, value) for step, name, value in points if name == "fitness/best"]
    assert best[-1] == (6, pytest.approx(max(fitness)))
    assert {name for _, name, _ in points} >= {"failures", "seconds/trained", "resources/parameters"}


def test_a_run_is_passed_on_to_mlflow(tmp_path, monkeypatch):
    calls: list[tuple] = []
    fake = types.ModuleType("mlflow")
    fake.start_run = lambda **options: calls.append(("start", options))
    fake.log_params = lambda values: calls.append(("params", values))
    fake.log_metrics = lambda values, step: calls.append(("metrics", step, values))
    fake.end_run = lambda: calls.append(("end",))
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    config = {"seed": 3, "engine": {"workers": 2}}
    run_with(make_trackers(False, True, tmp_path, "fake", config, "id"), tmp_path)
    assert calls[0] == ("start", {"run_name": "fake", "tags": {"gondwana.run": "id"}})
    assert calls[1] == ("params", {"seed": "3", "engine.workers": "2"})
    assert calls[-1] == ("end",)
    assert sum(call[0] == "metrics" and "fitness/candidate" in call[2] for call in calls) == 6


def test_a_tracker_that_is_not_installed_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingTrackerError, match="pip install mlflow"):
        make_trackers(False, True, tmp_path, "fake", {}, "run")


def test_the_count_of_failures_goes_on_after_a_resume(tmp_path):
    tracker = make_trackers(True, False, tmp_path, "fake", {}, "run")[0]
    search = FakeSearch(generations=1, size=2, do="raise")
    tracker.started(search.progress(), 40, 7)
    with Store.create(sqlite_engine(tmp_path / "run.sqlite"), "run", name="fake", config={}) as store:
        RunLoop(search, store, LocalPool(), job).run()
    for number in range(2):
        tracker.outcome(search.candidates[number], search.outcomes[number], None)
    tracker.close()
    failures = [
        (step, value) for step, name, value in read_events(tmp_path / "tensorboard") if name == "failures"
    ]
    assert failures == [(41, 8.0), (42, 9.0)]
