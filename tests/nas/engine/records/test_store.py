"""One suite for every database that can be a run store."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from gondwana.nas.candidate import Candidate, Outcome, State, make_spec
from gondwana.nas.engine.records import schema
from gondwana.nas.engine.records.schema import SchemaError
from gondwana.nas.engine.records.store import Final, NoSuchRunError, Store, StoreError, sqlite_engine

CONFIG = {"name": "test", "seed": 3}


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path) -> Iterator[Callable[[], sa.Engine]]:
    """Makes engines on one empty database."""
    if request.param == "sqlite":
        yield lambda: sqlite_engine(tmp_path / "run.sqlite")
        return
    url = request.getfixturevalue("postgres")
    yield lambda: sa.create_engine(url)


@pytest.fixture
def store(engine) -> Iterator[Store]:
    with Store.create(engine(), uuid.uuid4().hex, name="test", config=CONFIG) as made:
        yield made


def candidate(number: int, value: float = 0.5) -> Candidate:
    model = {"kind": "fake", "text": "tanh(ä)", "value": value}
    spec = make_spec(0, task={}, model=model, initialization={}, training={})
    return Candidate(number, number // 2, spec, {"parents": [number - 1]})


def outcome(number: int, state: State = State.COMPLETED, fitness: float | None = 0.1 + 0.2) -> Outcome:
    return Outcome(
        number,
        state,
        fitness=fitness,
        metrics={"val_loss": 1e-300, "x": 0.1},
        parameters=2**40,
        seconds={"trained": 1.25},
        seed=2**31 - 1,
        worker="host:1",
        reason=None if state is State.COMPLETED else "it 'failed'\nbadly; DROP TABLE outcomes",
        attempts=2,
        curve=({"epoch": 1, "train_loss": 0.1 + 0.2, "seconds": 1.25},) if state is State.COMPLETED else (),
    )


def test_what_is_written_is_read_back_exactly(store, engine):
    one, two = candidate(0), candidate(1, 0.75)
    store.add_candidates([(one, one.key), (two, two.key)], told_before=0)
    failed = outcome(1, State.CRASHED, None)
    store.add_outcomes([failed, outcome(0)], first=0)
    with Store.open(engine(), store.run_id) as again:
        read = list(again.candidates())
        assert [item.candidate for item in read] == [one, two]
        assert [item.key for item in read] == [one.key, two.key] == [item.candidate.key for item in read]
        assert [item.told_before for item in read] == [0, 0]
        assert list(again.outcomes()) == [failed, outcome(0)]
        assert list(again.outcomes(since=1)) == [outcome(0)]
        assert again.outcome(0) == outcome(0)
        assert again.outcome(7) is None
        assert again.candidate(1) == two
        assert again.counts() == (2, {State.CRASHED: 1, State.COMPLETED: 1})
        assert again.run().config == CONFIG
        assert again.run().finished is None


def test_candidates_are_read_in_the_order_of_their_ids(store):
    for number in (0, 10, 2, 1):
        store.add_candidates([(candidate(number), candidate(number).key)], told_before=0)
    assert [item.candidate.id for item in store.candidates()] == [0, 1, 2, 10]


def test_an_outcome_is_recorded_once_or_not_at_all(store):
    one, two = candidate(0), candidate(1)
    store.add_candidates([(one, one.key), (two, two.key)], told_before=0)
    store.add_outcomes([outcome(0)], first=0)
    with pytest.raises(StoreError):
        store.add_outcomes([outcome(1), outcome(0)], first=1)  # all or none
    assert list(store.outcomes()) == [outcome(0)]
    with pytest.raises(StoreError):
        store.add_outcomes([outcome(1)], first=0)  # the position is taken
    store.add_outcomes([outcome(1)], first=1)
    assert [item.candidate_id for item in store.outcomes()] == [0, 1]


def test_a_snapshot_is_kept_as_first_recorded(store):
    store.add_snapshot(0, {"level": 0.5})
    store.add_snapshot(0, {"level": 0.7})
    store.add_snapshot(1, {"level": 0.6})
    assert store.snapshots() == {0: {"level": 0.5}, 1: {"level": 0.6}}


def test_finals_and_the_end_are_kept(store, engine):
    final = Final(0, outcome(4), "best.keras")
    store.add_final(Final(1, outcome(2, State.CRASHED, None), None))
    store.add_final(final)
    store.finish()
    with Store.open(engine(), store.run_id) as again:
        assert again.finals()[0] == final
        assert [item.rank for item in again.finals()] == [0, 1]
        assert again.run().finished >= again.run().created


def test_runs_of_one_database_do_not_mix(store, engine):
    with Store.create(engine(), uuid.uuid4().hex, name="other", config={}) as other:
        one = candidate(0)
        store.add_candidates([(one, one.key)], told_before=0)
        store.add_outcomes([outcome(0)], first=0)
        other.add_candidates([(one, one.key)], told_before=0)
        assert list(other.outcomes()) == []
        other.add_outcomes([outcome(0, State.DIVERGED, 0.1)], first=0)
        assert store.counts() == (1, {State.COMPLETED: 1})
        assert other.counts() == (1, {State.DIVERGED: 1})


def test_readers_see_a_commit_at_once(store, engine):
    with Store.open(engine(), store.run_id) as reader:
        for number in range(3):
            one = candidate(number)
            store.add_candidates([(one, one.key)], told_before=number)
            store.add_outcomes([outcome(number)], first=number)
            assert reader.counts()[1] == {State.COMPLETED: number + 1}


def test_a_run_that_is_not_there_is_an_error(store, engine):
    with pytest.raises(NoSuchRunError, match="no run 'nowhere'"):
        Store.open(engine(), "nowhere")


def test_a_newer_database_is_refused(store, engine):
    made = engine()
    with made.begin() as connection:
        connection.execute(schema.schema_version.update().values(version=99))
    try:
        with pytest.raises(SchemaError, match="schema version 99, this version of Gondwana knows up to"):
            Store.open(engine(), store.run_id)
    finally:
        with made.begin() as connection:
            connection.execute(schema.schema_version.update().values(version=len(schema.MIGRATIONS)))
        made.dispose()


def test_an_older_database_is_brought_up_to_date(store, engine):
    made = engine()

    def add_column(connection: sa.Connection) -> None:
        connection.execute(sa.text(f"CREATE TABLE added_{store.run_id} (x INTEGER)"))

    with made.begin() as connection:
        before = schema.version_of(connection)
        schema.migrate(connection, [*schema.MIGRATIONS, add_column])
        assert schema.version_of(connection) == before + 1
        assert sa.inspect(connection).has_table(f"added_{store.run_id}")
        connection.execute(schema.schema_version.update().values(version=before))
    made.dispose()


def test_a_migration_that_fails_changes_nothing(store, engine):
    made = engine()

    def half(connection: sa.Connection) -> None:
        connection.execute(sa.text(f"CREATE TABLE half_{store.run_id} (x INTEGER)"))
        raise RuntimeError("power failure")

    with pytest.raises(RuntimeError, match="power failure"), made.begin() as connection:
        schema.migrate(connection, [*schema.MIGRATIONS, half])
    with made.connect() as connection:
        assert schema.version_of(connection) == len(schema.MIGRATIONS)
        assert not sa.inspect(connection).has_table(f"half_{store.run_id}")
    made.dispose()


# --- SQLite only


def test_a_full_disk_is_one_error_and_nothing_is_lost(tmp_path):
    path = tmp_path / "run.sqlite"
    with Store.create(sqlite_engine(path), "run", name="test", config=CONFIG) as store:
        recorded = fill_until_full(store)
        assert list(store.outcomes()) == [outcome(number) for number in range(recorded)]
    with Store.open(sqlite_engine(path), "run") as store:  # space was freed
        number = recorded
        one = candidate(number + 1000)
        store.add_candidates([(one, one.key)], told_before=0)
        assert list(store.outcomes()) == [outcome(number) for number in range(recorded)]


def fill_until_full(store: Store) -> int:
    store.close()  # the next connection has the limit

    @sa.event.listens_for(store._engine, "connect")
    def _limit(connection, _) -> None:
        connection.execute("PRAGMA max_page_count=40")

    recorded = 0
    with pytest.raises(StoreError, match="run store: database or disk is full"):
        for number in range(1000):
            one = candidate(number)
            store.add_candidates([(one, one.key)], told_before=number)
            store.add_outcomes([outcome(number)], first=number)
            recorded += 1
    assert recorded > 10
    return recorded


def test_a_read_only_store_cannot_be_written(tmp_path):
    path = tmp_path / "run.sqlite"
    with Store.create(sqlite_engine(path), "run", name="test", config=CONFIG):
        pass
    with (
        Store.open(sqlite_engine(path, read_only=True), "run", migrate=False) as store,
        pytest.raises(StoreError, match="readonly"),
    ):
        store.finish()


def test_a_database_without_curves_is_read_as_it_is_and_gains_them_when_it_is_written(tmp_path):
    path = tmp_path / "old.sqlite"
    with Store.create(sqlite_engine(path), "run", name="test", config=CONFIG) as store:
        store.add_candidates([(candidate(0), candidate(0).key)], told_before=0)
        store.add_outcomes([outcome(0, State.CRASHED, None)], first=0)
    with sqlite_engine(path).begin() as connection:
        connection.exec_driver_sql("ALTER TABLE outcomes DROP COLUMN curve")
        connection.execute(schema.schema_version.update().values(version=1))
    with Store.open(sqlite_engine(path, read_only=True), "run", migrate=False) as old:
        assert list(old.outcomes()) == [outcome(0, State.CRASHED, None)]
        assert old.outcome(0).curve == ()
    with Store.open(sqlite_engine(path), "run") as migrated:
        migrated.add_candidates([(candidate(1), candidate(1).key)], told_before=1)
        migrated.add_outcomes([outcome(1)], first=1)
        assert list(migrated.outcomes()) == [outcome(0, State.CRASHED, None), outcome(1)]


def test_every_outcome_has_the_time_of_its_record(store):
    store.add_candidates([(candidate(n), candidate(n).key) for n in range(2)], 0)
    before = time.time()
    store.add_outcomes([Outcome(1, State.COMPLETED, fitness=0.5)], 0)
    assert set(store.recorded()) == {1}
    assert before <= store.recorded()[1] <= time.time()
