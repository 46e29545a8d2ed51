"""Runs from config to result, with a real search and workers that only pretend to train."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gondwana.nas.candidate import State
from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.schema import RunConfig, load_config
from gondwana.nas.engine.execute import Execution, build_search, resume, start
from gondwana.nas.engine.loop import ReplayError, Stop
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.pools.protocol import UnusablePoolError
from gondwana.nas.engine.records.export import rows
from gondwana.nas.engine.records.run_folder import RunFolder, RunFolderError
from gondwana.nas.evaluation.evaluate import Report
from gondwana.nas.randomness import stream

ROOT = Path(__file__).resolve().parents[3]


def pretend(spec, data) -> Report:
    """Score by seed."""
    fitness = float(stream(spec["seed"], "pretended").random())
    return Report(State.COMPLETED, fitness=fitness, parameters=1, seconds={"trained": 0.1})


class Pool(LocalPool):
    """Local, without a framework."""

    def devices(self):
        return ["cpu"]


def execution(**changes) -> Execution:
    made = Execution(
        open_pool=lambda engine: Pool(capacity=2), work=pretend, load_data=lambda task, folder: "data"
    )
    return replace(made, **changes)


@pytest.fixture
def config() -> RunConfig:
    return load_config(ROOT / "configs" / "digits.yaml", ["generations=3", "finalists=0"])


def snapshots(path: Path):
    with RunFolder.open(path).open_store(read_only=True) as store:
        return store.snapshots(), [item.candidate for item in store.candidates()]


def test_a_run_leaves_all_that_is_needed_to_understand_it(config, tmp_path):
    result = start(config, tmp_path / "run", execution())
    assert result.finished
    assert sum(result.states.values()) == build_search(config).progress().total
    assert load_config(tmp_path / "run" / "config.yaml") == config
    facts = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert facts["seed"] == config.seed
    assert facts["devices"] == ["cpu"]
    assert facts["packages"]["keras"]
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert events[0]["event"] == "started"
    assert events[-1]["event"] == "finished"
    assert {event["run"] for event in events} == {RunFolder.open(tmp_path / "run").run_id}
    outcomes = [event for event in events if event["event"] == "outcome"]
    assert sorted(event["candidate"] for event in outcomes) == list(range(len(outcomes)))


def test_a_finished_run_is_only_read(config, tmp_path):
    first = start(config, tmp_path / "run", execution())

    def refuse(*arguments):
        raise AssertionError("a finished run needs no workers and no data")

    again = resume(tmp_path / "run", execution(open_pool=refuse, load_data=refuse))
    assert again == first


def test_a_stopped_run_resumes_to_the_same_population(config, tmp_path):
    start(config, tmp_path / "whole", execution())
    stop = Stop()

    class Stopping(Pool):
        results = 0

        def wait(self, timeout=None):
            self.results += 1
            stop.requested = self.results >= 11
            return super().wait(timeout)

    stopped = start(
        config, tmp_path / "run", execution(stop=stop, open_pool=lambda engine: Stopping(capacity=2))
    )
    assert not stopped.finished
    assert 11 <= sum(stopped.states.values()) < 20
    assert resume(tmp_path / "run", execution()).finished
    assert snapshots(tmp_path / "run") == snapshots(tmp_path / "whole")
    facts = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert len(facts["resumed"]) == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"open_pool": lambda engine: (_ for _ in ()).throw(UnusablePoolError("no cluster"))},
            UnusablePoolError,
        ),
        ({"load_data": lambda task, folder: (_ for _ in ()).throw(ValueError("no data"))}, ValueError),
    ],
)
def test_a_run_that_is_refused_leaves_no_folder(config, tmp_path, changes, error):
    with pytest.raises(error, match=r"no cluster|no data"):
        start(config, tmp_path / "run", execution(**changes))
    assert not (tmp_path / "run").exists()


def test_unknown_tasks_are_refused_before_anything_else(config, tmp_path):
    wrong = config.model_copy(update={"task": config.task.model_copy(update={"name": "digit"})})
    with pytest.raises(ValueError, match="digit"):
        start(wrong, tmp_path / "run", execution())
    assert not (tmp_path / "run").exists()


def test_a_run_folder_is_not_used_twice(config, tmp_path):
    start(config, tmp_path / "run", execution())
    with pytest.raises(RunFolderError, match="holds a run already"):
        start(config, tmp_path / "run", execution())


def test_only_the_engine_can_be_changed_on_resume(config, tmp_path):
    stop = Stop(requested=True)
    start(config, tmp_path / "run", execution(stop=stop))
    with pytest.raises(ConfigError, match=r"only engine\.\* can be changed"):
        resume(tmp_path / "run", execution(), ["seed=4"])
    seen = []

    def open_pool(engine):
        seen.append(engine.workers)
        return Pool()

    assert resume(tmp_path / "run", execution(open_pool=open_pool), ["engine.workers=7"]).finished
    assert seen == [7]


def test_a_run_of_another_config_is_not_continued(config, tmp_path):
    stop = Stop()

    class Stopping(Pool):
        def wait(self, timeout=None):
            stop.requested = True
            return super().wait(timeout)

    start(config, tmp_path / "run", execution(stop=stop, open_pool=lambda engine: Stopping()))
    with RunFolder.open(tmp_path / "run").open_store() as store, store._engine.begin() as connection:
        connection.exec_driver_sql("""UPDATE runs SET config = replace(config, '"seed":0', '"seed":1')""")
    with pytest.raises(ReplayError, match="the code or the config is not the one"):
        resume(tmp_path / "run", execution())


def test_a_run_can_live_in_postgresql(config, tmp_path, postgres):
    config = config.model_copy(update={"store": postgres})
    start(config, tmp_path / "whole", execution())
    stop = Stop()

    class Stopping(Pool):
        def wait(self, timeout=None):
            stop.requested = len(self._jobs) < 3
            return super().wait(timeout)

    stopped = start(
        config, tmp_path / "run", execution(stop=stop, open_pool=lambda engine: Stopping(capacity=2))
    )
    assert not (tmp_path / "run" / "run.sqlite").exists()
    if not stopped.finished:
        assert resume(tmp_path / "run", execution()).finished
    assert snapshots(tmp_path / "run") == snapshots(tmp_path / "whole")
    assert main_rows(tmp_path / "run") == main_rows(tmp_path / "whole")


def main_rows(path: Path) -> list[tuple]:
    return [(row["candidate"], row["state"], row["fitness"], row["seed"]) for row in rows(path)]


def test_a_tracker_that_is_missing_is_refused_before_the_run_begins(config, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    engine = config.engine.model_copy(update={"mlflow": True})
    with pytest.raises(ValueError, match="pip install mlflow"):
        start(config.model_copy(update={"engine": engine}), tmp_path / "run", execution())
    assert not (tmp_path / "run").exists()


def test_a_tracker_that_is_missing_is_refused_when_a_run_is_resumed(config, tmp_path, monkeypatch):
    start(config, tmp_path / "run", execution(stop=Stop(requested=True)))
    monkeypatch.setitem(sys.modules, "mlflow", None)

    def refuse(*arguments):
        raise AssertionError("neither data nor workers are needed to see that")

    with pytest.raises(ValueError, match="pip install mlflow"):
        resume(tmp_path / "run", execution(open_pool=refuse, load_data=refuse), ["engine.mlflow=true"])


def test_the_data_folder_of_a_resume_is_kept_for_later_commands(config, tmp_path):
    start(config, tmp_path / "run", execution(stop=Stop(requested=True), data_dir=tmp_path / "old"))
    assert RunFolder.open(tmp_path / "run").data_dir == tmp_path / "old"
    seen = []

    def load(task, folder):
        seen.append(folder)
        return "data"

    stopped = execution(stop=Stop(requested=True), load_data=load)
    resume(tmp_path / "run", replace(stopped, data_dir=tmp_path / "new"))
    assert RunFolder.open(tmp_path / "run").data_dir == tmp_path / "new"
    resume(tmp_path / "run", replace(stopped, stop=Stop(requested=True)))
    assert seen == [tmp_path / "new", tmp_path / "new"]


def test_a_refused_run_leaves_no_record_in_a_shared_database(config, tmp_path, postgres):
    import sqlalchemy as sa

    def open_pool(engine):
        raise UnusablePoolError("no cluster")

    def recorded() -> set[str]:
        with sa.create_engine(postgres).connect() as connection:
            return set(connection.exec_driver_sql("SELECT run_id FROM runs").scalars())

    config = config.model_copy(update={"store": postgres})
    start(config, tmp_path / "other", execution())
    before = recorded()
    with pytest.raises(UnusablePoolError):
        start(config, tmp_path / "run", execution(open_pool=open_pool))
    assert before and recorded() == before


def test_listeners_learn_how_many_evaluations_failed_before_a_resume(config, tmp_path):
    def broken(spec, data):
        if spec["seed"] % 2:
            raise RuntimeError("odd")
        return pretend(spec, data)

    stop, seen = Stop(), []

    class Listening:
        def started(self, progress, resumed, failed):
            seen.append((resumed, failed))

        def __getattr__(self, name):
            return lambda *arguments: None

    class Stopping(Pool):
        def wait(self, timeout=None):
            stop.requested = True
            return super().wait(timeout)

    start(
        config, tmp_path / "run", execution(work=broken, stop=stop, open_pool=lambda e: Stopping(capacity=9))
    )
    resume(tmp_path / "run", execution(listeners=[Listening()], stop=Stop(requested=True)))
    with RunFolder.open(tmp_path / "run").open_store(read_only=True) as store:
        states = store.counts()[1]
    assert seen == [(sum(states.values()), states.get(State.CRASHED, 0))]
    assert states[State.CRASHED] > 0


@pytest.fixture
def slow_run(tmp_path):
    """A driver in a process of its own whose first evaluation is under way."""
    driver = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.engine.stoppable", str(tmp_path / "run"), "local"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = tmp_path / "run" / "log.jsonl"
    while driver.poll() is None and not (log.exists() and '"started"' in log.read_text()):
        time.sleep(0.05)
    time.sleep(0.5)
    yield driver
    driver.kill()
    driver.wait()


def recorded(path: Path) -> int:
    with RunFolder.open(path).open_store(read_only=True) as store:
        return sum(store.counts()[1].values())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_records_what_is_running(slow_run, tmp_path, number):
    before = recorded(tmp_path / "run")
    slow_run.send_signal(number)
    out, _ = slow_run.communicate(timeout=120)
    assert out == "stopped\n"
    assert slow_run.returncode == 0
    assert recorded(tmp_path / "run") > before


@pytest.mark.slow
def test_the_second_signal_stops_at_once_and_the_run_resumes(slow_run, tmp_path):
    slow_run.send_signal(signal.SIGINT)
    time.sleep(0.2)
    slow_run.send_signal(signal.SIGINT)
    out, err = slow_run.communicate(timeout=120)
    assert out == ""
    assert "KeyboardInterrupt" in err
    events = [json.loads(line)["event"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert events[-1] == "interrupted"
    left = recorded(tmp_path / "run")
    result = resume(tmp_path / "run", execution())
    assert result.finished
    assert sum(result.states.values()) > left
