"""The run loop: nothing lost, nothing done twice, the same decisions whatever happens on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gondwana.nas.candidate import State
from gondwana.nas.config.schema import load_config
from gondwana.nas.engine.execute import build_search
from gondwana.nas.engine.loop import FailingRunError, ReplayError, RunLoop, SearchStalledError, Stop
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.pools.protocol import Job
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.store import Store, StoreError, sqlite_engine
from tests.helpers import ROOT
from tests.helpers.engine import driver as engine_driver
from tests.helpers.engine.driver import GENERATIONS, SIZE, job, lead, make_search
from tests.helpers.engine.fakes import TRACE, FakeSearch, by_seed

pytestmark = pytest.mark.slow

TOTAL = SIZE * GENERATIONS


@pytest.fixture
def store(tmp_path):
    with Store.create(sqlite_engine(tmp_path / "run.sqlite"), "run", name="fake", config={}) as made:
        yield made


def loop(search, store, pool=None, **options) -> RunLoop:
    return RunLoop(search, store, pool or LocalPool(), job, **options)


def journal(store: Store) -> dict[int, tuple]:
    return {o.candidate_id: (o.state, o.fitness, o.seed, o.duplicate_of) for o in store.outcomes()}


def test_a_search_is_led_to_its_end_and_recorded(store):
    search = FakeSearch(generations=3, size=4)
    assert loop(search, store).run()
    assert search.finished
    assert [item.candidate for item in store.candidates()] == search.candidates
    assert {o.candidate_id: o for o in store.outcomes()} == search.outcomes
    assert sorted(store.snapshots()) == [0, 1, 2, 3]
    assert store.snapshots()[3] == search.snapshot()


@pytest.fixture
def trace(tmp_path, monkeypatch) -> Path:
    """Folder in which every evaluation leaves a file."""
    folder = tmp_path / "trace"
    folder.mkdir()
    monkeypatch.setenv(TRACE, str(folder))
    return folder


def test_equal_candidates_are_evaluated_once(store, trace):
    search = FakeSearch(generations=2, size=6, repeat=3)
    loop(search, store, LocalPool(capacity=4)).run()
    assert len(list(trace.iterdir())) == 8
    for number in (2, 5, 8, 11):
        outcome = search.outcomes[number]
        assert outcome.state is State.DUPLICATE
        assert outcome.duplicate_of == number - 1
        assert outcome.fitness == search.outcomes[number - 1].fitness
        assert outcome.seed == search.outcomes[number - 1].seed
        assert outcome.reason == f"equal to candidate {number - 1}"
        assert outcome.attempts == 0


def test_a_duplicate_of_a_failure_fails_without_being_tried(store, trace):
    search = FakeSearch(generations=1, size=2, repeat=2, do="raise")
    with pytest.raises(
        FailingRunError, match=r"all 2 candidates of the first generation failed.*this candidate raises"
    ):
        loop(search, store).run()
    assert len(list(trace.iterdir())) == 1
    assert search.outcomes[1].state is State.CRASHED
    assert search.outcomes[1].fitness is None
    assert "equal to candidate 0, which ended crashed" in search.outcomes[1].reason


def test_a_run_whose_first_generation_fails_stops_and_so_does_its_resume(store):
    search = FakeSearch(generations=3, size=4, do="raise")
    with pytest.raises(FailingRunError, match="all 4 candidates of the first generation failed"):
        loop(search, store).run()
    assert len(search.outcomes) == 4
    again = loop(FakeSearch(generations=3, size=4, do="raise"), store)
    assert again.replay() == 4
    with pytest.raises(FailingRunError, match="4 x crashed"):
        again.run()
    assert len(list(store.candidates())) == 4


def test_one_result_in_the_first_generation_is_enough_to_go_on(store):
    class OneWorks(FakeSearch):
        def _special(self, number):
            return {"do": "score" if number == 2 else "raise"}

    assert loop(OneWorks(generations=1, size=4), store).run()


def test_a_generation_that_diverges_is_nothing_to_evolve_from(store):
    with pytest.raises(FailingRunError, match="4 x diverged"):
        loop(FakeSearch(generations=2, size=4, do="diverge"), store).run()


def test_a_comparison_may_find_that_everything_diverges(store):
    assert loop(FakeSearch(generations=1, size=4, do="diverge"), store).run()


def test_failures_are_outcomes_and_the_run_goes_on(store):
    class Mixed(FakeSearch):
        def _special(self, number):
            return {"do": ("raise", "diverge", "raise_memory", "score")[number % 4]}

    search = Mixed(generations=2, size=8)
    assert loop(search, store).run()
    states = [search.outcomes[number].state for number in range(4)]
    assert states == [State.CRASHED, State.DIVERGED, State.OUT_OF_MEMORY, State.COMPLETED]
    assert all(o.reason for o in search.outcomes.values() if o.state is not State.COMPLETED)


def test_a_run_in_which_everything_crashes_ends(store):
    search = FakeSearch(generations=3, size=10, do="raise")
    with pytest.raises(FailingRunError, match=r"5 evaluations in succession crashed.*this candidate raises"):
        loop(search, store, stop_after_failures=5).run()
    assert len(list(store.outcomes())) == 5


def test_a_search_that_stalls_is_reported(store):
    class Stalled(FakeSearch):
        def ask(self, count):
            return super().ask(count) if self.asked < 2 else []

    with pytest.raises(SearchStalledError, match="2 outcomes told"):
        loop(Stalled(), store).run()


def test_no_more_is_asked_than_workers_can_take(store):
    class Watched(FakeSearch):
        most = 0

        def ask(self, count):
            found = super().ask(count)
            self.most = max(self.most, self.asked - len(self.outcomes))
            return found

    search = Watched(generations=1, size=50)
    loop(search, store, LocalPool(capacity=3), backlog=2).run()
    assert search.most == 5


def test_late_results_are_accepted_once(store):
    class Echo(LocalPool):
        """Returns every result twice, as a worker that was thought dead might."""

        def wait(self, timeout=None):
            results = super().wait(timeout)
            return [*results, *self.earlier(results)]

        def earlier(self, results):
            before, self.last = getattr(self, "last", []), results
            return before

    search = FakeSearch()
    assert loop(search, store, Echo()).run()
    assert len(list(store.outcomes())) == 12


@pytest.mark.parametrize("steady", [False, True])
@pytest.mark.parametrize("stop_after", [0, 1, 7, 23, 30])
def test_a_stopped_run_resumes_to_the_same_end(tmp_path, steady, stop_after):
    whole = make_search(0.0, steady)
    lead_in(tmp_path / "whole", whole)
    stop = Stop()

    class Stopper(LocalPool):
        left = stop_after

        def wait(self, timeout=None):
            results = super().wait(timeout)
            self.left -= len(results)
            stop.requested = self.left <= 0
            return results

    stop.requested = stop_after == 0
    assert not lead_in(tmp_path / "stopped", make_search(0.0, steady), Stopper(), stop)
    again = make_search(0.0, steady)
    assert lead_in(tmp_path / "stopped", again)
    if not steady:  # a steady search depends on how much was under way
        assert again.candidates == whole.candidates
        assert again.snapshot() == whole.snapshot()
    with RunFolder.open(tmp_path / "stopped").open_store(read_only=True) as store:
        replayed = make_search(0.0, steady)
        loop(replayed, store).replay()
    assert replayed.snapshot() == again.snapshot()
    assert replayed.candidates == again.candidates


def lead_in(
    folder: Path, search: FakeSearch, pool: LocalPool | None = None, stop: Stop | None = None
) -> bool:
    folder.mkdir(exist_ok=True)
    return lead(folder, pool or LocalPool(capacity=2), search, stop=stop)


def test_resuming_with_another_search_is_refused(store):
    stop = Stop()
    loop(FakeSearch(seed=1), store, stop=stop).run()
    with pytest.raises(
        ReplayError, match=r"recorded candidate 0 with key .* now asks for candidate 0 with key"
    ):
        loop(FakeSearch(seed=2), store).replay()


def test_an_edited_journal_is_refused(store):
    loop(FakeSearch(seed=1, size=2, generations=2), store).run()
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE outcomes SET fitness = 0.9 WHERE candidate_id = 1")
    with pytest.raises(ReplayError, match="candidate 2"):
        loop(FakeSearch(seed=1, size=2, generations=2), store).replay()


def test_a_full_disk_stops_the_run_and_it_resumes(tmp_path):
    whole = FakeSearch(generations=40, size=5)
    with Store.create(sqlite_engine(tmp_path / "whole.sqlite"), "run", name="fake", config={}) as store:
        loop(whole, store).run()
    path = tmp_path / "run.sqlite"
    engine = sqlite_engine(path)
    with Store.create(engine, "run", name="fake", config={}) as store:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=25")  # of the pooled connection
        with pytest.raises(StoreError, match="database or disk is full"):
            loop(FakeSearch(generations=40, size=5), store).run()
        recorded = len(list(store.outcomes()))
    assert 0 < recorded < 200
    with Store.open(sqlite_engine(path), "run") as store:
        search = FakeSearch(generations=40, size=5)
        again = loop(search, store)
        assert again.replay() == recorded
        assert again.run()
    assert search.snapshot() == whole.snapshot()


@pytest.mark.parametrize("steady", [False, True])
def test_a_driver_killed_at_any_moment_resumes_to_the_same_end(tmp_path, trace, steady):
    whole = make_search(0.02, steady)
    lead_in(tmp_path / "undisturbed", whole)
    undisturbed = len(list(trace.iterdir()))
    assert undisturbed == (TOTAL if steady else TOTAL - TOTAL // 5)
    for path in trace.iterdir():
        path.unlink()
    kills = [10, 20, 35]
    for number, after in enumerate(kills):
        assert kill_driver(tmp_path, after, steady), f"kill {number} came too late"
        recorded = journal_of(tmp_path / "run")
        assert len(recorded) >= after
    search = make_search(0.02, steady)
    assert lead_in(tmp_path / "run", search)
    journal_after = journal_of(tmp_path / "run")
    assert all(journal_after[number] == recorded[number] for number in recorded)
    trained = len(list(trace.iterdir()))
    assert trained <= undisturbed + len(kills)  # at most the one under way is begun again
    if not steady:
        assert search.candidates == whole.candidates
        assert search.snapshot() == whole.snapshot()
        assert journal_after == journal_of(tmp_path / "undisturbed")


def kill_driver(home: Path, after: int, steady: bool) -> bool:
    """Start a driver, kill it with SIGKILL when ``after`` outcomes are recorded; False if it was finished before."""
    command = [
        sys.executable,
        "-m",
        engine_driver.__name__,
        str(home),
        "local",
        "0.02",
        *(["steady"] if steady else []),
    ]
    (home / "run").mkdir(exist_ok=True)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT) as driver:
        while driver.poll() is None and len(journal_of(home / "run")) < after:
            time.sleep(0.01)
        os.kill(driver.pid, signal.SIGKILL)
    return driver.returncode == -signal.SIGKILL


def journal_of(folder: Path) -> dict[int, tuple]:
    try:
        with RunFolder.open(folder).open_store(read_only=True) as store:
            return journal(store)
    except (ValueError, StoreError):
        return {}


def test_one_two_and_four_workers_make_the_same_run(tmp_path, ray_pool):
    runs = []
    for workers in (1, 2, 4):
        folder = tmp_path / str(workers)
        folder.mkdir()
        search = make_search(0.01)
        assert lead(folder, ray_pool(workers=workers, num_cpus=0.5), search)
        runs.append((search.candidates, search.snapshot(), journal_of(folder)))
    assert runs[0] == runs[1] == runs[2]


def test_a_steady_codeepneat_on_several_workers_is_replayed_in_the_order_of_its_outcomes(tmp_path, ray_pool):
    config = load_config(
        Path(__file__).resolve().parents[3] / "configs" / "digits.yaml",
        ["generations=4", "search.mode=steady"],
    )
    run = RunFolder.create(tmp_path / "run")
    Store.create(run.engine(), run.run_id, name="steady", config={}).close()
    finished, sessions = False, 0
    while not finished:
        stop, search = Stop(), build_search(config)

        class Stopper:
            def outcome(self, candidate, outcome, details, stop=stop, search=search):
                stop.requested |= search.progress().told % 13 == 12

            def __getattr__(self, name):
                return lambda *arguments: None

        with run.open_store() as store, ray_pool(workers=1 + sessions % 3, num_cpus=0.5) as pool:
            led = RunLoop(search, store, pool, by_seed_job, [Stopper()], stop=stop)
            led.replay()
            finished = led.run()
        sessions += 1
    assert sessions > 2
    with run.open_store(read_only=True) as store:
        again = build_search(config)
        assert RunLoop(again, store, LocalPool(), by_seed_job).replay() == search.progress().total
        recorded = [item.candidate for item in store.candidates()]
    assert again.snapshot() == search.snapshot()
    assert again.finalists() == search.finalists()
    assert [candidate.id for candidate in recorded] == list(range(search.progress().total))


def by_seed_job(candidate) -> Job:
    return Job(candidate.id, candidate.spec, by_seed)
