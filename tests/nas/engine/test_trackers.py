"""Figures for TensorBoard and MLflow."""

from __future__ import annotations

import gc
import sys
import types

import pytest

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.engine.loop import FailingRunError, RunLoop
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.records.store import Store, sqlite_engine
from gondwana.nas.engine.records.tensorboard_file import EventFile
from gondwana.nas.engine.trackers import MissingTrackerError, UnusableTrackerError, make_trackers
from tests.helpers.engine.driver import job
from tests.helpers.engine.fakes import FakeSearch


def run_with(trackers, tmp_path) -> FakeSearch:
    search = FakeSearch(generations=2, size=3)
    with Store.create(sqlite_engine(tmp_path / "run.sqlite"), "run", name="fake", config={}) as store:
        RunLoop(search, store, LocalPool(), job, trackers).run()
    for tracker in trackers:
        tracker.close(search.finished)
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


def test_the_curve_of_each_new_best_network_has_a_line_of_its_own(tmp_path):
    (tracker,) = make_trackers(True, False, tmp_path, "fake", {}, "run")
    candidates = [Candidate(i, 0, {"seed": i}) for i in range(3)]
    for candidate, fitness in zip(candidates, (0.5, 0.4, 0.6), strict=True):
        curve = tuple({"epoch": e, "val_fitness": fitness * e / 2, "seconds": 1.0 * e} for e in (1, 2))
        tracker.outcome(candidate, Outcome(candidate.id, State.COMPLETED, fitness, curve=curve), None)
    tracker.close(True)
    folders = sorted((tmp_path / "tensorboard" / "curves").iterdir())
    assert [folder.name for folder in folders] == ["candidate-000000", "candidate-000002"]
    points = [(step, value) for step, name, value in read_events(folders[1]) if name == "curve/val_fitness"]
    assert points == [(1, pytest.approx(0.3)), (2, pytest.approx(0.6))]


class MlflowException(Exception):
    """Like mlflow.exceptions.MlflowException."""


@pytest.fixture
def fake_mlflow(monkeypatch):
    """A module that notes what is called; ``broken`` is the number of calls of log_metrics that succeed."""
    calls: list[tuple] = []
    fake = types.ModuleType("mlflow")
    fake.exceptions = types.SimpleNamespace(MlflowException=MlflowException)
    fake.calls, fake.found, fake.broken = calls, [], 1000

    def log_metrics(values, step):
        if sum(call[0] == "metrics" for call in calls) >= fake.broken:
            raise MlflowException("no server")
        calls.append(("metrics", step, values))

    fake.search_runs = lambda **options: fake.found
    fake.start_run = lambda **options: calls.append(("start", options))
    fake.log_params = lambda values: calls.append(("params", values))
    fake.log_metrics = log_metrics
    fake.end_run = lambda status: calls.append(("end", status))
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    return fake


def test_a_run_is_passed_on_to_mlflow(tmp_path, fake_mlflow):
    config = {"seed": 3, "engine": {"workers": 2}}
    run_with(make_trackers(False, True, tmp_path, "fake", config, "id"), tmp_path)
    calls = fake_mlflow.calls
    assert calls[0] == ("start", {"run_name": "fake", "tags": {"gondwana.run": "id"}})
    assert calls[1] == ("params", {"seed": "3", "engine.workers": "2"})
    assert calls[-1] == ("end", "FINISHED")
    assert sum(call[0] == "metrics" and "fitness/candidate" in call[2] for call in calls) == 6


def test_a_resumed_run_goes_on_in_its_mlflow_run(tmp_path, fake_mlflow):
    fake_mlflow.found = [types.SimpleNamespace(info=types.SimpleNamespace(run_id="theirs"))]
    make_trackers(False, True, tmp_path, "fake", {"seed": 4}, "id")[0].close(False)
    assert fake_mlflow.calls == [("start", {"run_id": "theirs"}), ("end", "KILLED")]


def test_a_lost_mlflow_server_does_not_end_the_run(tmp_path, fake_mlflow):
    fake_mlflow.broken = 3
    trackers = make_trackers(False, True, tmp_path, "fake", {}, "id")
    with pytest.warns(UserWarning, match="MLflow is given up, the run goes on without it: no server"):
        search = run_with(trackers, tmp_path)
    assert search.finished
    assert sum(call[0] == "metrics" for call in fake_mlflow.calls) == 3
    assert fake_mlflow.calls[-1] == ("end", "FINISHED")


def test_an_mlflow_server_that_is_lost_at_the_end_does_not_end_the_run(tmp_path, fake_mlflow):
    def end_run(status):
        raise MlflowException("no server")

    fake_mlflow.end_run = end_run
    (tracker,) = make_trackers(False, True, tmp_path, "fake", {}, "id")
    with pytest.warns(UserWarning, match="MLflow is given up, the run goes on without it: no server"):
        tracker.close(True)


def test_a_run_is_passed_on_to_the_real_mlflow(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not tested: pip install mlflow")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    search = run_with(make_trackers(False, True, tmp_path, "fake", {"seed": 3}, "id"), tmp_path)
    again = make_trackers(False, True, tmp_path, "fake", {"seed": 4}, "id")[0]
    again.started(search.progress(), 6, 2)
    again.outcome(search.candidates[0], search.outcomes[0], None)
    again.close(False)
    (found,) = mlflow.search_runs(output_format="list")
    assert found.data.params == {"seed": "3"}
    assert found.info.status == "KILLED"
    history = mlflow.MlflowClient().get_metric_history(found.info.run_id, "fitness/candidate")
    fitness = [search.outcomes[number].fitness for number in range(6)]
    assert [point.value for point in sorted(history, key=lambda point: point.step)] == [*fitness, fitness[0]]


def test_an_mlflow_that_refuses_leaves_no_event_file_open(tmp_path, fake_mlflow, recwarn):
    def refuse(**options):
        raise MlflowException("no server")

    fake_mlflow.search_runs = refuse
    with pytest.raises(UnusableTrackerError, match="MLflow refuses: no server"):
        make_trackers(True, True, tmp_path, "fake", {}, "id")
    gc.collect()
    unclosed = [str(warning.message) for warning in recwarn if issubclass(warning.category, ResourceWarning)]
    assert not [
        message for message in unclosed if str(tmp_path) in message
    ]  # of other tests' files there may be some


def test_a_tracker_that_is_not_installed_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingTrackerError, match="pip install mlflow"):
        make_trackers(False, True, tmp_path, "fake", {}, "run")


def test_the_count_of_failures_goes_on_after_a_resume(tmp_path):
    tracker = make_trackers(True, False, tmp_path, "fake", {}, "run")[0]
    search = FakeSearch(generations=1, size=2, do="raise")
    tracker.started(search.progress(), 40, 7)
    database = sqlite_engine(tmp_path / "run.sqlite")
    made = Store.create(database, "run", name="fake", config={})
    with made as store, pytest.raises(FailingRunError):
        RunLoop(search, store, LocalPool(), job).run()
    for number in range(2):
        tracker.outcome(search.candidates[number], search.outcomes[number], None)
    tracker.close(True)
    failures = [
        (step, value) for step, name, value in read_events(tmp_path / "tensorboard") if name == "failures"
    ]
    assert failures == [(41, 8.0), (42, 9.0)]
